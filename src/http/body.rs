//! Small request bodies: JSON or a form, told apart by their first byte, because clients of all ages
//! mislabel them.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::BytesMut;
use http_body_util::BodyExt;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use crate::app::App;
use crate::error::{Error, Refusal, Result};

/// Largest body of an API call, in bytes.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The parameters of a call.
#[derive(Debug, PartialEq)]
pub struct Params {
    map: Map<String, Value>,
    /// Whether they come from a form, which has no types.
    is_form: bool,
}

/// Reads a body to its end, but not for ever and not without bound.
pub async fn read(app: &App, headers: &HeaderMap, mut body: Body) -> Result<Params> {
    let mut bytes = BytesMut::new();
    loop {
        let frame =
            tokio::time::timeout(app.settings.idle_timeout, body.frame()).await.map_err(|_| Refusal::BodyTimeout)?;
        let Some(frame) = frame else { break };
        // The client is gone or breaks the protocol; nobody will read the answer.
        let frame = frame.map_err(|_| Error::from(Refusal::InvalidParameter))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > BODY_BYTES_MAX {
                return Err(Refusal::BodyTooLarge.into());
            }
            bytes.extend_from_slice(&data);
        }
    }
    let says_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase().contains("json"));
    Ok(parse(&bytes, says_json)?)
}

fn parse(bytes: &[u8], says_json: bool) -> Result<Params, Refusal> {
    let text = bytes.trim_ascii();
    match text.first() {
        None => return Ok(Params { map: Map::new(), is_form: false }),
        Some(b'{') => {
            let Ok(Value::Object(map)) = serde_json::from_slice(text) else { return Err(Refusal::InvalidJson) };
            return Ok(Params { map, is_form: false });
        }
        Some(_) => {}
    }
    if let Ok(value) = serde_json::from_slice::<Value>(text)
        && (says_json || value.is_array())
    {
        return Err(Refusal::NotAnObject);
    }
    if text[0] == b'[' || (says_json && !text.contains(&b'=')) {
        return Err(Refusal::InvalidJson);
    }
    let map = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(form_pair).collect::<Option<_>>();
    Ok(Params { map: map.ok_or(Refusal::InvalidParameter)?, is_form: true })
}

/// A name and its value, decoded once; `None` when they are not UTF-8, which must not be stored as
/// something similar.
fn form_pair(pair: &[u8]) -> Option<(String, Value)> {
    let mut sides = pair.splitn(2, |byte| *byte == b'=');
    let mut decode = || {
        let spaced: Vec<u8> =
            sides.next().unwrap_or_default().iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        String::from_utf8(percent_decode(&spaced).collect()).ok()
    };
    let name = decode()?;
    Some((name, Value::String(decode()?)))
}

impl Params {
    /// Texts that must be there; empty counts as missing. A missing one is told before one of a wrong type.
    pub fn texts<const N: usize>(&self, names: [&'static str; N]) -> Result<[&str; N], Refusal> {
        for name in names {
            match self.map.get(name) {
                None | Some(Value::Null) => return Err(Refusal::MissingParameter(name)),
                Some(Value::String(text)) if text.is_empty() => return Err(Refusal::MissingParameter(name)),
                Some(_) => {}
            }
        }
        let mut texts = [""; N];
        for (text, name) in texts.iter_mut().zip(names) {
            *text = self.map[name].as_str().ok_or(Refusal::NotAString(name))?;
        }
        Ok(texts)
    }

    /// A parameter as sent; `null` and a missing one are told apart.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    /// The same for a name that clients spell with capitals of their own; of several spellings the last.
    pub fn value_in_any_case(&self, name: &str) -> Option<&Value> {
        self.map.iter().rev().find_map(|(sent, value)| sent.eq_ignore_ascii_case(name).then_some(value))
    }

    /// A list of texts that must be there and hold something.
    pub fn list(&self, name: &'static str) -> Result<Vec<String>, Refusal> {
        let items = match self.value(name) {
            None | Some(Value::Null) => return Err(Refusal::NoList(name)),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(Refusal::NotAList(name)),
        };
        if items.is_empty() {
            return Err(Refusal::EmptyList(name));
        }
        items.iter().map(|item| item.as_str().map(str::to_owned).ok_or(Refusal::NotAList(name))).collect()
    }

    /// A flag in any of its spellings and any case; true if any of them is. Digits and an empty text stand for booleans in
    /// forms only: JSON has booleans, and no client sends anything else but their words.
    pub fn flag(&self, names: &[&'static str]) -> Result<bool, Refusal> {
        let mut set = false;
        for (key, value) in &self.map {
            let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(key)) else { continue };
            set |= match value {
                Value::Null => false,
                Value::Bool(flag) => *flag,
                Value::String(text) if text.eq_ignore_ascii_case("true") => true,
                Value::String(text) if text.eq_ignore_ascii_case("false") => false,
                Value::String(text) if self.is_form && text == "1" => true,
                Value::String(text) if self.is_form && (text == "0" || text.is_empty()) => false,
                _ => return Err(Refusal::NotABoolean(name)),
            };
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_told_apart_by_their_first_byte() {
        let name = |bytes: &[u8], json| parse(bytes, json).map(|body| body.texts(["a"]).map(|[a]| a.to_owned()));
        assert_eq!(name(br#" {"a":"x y"}"#, false), Ok(Ok("x y".into())));
        assert_eq!(name(b"a=x+y%2F", true), Ok(Ok("x y/".into())));
        assert_eq!(name(b"a=%FF", false), Err(Refusal::InvalidParameter));
        assert_eq!(name(b"", true), Ok(Err(Refusal::MissingParameter("a"))));
        assert_eq!(name(b"{\"a\":7}", true), Ok(Err(Refusal::NotAString("a"))));
        assert_eq!(name(b"[1]", false), Err(Refusal::NotAnObject));
        assert_eq!(name(b"\"a\"", true), Err(Refusal::NotAnObject));
        assert_eq!(name(b"{\"a\":", true), Err(Refusal::InvalidJson));
        assert_eq!(name(b"nonsense", true), Err(Refusal::InvalidJson));
        assert_eq!(name(&[b"{\"a\":".repeat(200).as_slice(), b"1"].concat(), true), Err(Refusal::InvalidJson));
    }

    #[test]
    fn flags_come_in_every_spelling() {
        let flag = |body: &str| parse(body.as_bytes(), true).unwrap().flag(&["includeVersions", "includeFileVersions"]);
        assert_eq!(flag(r#"{"IncludeFileVersions":true}"#), Ok(true));
        assert_eq!(flag(r#"{"includeVersions":false,"includeFileVersions":"True"}"#), Ok(true));
        assert_eq!(flag(r#"{"includeVersions":null}"#), Ok(false));
        assert_eq!(flag("{}"), Ok(false));
        assert_eq!(flag(r#"{"includeVersions":3}"#), Err(Refusal::NotABoolean("includeVersions")));
        assert_eq!(flag(r#"{"includeFileVersions":"maybe"}"#), Err(Refusal::NotABoolean("includeFileVersions")));
        for (text, in_form) in [("1", true), ("0", false), ("", false)] {
            assert_eq!(flag(&format!("includeVersions={text}")), Ok(in_form), "{text:?}");
            let json = format!(r#"{{"includeVersions":"{text}"}}"#);
            assert_eq!(flag(&json), Err(Refusal::NotABoolean("includeVersions")), "{text:?}");
        }
    }
}

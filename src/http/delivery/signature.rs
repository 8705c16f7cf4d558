//! Signed URLs: whether `ik-s` was made with one of our private keys, and whether `ik-t` has passed.
//!
//! A signature is the hexadecimal HMAC-SHA1, under a private key, of everything after the endpoint and its slash as it
//! stands in the URL, without `ik-t` and `ik-s`, followed by the expiry (`9999999999` where the URL has none).
//!
//! Signers and senders encode differently: some sign what they then encode, some encode what they then sign, some
//! sign the whole URL. So a signature is compared with every form of the URL that a known client signs: path and query
//! as received, decoded, and encoded again, each behind every way to write the endpoint or to leave it out. Their
//! number is bounded, and so is the length of the URL, because an attacker has them all computed.
//!
//! Deliberately absent: matching only the end of a path. Whoever got a signed URL for `a.png` could then read `b/a.png`.

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use sha1::Sha1;

/// Seconds after its expiry during which a URL is still good. rclone signs reads with the present moment; the rest is
/// for clocks that disagree.
pub const LEEWAY_S: u64 = 120;
/// The expiry of a URL without one, as it is signed.
const NEVER: &str = "9999999999";
/// Longest signed URL, in bytes: ten times what transformations need, and short enough to be hashed in all its forms.
pub const SIGNED_BYTES_MAX: usize = 8 * 1024;
/// Digits of an expiry; any number of seconds that somebody means has fewer.
const EXPIRY_DIGITS_MAX: usize = 30;
/// Bytes of an HMAC-SHA1.
const SIGNATURE_BYTES: usize = 20;
/// What JavaScript's `encodeURI` encodes besides everything outside ASCII.
const ENCODE_URI: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A URL as it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The path after the endpoint and its slash, exactly as received.
    pub path: &'a str,
    /// The query without its `?`, exactly as received.
    pub query: Option<&'a str>,
    /// What signers may have put before the path, besides nothing and a slash: the endpoint's name, the endpoint's URL
    /// under each name of this server; each with a slash at its end.
    pub endpoints: &'a [String],
}

/// What a signature is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The URL has none.
    Missing,
    /// Made with one of the keys.
    Valid {
        /// Seconds until the URL expires; `None` when it does not. 0 within the leeway.
        left_s: Option<u64>,
    },
    Expired,
    Wrong,
}

/// Judges the signature of a URL at `now_s` (Unix seconds), trying every one of `private_keys`.
#[must_use]
pub fn verify<'k>(asked: Asked<'_>, private_keys: impl IntoIterator<Item = &'k str>, now_s: u64) -> Signature {
    let parameters = match Parameters::of(asked.query) {
        Ok(Some(parameters)) => parameters,
        Ok(None) => return Signature::Missing,
        Err(Malformed) => return Signature::Wrong,
    };
    let left_s = match parameters.expires_s {
        Some(expires_s) if expires_s.saturating_add(LEEWAY_S) < now_s => return Signature::Expired,
        expires_s => expires_s.map(|expires_s| expires_s.saturating_sub(now_s)),
    };
    if asked.path.len() + asked.query.map_or(0, str::len) > SIGNED_BYTES_MAX {
        return Signature::Wrong;
    }
    let paths = forms_of_path(asked.path);
    let queries = parameters.rest.as_deref().map_or_else(Vec::new, forms_of_query);
    for key in private_keys {
        // HMAC takes keys of any length.
        let Ok(mac) = Hmac::<Sha1>::new_from_slice(key.as_bytes()) else { continue };
        if is_signed(&mac, &asked, &paths, &queries, &parameters) {
            return Signature::Valid { left_s };
        }
    }
    Signature::Wrong
}

/// Compares with every form. The comparison takes the same time wherever two signatures differ; which form matched is
/// no secret.
fn is_signed(
    mac: &Hmac<Sha1>,
    asked: &Asked<'_>,
    paths: &[String],
    queries: &[String],
    parameters: &Parameters,
) -> bool {
    let plain = ["", "/"].into_iter();
    plain.chain(asked.endpoints.iter().map(String::as_str)).any(|endpoint| {
        paths.iter().any(|path| {
            let mut mac = mac.clone();
            mac.update(endpoint.as_bytes());
            mac.update(path.as_bytes());
            let matches = |query: Option<&String>| {
                let mut mac = mac.clone();
                if let Some(query) = query {
                    mac.update(b"?");
                    mac.update(query.as_bytes());
                }
                mac.update(parameters.expiry.as_bytes());
                mac.verify_slice(&parameters.signature).is_ok()
            };
            if queries.is_empty() { matches(None) } else { queries.iter().any(|query| matches(Some(query))) }
        })
    })
}

/// `ik-s` or `ik-t` is there and is none, or is there twice.
struct Malformed;

/// What a query says about the signature, and the rest of it.
struct Parameters {
    /// The query without the two; `None` when nothing is left.
    rest: Option<String>,
    /// The bytes of `ik-s`.
    signature: [u8; SIGNATURE_BYTES],
    /// `ik-t` as text, because it is signed as text.
    expiry: String,
    expires_s: Option<u64>,
}

impl Parameters {
    /// `None` when there is no `ik-s`; an `ik-t` alone means nothing.
    fn of(query: Option<&str>) -> Result<Option<Parameters>, Malformed> {
        let (mut rest, mut signatures, mut expiries) = (Vec::new(), Vec::new(), Vec::new());
        for pair in query.unwrap_or_default().split('&') {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("ik-s", value) => signatures.push(value),
                ("ik-t", value) => expiries.push(value),
                _ => rest.push(pair),
            }
        }
        let [signature] = signatures.as_slice() else {
            return if signatures.is_empty() { Ok(None) } else { Err(Malformed) };
        };
        let expiry = match expiries.as_slice() {
            [] => None,
            [expiry] => Some(*expiry),
            _ => return Err(Malformed),
        };
        let rest = Some(rest.join("&")).filter(|rest| !rest.is_empty());
        let signature = decode_hex(signature).ok_or(Malformed)?;
        let expires_s = expiry.map(expiry_s).transpose()?;
        Ok(Some(Parameters { rest, signature, expiry: expiry.unwrap_or(NEVER).to_owned(), expires_s }))
    }
}

/// Unix seconds; what is too large for a number is far enough away.
fn expiry_s(text: &str) -> Result<u64, Malformed> {
    let is_number = !text.is_empty() && text.len() <= EXPIRY_DIGITS_MAX && text.bytes().all(|c| c.is_ascii_digit());
    if is_number { Ok(text.parse().unwrap_or(u64::MAX)) } else { Err(Malformed) }
}

/// A path as received, as it was before a repair, decoded, and as `encodeURI` writes it.
fn forms_of_path(path: &str) -> Vec<String> {
    let mut forms = vec![path.to_owned()];
    add(&mut forms, unrepaired(path));
    if let Some(decoded) = decoded(path) {
        add(&mut forms, encode_uri(&decoded));
        add(&mut forms, decoded);
    }
    forms
}

/// A query as received, as it was before a repair, decoded, as `encodeURI` writes it, and with its commas and colons encoded or not.
fn forms_of_query(query: &str) -> Vec<String> {
    let mut forms = vec![query.to_owned()];
    add(&mut forms, unrepaired(query));
    add(&mut forms, query.replace(',', "%2C").replace(':', "%3A"));
    let plain = ["%2C", "%2c"].iter().fold(query.to_owned(), |query, code| query.replace(code, ","));
    add(&mut forms, ["%3A", "%3a"].iter().fold(plain, |query, code| query.replace(code, ":")));
    if let Some(decoded) = decoded(query) {
        add(&mut forms, encode_uri(&decoded));
        add(&mut forms, decoded);
    }
    // Forms write a space as `+`.
    if query.contains('+') {
        forms.extend(decoded(&query.replace('+', " ")));
    }
    forms
}

/// With what `request_target` encodes, but for spaces, as a client may have signed and sent it.
fn unrepaired(text: &str) -> String {
    let codes = [("%22", "\""), ("%3C", "<"), ("%3E", ">"), ("%60", "`")];
    codes.iter().fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

fn encode_uri(text: &str) -> String {
    utf8_percent_encode(text, ENCODE_URI).to_string()
}

fn add(forms: &mut Vec<String>, form: String) {
    if !forms.contains(&form) {
        forms.push(form);
    }
}

/// The bytes of an HMAC-SHA1 written as hexadecimal digits of either case.
fn decode_hex(text: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    let mut bytes = [0; SIGNATURE_BYTES];
    if text.len() != 2 * SIGNATURE_BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;

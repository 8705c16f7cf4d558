//! Version 2: `token` is a JSON Web Token, HS256 with the private key of the pair that `kid` names. Its payload is the
//! form: every field but `file` and `token`, each as the text that is sent, and the times `iat` and `exp`.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::{AHEAD_S_MAX, Proof, Signer, digest};
use crate::error::Refusal;

/// How far the clock of the signing backend may be ahead, in seconds.
const CLOCK_LEEWAY_S: i64 = 60;
/// Longest token, in bytes. The payload holds the form's texts once more, in base64.
const TOKEN_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Fields that may come in several parts, one for each item.
const LISTS: &[&str] = &["tags", "responseFields"];
/// Fields whose text is JSON, which may be written in several ways.
const JSON_TEXTS: &[&str] = &["customMetadata", "extensions", "transformation"];

/// Checks signature, times and payload of a token, in this order. `fields` are all text fields of the form as sent.
///
/// # Errors
///
/// The refusal in the contract's words (upload.md §10).
pub fn verify(token: &str, fields: &[(String, String)], signers: &[Signer<'_>], now_s: i64) -> Result<Proof, Refusal> {
    let (public_key, payload) = open(token, signers).ok_or(Refusal::BadToken)?;
    let time = |name: &str| payload.get(name).and_then(Value::as_i64).ok_or(Refusal::BadToken);
    let (issued_s, expires_s) = (time("iat")?, time("exp")?);
    let lives_s = expires_s.checked_sub(issued_s).ok_or(Refusal::BadToken)?;
    if issued_s > now_s.saturating_add(CLOCK_LEEWAY_S) || lives_s > AHEAD_S_MAX {
        return Err(Refusal::BadToken);
    }
    if expires_s <= now_s {
        return Err(Refusal::ExpiredToken);
    }
    if !is_of(&payload, fields) {
        return Err(Refusal::BadPayload);
    }
    // Without the signature, which could be written in several ways.
    let (signed, _) = token.rsplit_once('.').ok_or(Refusal::BadToken)?;
    Ok(Proof { public_key, digest: digest("v2", signed), expires_s })
}

/// The signer and the payload of a token that is signed as it says; compared in constant time.
fn open(token: &str, signers: &[Signer<'_>]) -> Option<(String, Map<String, Value>)> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let header = decode_header(token).ok()?;
    let kid = header.kid.filter(|_| header.alg == Algorithm::HS256)?;
    let signer = signers.iter().find(|signer| signer.public_key == kid)?;
    let mut rules = Validation::new(Algorithm::HS256);
    // Times are checked here, against the time that is handed in; a form may well have a field called `aud`.
    rules.required_spec_claims.clear();
    (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
    let key = DecodingKey::from_secret(signer.private_key.as_bytes());
    let opened = decode::<Map<String, Value>>(token, &key, &rules).ok()?;
    Some((kid, opened.claims))
}

/// Whether the payload names exactly the fields of the form, with the same values.
fn is_of(payload: &Map<String, Value>, fields: &[(String, String)]) -> bool {
    let mut sent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in fields.iter().filter(|(name, _)| name != "token" && name != "file") {
        sent.entry(name).or_default().push(value);
    }
    let signed: Vec<_> = payload.iter().filter(|(name, _)| !matches!(name.as_str(), "iat" | "exp")).collect();
    signed.len() == sent.len()
        && signed.iter().all(|(name, value)| sent.get(name.as_str()).is_some_and(|sent| is_same(name, value, sent)))
}

/// Whether the parts of one field say what was signed: all of them, because it is not for the client to choose which
/// part counts.
fn is_same(name: &str, signed: &Value, sent: &[&str]) -> bool {
    let text = match signed {
        Value::String(text) => text.clone(),
        // Backends that forget to turn a value into text mean its usual text.
        other => other.to_string(),
    };
    if sent.iter().all(|sent| *sent == text) {
        return true;
    }
    let list = LISTS.contains(&name);
    if list && sent.join(",") == text {
        return true;
    }
    // JSON that was written by two different programs.
    if !(list || JSON_TEXTS.contains(&name)) {
        return false;
    }
    let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(&text) else {
        return false;
    };
    let is_value = |sent: &&str| serde_json::from_str::<Value>(sent).is_ok_and(|sent| sent == value);
    sent.iter().all(is_value) || (list && sent.len() > 1 && Value::from(sent.to_vec()) == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    /// The contract's example.
    const EXAMPLE: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InB1YmxpY19rZXlfdGVzdCJ9.eyJmaWxlTmFtZSI6ImEuanBnIiwidXNlVW5pcXVlRmlsZU5hbWUiOiJmYWxzZSIsImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI1OTAwfQ.tTwPWl_90Z23oBgrRz_QwqudBWaXhhhQ4sIBIajswuA";
    const ISSUED_S: i64 = 1_767_225_600;
    const SIGNERS: &[Signer<'_>] = &[Signer { public_key: "public_key_test", private_key: "private_key_test" }];

    fn fields(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn example_fields() -> Vec<(String, String)> {
        fields(&[("fileName", "a.jpg"), ("useUniqueFileName", "false")])
    }

    fn signed(algorithm: Algorithm, kid: Option<&str>, key: &str, payload: &Value) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
        encode(&header, payload, &EncodingKey::from_secret(key.as_bytes())).unwrap()
    }

    fn token(mut payload: Value) -> String {
        for (name, time) in [("iat", ISSUED_S), ("exp", ISSUED_S + 300)] {
            if payload.get(name).is_none() {
                payload[name] = time.into();
            }
        }
        signed(Algorithm::HS256, Some("public_key_test"), "private_key_test", &payload)
    }

    fn at(token: &str, sent: &[(String, String)], now_s: i64) -> Result<(), Refusal> {
        verify(token, sent, SIGNERS, now_s).map(drop)
    }

    #[test]
    fn the_contracts_example_is_valid_until_it_expires() {
        for (now_s, wanted) in [
            (ISSUED_S - 61, Err(Refusal::BadToken)),
            (ISSUED_S - 60, Ok(())),
            (ISSUED_S, Ok(())),
            (ISSUED_S + 299, Ok(())),
            (ISSUED_S + 300, Err(Refusal::ExpiredToken)),
        ] {
            assert_eq!(at(EXAMPLE, &example_fields(), now_s), wanted, "{now_s}");
        }
        let proof = verify(EXAMPLE, &example_fields(), SIGNERS, ISSUED_S).unwrap();
        assert_eq!((proof.public_key.as_str(), proof.expires_s), ("public_key_test", ISSUED_S + 300));
    }

    #[test]
    fn only_hs256_by_a_known_pair_is_a_signature() {
        let payload =
            json!({ "fileName": "a.jpg", "useUniqueFileName": "false", "iat": ISSUED_S, "exp": ISSUED_S + 9 });
        let good = |algorithm, kid, key| signed(algorithm, kid, key, &payload);
        let none = {
            let (_, rest) = EXAMPLE.split_once('.').unwrap();
            // {"alg":"none","kid":"public_key_test"}
            format!("eyJhbGciOiJub25lIiwia2lkIjoicHVibGljX2tleV90ZXN0In0.{rest}")
        };
        for bad in [
            none.clone(),
            format!("{}.", none.rsplit_once('.').unwrap().0),
            good(Algorithm::HS512, Some("public_key_test"), "private_key_test"),
            good(Algorithm::HS256, None, "private_key_test"),
            good(Algorithm::HS256, Some("public_key_other"), "private_key_test"),
            good(Algorithm::HS256, Some("public_key_test"), "public_key_test"),
            format!("{EXAMPLE}x"),
            format!("{}B", &EXAMPLE[..EXAMPLE.len() - 1]),
            format!("{EXAMPLE}.x"),
            "a.b.c".into(),
            "..".into(),
            "x".repeat(TOKEN_BYTES_MAX + 1),
        ] {
            assert_eq!(at(&bad, &example_fields(), ISSUED_S), Err(Refusal::BadToken), "{bad:.80}");
        }
    }

    #[test]
    fn times_are_integers_within_an_hour() {
        for times in [
            json!({ "iat": ISSUED_S, "exp": ISSUED_S + 3601 }),
            json!({ "iat": "1767225600" }),
            json!({ "exp": 1_767_225_900.5 }),
            json!({ "exp": null }),
            json!({ "iat": i64::MIN, "exp": i64::MAX }),
        ] {
            assert_eq!(at(&token(times.clone()), &[], ISSUED_S), Err(Refusal::BadToken), "{times}");
        }
        assert_eq!(at(&token(json!({ "exp": ISSUED_S + 3600 })), &[], ISSUED_S), Ok(()));
    }

    #[test]
    fn the_payload_is_the_form() {
        let json_text = r#"{"a":1,"b":[true]}"#;
        let same = [
            (json!({}), fields(&[("token", "x")])),
            (json!({ "tags": "a,b" }), fields(&[("tags", "a,b")])),
            (json!({ "tags": "a,b" }), fields(&[("tags", "a"), ("tags", "b")])),
            (json!({ "tags": "[\"a\",\"b\"]" }), fields(&[("tags", "a"), ("tags", "b")])),
            (json!({ "customMetadata": json_text }), fields(&[("customMetadata", json_text)])),
            (json!({ "customMetadata": json_text }), fields(&[("customMetadata", r#"{ "b": [true], "a": 1 }"#)])),
            (json!({ "customMetadata": { "a": 1 } }), fields(&[("customMetadata", r#"{"a": 1}"#)])),
            (json!({ "folder": "/a" }), fields(&[("folder", "/a"), ("folder", "/a")])),
            (json!({ "isPrivateFile": true }), fields(&[("isPrivateFile", "true")])),
            (json!({ "aud": "x", "nbf": "y" }), fields(&[("aud", "x"), ("nbf", "y")])),
        ];
        for (payload, sent) in same {
            assert_eq!(at(&token(payload.clone()), &sent, ISSUED_S), Ok(()), "{payload} {sent:?}");
        }
        let other = [
            (json!({}), fields(&[("tags", "a")])),
            (json!({ "tags": "a" }), fields(&[])),
            (json!({ "tags": "a" }), fields(&[("tags", "b")])),
            (json!({ "tags": "a" }), fields(&[("Tags", "a")])),
            (json!({ "tags": "a" }), fields(&[("tags", "evil"), ("tags", "a")])),
            (json!({ "folder": "/a" }), fields(&[("folder", "/evil"), ("folder", "/a")])),
            (json!({ "folder": "/a,b" }), fields(&[("folder", "/a"), ("folder", "b")])),
            (json!({ "customMetadata": "{}" }), fields(&[("customMetadata", r#"{"a":1}"#), ("customMetadata", "{}")])),
            (json!({ "fileName": "[1]" }), fields(&[("fileName", "[ 1 ]")])),
            (json!({ "customMetadata": json_text }), fields(&[("customMetadata", r#"{"a":1,"b":[false]}"#)])),
            (json!({ "tags": ["a"] }), fields(&[("tags", "a")])),
            (json!({ "tags": "a", "checks": "x" }), fields(&[("tags", "a")])),
        ];
        for (payload, sent) in other {
            assert_eq!(at(&token(payload.clone()), &sent, ISSUED_S), Err(Refusal::BadPayload), "{payload} {sent:?}");
        }
    }

    #[test]
    fn one_token_has_one_digest() {
        let digest_of = |token: &str| verify(token, &example_fields(), SIGNERS, ISSUED_S).unwrap().digest;
        let other = token(json!({ "fileName": "a.jpg", "useUniqueFileName": "false", "exp": ISSUED_S + 301 }));
        assert_eq!(digest_of(EXAMPLE), digest_of(EXAMPLE));
        assert_ne!(digest_of(EXAMPLE), digest_of(&other));
    }
}

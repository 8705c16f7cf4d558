//! Signed uploads, version 2. The input is the header and the payload of a token, the fields of a form as in a URL's
//! query, the time, and a whole token, in five lines.
//!
//! What is accepted was signed with HS256 by the key it names, is due, and says what the form says.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use calotype::error::Refusal;
use calotype::library::client_auth::Signer;
use calotype::library::client_auth::jwt::verify;
use calotype_fuzz::{lines, unknowable_key};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

const SIGNER: Signer<'_> = Signer { public_key: "public_key_test", private_key: "private_key_test" };
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT","kid":"public_key_test"}"#;

type Fields = Vec<(String, String)>;

fuzz_target!(|data: &[u8]| {
    let Some([header, payload, form, now, whole]) = lines(data) else { return };
    let now_s = now.parse().unwrap_or(1_767_225_600);
    let fields: Fields = form.split('&').filter_map(|pair| pair.split_once('=')).map(owned).collect();
    let forger = unknowable_key(data);
    let stranger = [Signer { public_key: SIGNER.public_key, private_key: &forger }];
    assert!(verify(whole, &fields, &stranger, now_s).is_err(), "forged");
    let honest = signed(header, payload);
    assert!(verify(&honest, &fields, &stranger, now_s).is_err(), "signed by somebody else");
    if let Ok(proof) = verify(&honest, &fields, &[SIGNER], now_s) {
        sound(header, payload, &fields, now_s);
        assert_eq!(proof.public_key, SIGNER.public_key);
        let (unsigned, _) = honest.rsplit_once('.').expect("a token has dots");
        assert!(verify(unsigned, &fields, &[SIGNER], now_s).is_err());
        assert!(verify(&format!("{unsigned}."), &fields, &[SIGNER], now_s).is_err());
    }
    complete(&fields, now_s.clamp(0, i64::MAX / 2));
});

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn signed(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(SIGNER.private_key.as_bytes());
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("HS256 needs a secret only");
    format!("{message}.{signature}")
}

fn sound(header: &str, payload: &str, fields: &[(String, String)], now_s: i64) {
    let header: Value = serde_json::from_str(header).expect("the header is JSON");
    assert_eq!((&header["alg"], &header["kid"]), (&json!("HS256"), &json!(SIGNER.public_key)));
    let payload: Map<String, Value> = serde_json::from_str(payload).expect("the payload is an object");
    let time = |name: &str| payload[name].as_i64().expect("times are integers");
    let (issued_s, expires_s) = (time("iat"), time("exp"));
    assert!(expires_s > now_s && issued_s <= now_s.saturating_add(60) && expires_s - issued_s <= 3600);
    let said: BTreeSet<&str> =
        payload.keys().map(String::as_str).filter(|name| !["iat", "exp"].contains(name)).collect();
    let sent: BTreeSet<&str> =
        fields.iter().map(|(name, _)| name.as_str()).filter(|name| !["token", "file"].contains(name)).collect();
    assert_eq!(said, sent);
    for (name, value) in fields {
        // Lists, and texts that are JSON, may be written in several ways.
        let is_text =
            !["tags", "responseFields", "customMetadata", "extensions", "transformation"].contains(&name.as_str());
        if let (true, Some(Value::String(said))) = (is_text, payload.get(name)) {
            assert!(said == value || ["token", "file"].contains(&name.as_str()), "{name}");
        }
    }
}

/// The token that an honest backend makes for a form.
fn complete(fields: &[(String, String)], now_s: i64) {
    let known: BTreeMap<&str, &str> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if known.len() != fields.len() || ["iat", "exp", "token", "file"].iter().any(|name| known.contains_key(name)) {
        return;
    }
    let mut payload: Map<String, Value> =
        known.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    payload.insert("iat".into(), json!(now_s));
    payload.insert("exp".into(), json!(now_s + 600));
    let token = signed(HEADER, &Value::from(payload).to_string());
    let at = |fields: &[(String, String)], now_s| verify(&token, fields, &[SIGNER], now_s).map(drop);
    assert_eq!(at(fields, now_s), Ok(()), "{fields:?}");
    assert_eq!(at(fields, now_s + 600), Err(Refusal::ExpiredToken));
    assert_eq!(at(fields, now_s - 61), Err(Refusal::BadToken));
    // One field more, one less, or another value is another form.
    let more = [fields, &[owned(("another field", "1"))]].concat();
    assert_eq!(at(&more, now_s), Err(Refusal::BadPayload));
    if let Some(((name, value), rest)) = fields.split_last() {
        assert_eq!(at(rest, now_s), Err(Refusal::BadPayload));
        let changed = [rest, &[(name.clone(), format!("{value}x"))]].concat();
        assert_eq!(at(&changed, now_s), Err(Refusal::BadPayload));
    }
}

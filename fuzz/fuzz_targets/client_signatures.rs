//! Signed uploads, version 1. The input is token, expiry, public key, the time, and a signature, in five lines.
//!
//! What was signed is accepted in its hour and no other time, one signature is good for one token, and without the key
//! there is none.

#![no_main]

use calotype::library::client_auth::Signer;
use calotype::library::client_auth::signature::{Signed, verify};
use calotype_fuzz::{hmac_sha1, lines, unknowable_key};
use libfuzzer_sys::fuzz_target;

const PUBLIC: &str = "public_key_test";
const PRIVATE: &str = "private_key_test";
const HOUR_S: i64 = 3600;
/// A time at which this program was not written yet: 2001.
const EARLIEST_S: i64 = 1_000_000_000;
/// Splits of a text that are tried.
const SPLITS_MAX: usize = 64;

fuzz_target!(|data: &[u8]| {
    let Some([token, expire, public_key, now, signature]) = lines(data) else { return };
    let now_s = now.parse().unwrap_or(1_582_269_000);
    let public_key = Some(public_key).filter(|key| !key.is_empty());
    let signed = Signed { token: Some(token), expire: Some(expire), signature: Some(signature), public_key };
    let forger = unknowable_key(data);
    let strangers = [Signer { public_key: PUBLIC, private_key: &forger }];
    assert!(verify(&signed, &strangers, now_s).is_err(), "forged");

    let signature = hmac_sha1(PRIVATE, &format!("{token}{expire}"));
    let honest = Signed { signature: Some(&signature), ..signed };
    let is_known = public_key.is_none_or(|key| key == PUBLIC);
    let found = accepted(&honest, now_s);
    assert_eq!(found.is_some(), is_known && is_due(expire, now_s), "{honest:?} at {now_s}");
    if let Some(digest) = &found {
        let other = hmac_sha1(PRIVATE, &format!("x{token}{expire}"));
        assert_eq!(accepted(&Signed { signature: Some(&other), ..honest }, now_s), None, "another token's signature");
        assert_eq!(accepted(&Signed { public_key: None, ..honest }, now_s).as_ref(), Some(digest));
    }
    one_token(&format!("{token}{expire}"), &signature, now_s);
});

fn accepted(signed: &Signed<'_>, now_s: i64) -> Option<String> {
    let signers = [
        Signer { public_key: "public_key_other", private_key: "private_key_other" },
        Signer { public_key: PUBLIC, private_key: PRIVATE },
    ];
    let proof = verify(signed, &signers, now_s).ok()?;
    assert_eq!(proof.public_key, PUBLIC);
    Some(proof.digest)
}

fn is_due(expire: &str, now_s: i64) -> bool {
    let Ok(at_s) = expire.parse::<i64>() else { return false };
    at_s.to_string() == expire && at_s > 0 && at_s > now_s && at_s < now_s.saturating_add(HOUR_S)
}

/// Token and expiry are signed without anything between them, so who has one signature could cut the text elsewhere and
/// have another token, which nobody has spent yet.
fn one_token(text: &str, signature: &str, now_s: i64) {
    let splits = text.char_indices().map(|(at, _)| at).rev().take(SPLITS_MAX);
    let accepted = splits.filter(|at| {
        let (token, expire) = text.split_at(*at);
        let signed = Signed { token: Some(token), expire: Some(expire), signature: Some(signature), public_key: None };
        accepted(&signed, now_s).is_some()
    });
    assert!(now_s < EARLIEST_S || accepted.count() <= 1, "{text} is good for several tokens");
}

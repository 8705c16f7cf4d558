//! Version 1: `signature` is HMAC-SHA1 over `token` and `expire` as sent, keyed with a private key, in lower-case hex.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::{AHEAD_S_MAX, Proof, Signer, digest};
use crate::error::Refusal;

/// Bytes of an HMAC-SHA1.
const SIGNATURE_BYTES: usize = 20;

/// The form fields of a signed upload; empty ones count as missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signed<'a> {
    pub token: Option<&'a str>,
    pub expire: Option<&'a str>,
    pub signature: Option<&'a str>,
    pub public_key: Option<&'a str>,
}

/// Checks, in this order: that there is a token, that it ends within the next hour, whose it is, that it is signed.
/// Without a public key any active pair may have signed.
///
/// # Errors
///
/// The refusal in the contract's words (upload.md §10).
pub fn verify(signed: &Signed<'_>, signers: &[Signer<'_>], now_s: i64) -> Result<Proof, Refusal> {
    let token = signed.token.ok_or(Refusal::MissingToken)?;
    let expire = signed.expire.ok_or(Refusal::BadExpire)?;
    let expires_s = seconds(expire).ok_or(Refusal::BadExpire)?;
    if expires_s <= now_s || expires_s >= now_s.saturating_add(AHEAD_S_MAX) {
        return Err(Refusal::BadExpire);
    }
    let mut asked =
        signers.iter().filter(|signer| signed.public_key.is_none_or(|key| key == signer.public_key)).peekable();
    if asked.peek().is_none() {
        return Err(Refusal::UnknownKey);
    }
    let signature = signed.signature.and_then(from_hex).ok_or(Refusal::BadSignature)?;
    let signer = asked.find(|signer| is_signed(signer.private_key, token, expire, &signature));
    let signer = signer.ok_or(Refusal::BadSignature)?;
    Ok(Proof { public_key: signer.public_key.to_owned(), digest: digest("v1", token), expires_s })
}

/// Compares in constant time.
fn is_signed(private_key: &str, token: &str, expire: &str, signature: &[u8; SIGNATURE_BYTES]) -> bool {
    let mac = Hmac::<Sha1>::new_from_slice(private_key.as_bytes());
    let mut mac = mac.expect("HMAC takes keys of any length");
    mac.update(token.as_bytes());
    mac.update(expire.as_bytes());
    mac.verify_slice(signature).is_ok()
}

/// Digits alone, in the one way of writing the number. Token and expiry are signed without anything between them, so
/// `abc0` and `1582` have the signature of `abc` and `01582`; were that the same time, a spent token could be used again.
fn seconds(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

fn from_hex(text: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; SIGNATURE_BYTES];
    if text.len() != 2 * SIGNATURE_BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNERS: &[Signer<'_>] = &[
        Signer { public_key: "public_key_other", private_key: "private_key_other" },
        Signer { public_key: "public_key_test", private_key: "private_key_test" },
    ];
    /// The contract's test vector.
    const VECTOR: Signed<'_> = Signed {
        token: Some("your_token"),
        expire: Some("1582269249"),
        signature: Some("e71bcd6031016b060d349d212e23e85c791decdd"),
        public_key: None,
    };
    const EXPIRES_S: i64 = 1_582_269_249;

    fn at(signed: Signed<'_>, now_s: i64) -> Result<String, Refusal> {
        verify(&signed, SIGNERS, now_s).map(|proof| proof.public_key)
    }

    #[test]
    fn the_contracts_vector_is_valid_within_its_hour() {
        for (now_s, valid) in [
            (EXPIRES_S - 3600, false),
            (EXPIRES_S - 3599, true),
            (EXPIRES_S - 1800, true),
            (EXPIRES_S - 1, true),
            (EXPIRES_S, false),
            (EXPIRES_S + 1, false),
        ] {
            let wanted = if valid { Ok("public_key_test".to_owned()) } else { Err(Refusal::BadExpire) };
            assert_eq!(at(VECTOR, now_s), wanted, "{now_s}");
        }
        let named = Signed { public_key: Some("public_key_test"), ..VECTOR };
        assert!(at(named, EXPIRES_S - 1).is_ok());
    }

    #[test]
    fn everything_else_is_refused_in_order() {
        let bad = Err(Refusal::BadSignature);
        let upper = "E71BCD6031016B060D349D212E23E85C791DECDD";
        for (signed, wanted) in [
            (Signed { token: None, ..VECTOR }, Err(Refusal::MissingToken)),
            (Signed { token: None, expire: None, ..VECTOR }, Err(Refusal::MissingToken)),
            (Signed { expire: None, ..VECTOR }, Err(Refusal::BadExpire)),
            (Signed { expire: Some("soon"), ..VECTOR }, Err(Refusal::BadExpire)),
            (Signed { expire: Some("+1582269249"), ..VECTOR }, Err(Refusal::BadExpire)),
            (Signed { expire: Some("-1582269249"), ..VECTOR }, Err(Refusal::BadExpire)),
            (Signed { expire: Some("1582269249.0"), ..VECTOR }, Err(Refusal::BadExpire)),
            (Signed { expire: Some("99999999999999999999"), ..VECTOR }, Err(Refusal::BadExpire)),
            // The signature of `your_token0` and `1582269249`, too; the number must not be taken for the same.
            (Signed { expire: Some("01582269249"), ..VECTOR }, Err(Refusal::BadExpire)),
            (Signed { public_key: Some("public_key_nobody"), ..VECTOR }, Err(Refusal::UnknownKey)),
            (Signed { public_key: Some("public_key_other"), ..VECTOR }, bad.clone()),
            (Signed { signature: None, ..VECTOR }, bad.clone()),
            (Signed { signature: Some(upper), ..VECTOR }, bad.clone()),
            (Signed { signature: Some("e71b"), ..VECTOR }, bad.clone()),
            (Signed { signature: Some("ü71bcd6031016b060d349d212e23e85c791decd"), ..VECTOR }, bad.clone()),
            (Signed { signature: Some("f71bcd6031016b060d349d212e23e85c791decdd"), ..VECTOR }, bad.clone()),
            (Signed { token: Some("your_token2"), ..VECTOR }, bad.clone()),
            (Signed { expire: Some("1582269250"), ..VECTOR }, bad),
        ] {
            assert_eq!(at(signed, EXPIRES_S - 10), wanted, "{signed:?}");
        }
    }

    #[test]
    fn a_token_has_one_digest_whoever_signed() {
        let proof = verify(&VECTOR, SIGNERS, EXPIRES_S - 10).unwrap();
        assert_eq!((proof.digest.len(), proof.expires_s), (64, EXPIRES_S));
        assert_ne!(proof.digest, digest("v2", "your_token"));
    }
}

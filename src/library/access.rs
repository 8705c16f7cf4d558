//! Key pairs. A private key is stored sealed under the server secret, because signatures need it back,
//! and found by a keyed hash, so that neither the catalog nor a timing tells anything about it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use std::path::Path;
use std::sync::Arc;

use crate::app::{random_hex, write_private};
use crate::error::{Error, Refusal, Result};
use crate::model::ids::VersionId;
use crate::model::time::Millis;
use crate::store::files::UNPUBLISHED;
use crate::store::{Db, settings};

/// Characters of a version's token, 4 bits each.
const VERSION_TOKEN_CHARS: usize = 32;
/// Bytes of an XChaCha20 nonce.
const NONCE_BYTES: usize = 24;

/// The active key pairs.
pub struct Keys {
    lookup_key: [u8; 32],
    token_key: [u8; 32],
    pairs: Arc<Vec<Pair>>,
    /// The first pair's private key, if this start has made it.
    pub fresh: Option<(String, String)>,
}

/// An active key pair. It has no `Debug`, so that no log can show the private key.
pub struct Pair {
    pub public_key: String,
    private_key: String,
    lookup: blake3::Hash,
}

impl Pair {
    /// The private key, with which delivery URLs and client uploads are signed.
    pub fn private_key(&self) -> &str {
        &self.private_key
    }
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub public_key: String,
}

impl Keys {
    /// Opens the stored pairs and makes the first if there is none: `first_pair` (private, public) or a
    /// random one, which is also written to the file `first_keys`. Fails when the secret is not the one that
    /// sealed them.
    pub async fn open(db: &Db, secret: &str, first_pair: Option<(String, String)>, first_keys: &Path) -> Result<Keys> {
        let lookup_key = blake3::derive_key("calotype 2026 key lookup", secret.as_bytes());
        let token_key = blake3::derive_key("calotype 2026 version tokens", secret.as_bytes());
        let seal_key = blake3::derive_key("calotype 2026 key sealing", secret.as_bytes());
        let check = blake3::keyed_hash(&blake3::derive_key("calotype 2026 secret check", secret.as_bytes()), b"check")
            .to_hex()
            .to_string();
        let mut tx = db.submit().await?;
        if settings::get_or_insert(&mut tx, "secret_check", &check).await? != check {
            return Err(Error::Setup(
                "the server secret is not the one this catalog's keys were sealed with; restore the file `secret` of the data directory or set CALOTYPE_SECRET to it".into(),
            ));
        }
        let stored = settings::keys(&mut tx).await?;
        let lookup = |private: &str| blake3::keyed_hash(&lookup_key, private.as_bytes());
        if stored.is_empty() {
            let (private, public) = first_pair.clone().unwrap_or_else(random_pair);
            if first_pair.is_none() {
                // Before the commit: a pair that nobody has seen would lock its owner out.
                write_private(first_keys, &format!("private key: {private}\npublic key:  {public}"))?;
            }
            let sealed = seal(&seal_key, &private)?;
            let id = db.take_ids(&mut tx, 1).await?;
            settings::insert_key(&mut tx, id, &public, lookup(&private).to_hex().as_str(), &sealed, Millis::now())
                .await?;
            tx.commit().await?;
            let pairs =
                vec![Pair { public_key: public.clone(), lookup: lookup(&private), private_key: private.clone() }];
            return Ok(Keys {
                lookup_key,
                token_key,
                pairs: Arc::new(pairs),
                fresh: first_pair.is_none().then_some((private, public)),
            });
        }
        tx.commit().await?;
        let mut pairs = Vec::new();
        for (public_key, hash, sealed) in stored {
            let private = unseal(&seal_key, &sealed)?;
            let matches = blake3::Hash::from_hex(&hash).is_ok_and(|hash| hash == lookup(&private));
            if !matches {
                return Err(Error::Damaged(format!("key pair {public_key} does not open")));
            }
            pairs.push(Pair { public_key, lookup: lookup(&private), private_key: private });
        }
        if let Some((private, public)) = first_pair
            && !pairs.iter().any(|pair| pair.public_key == public && pair.lookup == lookup(&private))
        {
            return Err(Error::Setup(
                "CALOTYPE_PRIVATE_KEY and CALOTYPE_PUBLIC_KEY are not the pair this library was made with; unset them or give another --data".into(),
            ));
        }
        Ok(Keys { lookup_key, token_key, pairs: Arc::new(pairs), fresh: None })
    }

    /// The pairs that may sign and authenticate now.
    pub fn active(&self) -> Arc<Vec<Pair>> {
        Arc::clone(&self.pairs)
    }

    /// The unguessable name of a version in delivery URLs; another one after it is published or withdrawn.
    pub fn version_token(&self, version: VersionId, flags: i64) -> String {
        let of = [version.0.to_le_bytes(), (flags & UNPUBLISHED).to_le_bytes()].concat();
        blake3::keyed_hash(&self.token_key, &of).to_hex()[..VERSION_TOKEN_CHARS].to_owned()
    }

    /// Who a `Basic` authorization header speaks for: the user name is the private key, the password is
    /// ignored. Hashes are compared in constant time, and all of them.
    pub fn authenticate(&self, header: Option<&[u8]>) -> Result<Caller, Refusal> {
        let header = header.ok_or(Refusal::NoKey)?;
        let (scheme, credentials) = header.split_at_checked(6).ok_or(Refusal::NoKey)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return Err(Refusal::NoKey);
        }
        let decoded = STANDARD.decode(credentials.trim_ascii()).map_err(|_| Refusal::UnknownKey)?;
        let private = decoded.split(|byte| *byte == b':').next().unwrap_or_default();
        if private.is_empty() {
            return Err(Refusal::NoKey);
        }
        let presented = blake3::keyed_hash(&self.lookup_key, private);
        let mut caller = None;
        for pair in self.pairs.iter() {
            if pair.lookup == presented {
                caller = Some(Caller { public_key: pair.public_key.clone() });
            }
        }
        caller.ok_or(Refusal::UnknownKey)
    }
}

fn random_pair() -> (String, String) {
    (format!("private_{}", random_hex::<20>()), format!("public_{}", random_hex::<12>()))
}

/// Nonce and ciphertext, in base64.
fn seal(key: &[u8; 32], text: &str) -> Result<String> {
    let mut nonce = [0_u8; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|error| Error::Setup(format!("no random bytes: {error}")))?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), text.as_bytes())
        .map_err(|_| Error::Setup("a key could not be sealed".into()))?;
    Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
}

fn unseal(key: &[u8; 32], sealed: &str) -> Result<String> {
    let damaged = || Error::Damaged("a sealed key does not open".into());
    let bytes = STANDARD.decode(sealed).map_err(|_| damaged())?;
    let (nonce, ciphertext) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(damaged)?;
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| damaged())?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let text = cipher.decrypt(&XNonce::from(nonce), ciphertext).map_err(|_| damaged())?;
    String::from_utf8(text).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let (lookup_key, token_key) = ([7; 32], [8; 32]);
        let lookup = blake3::keyed_hash(&lookup_key, b"private_a");
        let pair = Pair { public_key: "public_a".into(), private_key: "private_a".into(), lookup };
        Keys { lookup_key, token_key, pairs: Arc::new(vec![pair]), fresh: None }
    }

    fn header(credentials: &str) -> String {
        format!("Basic {}", STANDARD.encode(credentials))
    }

    #[test]
    fn the_private_key_is_the_user_name_and_the_password_is_ignored() {
        for credentials in ["private_a:", "private_a:do_not_set", "private_a"] {
            assert!(keys().authenticate(Some(header(credentials).as_bytes())).is_ok(), "{credentials}");
        }
        assert!(keys().authenticate(Some(header("private_a:").replace("Basic", "basic").as_bytes())).is_ok());
        assert_eq!(keys().authenticate(None), Err(Refusal::NoKey));
        assert_eq!(keys().authenticate(Some(b"Bearer abc")), Err(Refusal::NoKey));
        assert_eq!(keys().authenticate(Some(header(":").as_bytes())), Err(Refusal::NoKey));
        assert_eq!(keys().authenticate(Some(header("private_b:").as_bytes())), Err(Refusal::UnknownKey));
        assert_eq!(keys().authenticate(Some(b"Basic ???")), Err(Refusal::UnknownKey));
    }

    #[test]
    fn sealed_keys_open_with_their_secret_only() {
        let sealed = seal(&[1; 32], "private_x").unwrap();
        assert_eq!(unseal(&[1; 32], &sealed).unwrap(), "private_x");
        assert!(unseal(&[2; 32], &sealed).is_err());
        assert!(!sealed.contains("private"));
    }
}

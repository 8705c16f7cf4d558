//! What is done with private keys under the server secret: they are sealed, because signatures need them
//! back, and found by a keyed hash, so that neither the catalog nor a timing tells anything about them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::error::{Error, Result};

/// Bytes of an XChaCha20 nonce.
const NONCE_BYTES: usize = 24;

/// The keys that are derived from the server secret.
pub struct Vault {
    lookup_key: [u8; 32],
    seal_key: [u8; 32],
    check: String,
}

impl Vault {
    /// Derives the keys. It takes microseconds: the secret is random, so there is nothing to stretch.
    pub fn of(secret: &str) -> Vault {
        let check_key = blake3::derive_key("calotype 2026 secret check", secret.as_bytes());
        Vault {
            lookup_key: blake3::derive_key("calotype 2026 key lookup", secret.as_bytes()),
            seal_key: blake3::derive_key("calotype 2026 key sealing", secret.as_bytes()),
            check: blake3::keyed_hash(&check_key, b"check").to_hex().to_string(),
        }
    }

    /// Tells whether a secret is the one that a catalog's keys were sealed with; says nothing else about it.
    pub fn check(&self) -> &str {
        &self.check
    }

    /// The hash by which a private key is found. Comparing two of these takes the same time wherever they
    /// differ.
    pub fn lookup(&self, private_key: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.lookup_key, private_key)
    }

    /// Nonce and ciphertext, in base64.
    pub fn seal(&self, private_key: &str) -> Result<String> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| Error::Setup(format!("no random bytes: {error}")))?;
        let cipher = XChaCha20Poly1305::new((&self.seal_key).into());
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), private_key.as_bytes())
            .map_err(|_| Error::Setup("a key could not be sealed".into()))?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// The private key of a stored pair; `Damaged` when it does not open or is not the one it was stored as.
    pub fn open(&self, public_key: &str, sealed: &str, lookup: &str) -> Result<String> {
        let private_key = self.unseal(sealed);
        let same = |key: &String| blake3::Hash::from_hex(lookup).is_ok_and(|hash| hash == self.lookup(key.as_bytes()));
        private_key.filter(same).ok_or_else(|| Error::Damaged(format!("key pair {public_key} does not open")))
    }

    fn unseal(&self, sealed: &str) -> Option<String> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, ciphertext) = bytes.split_at_checked(NONCE_BYTES)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let cipher = XChaCha20Poly1305::new((&self.seal_key).into());
        String::from_utf8(cipher.decrypt(&XNonce::from(nonce), ciphertext).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_keys_open_with_their_secret_and_for_their_pair_only() {
        let vault = Vault::of("one secret");
        let sealed = vault.seal("private_x").unwrap();
        let lookup = vault.lookup(b"private_x").to_hex();
        assert_eq!(vault.open("public_x", &sealed, &lookup).unwrap(), "private_x");
        assert!(vault.open("public_x", &sealed, &vault.lookup(b"private_y").to_hex()).is_err());
        assert!(Vault::of("another secret").open("public_x", &sealed, &lookup).is_err());
        assert!(!sealed.contains("private"));
        assert_ne!(sealed, vault.seal("private_x").unwrap(), "every sealing has a nonce of its own");
        let mut cut = sealed.clone();
        cut.truncate(8);
        assert!(vault.open("public_x", &cut, &lookup).is_err());
    }
}

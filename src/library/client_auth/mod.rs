//! Uploads straight from browsers and apps, which must not know the private key: a backend that has the key signs, the
//! client hands the signature over as form fields.
//!
//! 1. Version 1 of the API (`signature.rs`): an HMAC of a token and its expiry. It protects nothing else of the form.
//! 2. Version 2 (`jwt.rs`): a JSON Web Token whose payload is the whole form but the file.
//! 3. Either is good for one upload. [`spend`] notes it durably before anything else of the form is looked at, in a table
//!    that all servers share, and it stays spent if the upload then fails. The sweep forgets notes when their time is over.
//!
//! Verifying is pure: keys and the time are arguments. Only what was proven is noted, so strangers can neither fill the
//! table nor spend the tokens of others.

pub mod allowance;
pub mod jwt;
pub mod signature;

use crate::app::App;
use crate::error::{Refusal, Result};
use crate::model::time::Millis;
use crate::store::{Reach, upload_tokens};

/// A token stays noted for at least this long (API contract, upload.md §4.2).
const NOTED_MS_MIN: i64 = 60 * 60 * 1000;
/// Seconds that a token may lie ahead; the contract's hour.
const AHEAD_S_MAX: i64 = 60 * 60;

/// A key pair as the verifiers need it.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    pub public_key: &'a str,
    pub private_key: &'a str,
}

/// What a valid signature proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whose key has signed.
    pub public_key: String,
    /// What is noted as spent: a hash, because tokens can be long, and whoever reads the catalog shall not learn them.
    pub digest: String,
    /// When the signature ends, in UTC seconds since 1970.
    pub expires_s: i64,
}

/// Notes that the token of this proof has been used; refused if it was before, here or on another server.
pub async fn spend(app: &App, proof: &Proof, now: Millis) -> Result<()> {
    let until = Millis((proof.expires_s.saturating_mul(1000)).max(now.0 + NOTED_MS_MIN));
    let mut tx = app.db.write(Reach::Apart).await?;
    if !upload_tokens::insert_if_new(&mut tx, &proof.digest, until).await? {
        return Err(Refusal::TokenUsed.into());
    }
    tx.commit().await
}

/// What stands for a token in the catalog. `kind` keeps those of the two versions apart.
fn digest(kind: &str, token: &str) -> String {
    blake3::Hasher::new().update(kind.as_bytes()).update(&[0]).update(token.as_bytes()).finalize().to_hex().to_string()
}

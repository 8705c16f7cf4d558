//! Tokens of uploads straight from clients that have been used, as hashes, until nobody could use them again anyway.

use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::time::Millis;

statements! {
    /// On PostgreSQL a second server that brings the same token waits here for the first one's commit.
    INSERT_IF_NEW: "INSERT INTO upload_token (digest, until) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    PRUNE: "DELETE FROM upload_token WHERE digest IN (SELECT digest FROM upload_token WHERE until < $1 ORDER BY until LIMIT $2)"
}

/// Notes a token as used until then; says whether it was new.
pub async fn insert_if_new(tx: &mut Tx, digest: &str, until: Millis) -> Result<bool> {
    Ok(tx.run(&INSERT_IF_NEW, args![digest, until]).await? == 1)
}

/// Forgets at most `rows` tokens whose time ended before `before`; how many.
pub async fn prune(tx: &mut Tx, before: Millis, rows: i64) -> Result<u64> {
    tx.run(&PRUNE, args![before, rows]).await
}

//! Key pairs. Whoever changes one bumps `key_changes` in the same transaction, which tells every server.

use super::row::columns;
use super::{Tx, args, statements};
use crate::error::{Error, Result};
use crate::model::ids::KeyId;
use crate::model::time::Millis;

statements! {
    ALL: "SELECT id, public_key, lookup, sealed, created, name, rights, expires, revoked, superseded, successor_id FROM api_key ORDER BY id";
    INSERT: "INSERT INTO api_key (id, public_key, lookup, sealed, created, name, rights, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    SUPERSEDE: "UPDATE api_key SET superseded = $2, successor_id = $3, expires = $4 WHERE id = $1 AND revoked IS NULL AND superseded IS NULL";
    REVOKE: "UPDATE api_key SET revoked = $2 WHERE id = $1 AND revoked IS NULL";
    FORGET_ENDED: "DELETE FROM api_key WHERE id IN (SELECT id FROM api_key WHERE revoked IS NOT NULL OR expires <= $1 ORDER BY id DESC LIMIT $2 OFFSET $3)";
    CHANGES: "SELECT value FROM setting WHERE name = 'key_changes'";
    BUMP_CHANGES: "UPDATE setting SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'key_changes'"
}

columns! {
    /// A key pair as it is stored. It has no `Debug`, so that no log can show it.
    #[derive(Clone)]
    pub struct KeyRow {
        pub id: KeyId,
        pub public_key: String,
        /// Keyed hash of the private key, hex.
        pub lookup: String,
        /// The private key under the server secret.
        pub sealed: String,
        pub created: Millis,
        pub name: Option<String>,
        /// The text of [`crate::model::rights::Rights`].
        pub rights: String,
        pub expires: Option<Millis>,
        pub revoked: Option<Millis>,
        /// When it was rolled, and the pair that took its place.
        pub superseded: Option<Millis>,
        pub successor_id: Option<KeyId>,
    }
}

/// All key pairs, oldest first. Their number is bounded by those who insert.
pub async fn all(tx: &mut Tx) -> Result<Vec<KeyRow>> {
    tx.all(&ALL, args![]).await
}

/// Stores a new key pair.
pub async fn insert(tx: &mut Tx, row: &KeyRow) -> Result<()> {
    let KeyRow { id, created, expires, .. } = *row;
    let (public_key, lookup, sealed) = (row.public_key.as_str(), row.lookup.as_str(), row.sealed.as_str());
    let (name, rights) = (row.name.clone(), row.rights.as_str());
    tx.run(&INSERT, args![id, public_key, lookup, sealed, created, name, rights, expires]).await?;
    bump(tx).await
}

/// Gives a pair a successor and an end, unless it was rolled or revoked; whether it was not.
pub async fn supersede_if_current(
    tx: &mut Tx,
    id: KeyId,
    successor: KeyId,
    now: Millis,
    expires: Millis,
) -> Result<bool> {
    let done = tx.run(&SUPERSEDE, args![id, now, successor, expires]).await? == 1;
    bump(tx).await?;
    Ok(done)
}

/// Ends a pair, unless it was revoked before; whether it was not.
pub async fn revoke_if_not(tx: &mut Tx, id: KeyId, now: Millis) -> Result<bool> {
    let done = tx.run(&REVOKE, args![id, now]).await? == 1;
    bump(tx).await?;
    Ok(done)
}

/// Removes pairs that have ended, but for the `kept` newest; at most `rows`.
pub async fn forget_ended(tx: &mut Tx, now: Millis, kept: i64, rows: i64) -> Result<u64> {
    tx.run(&FORGET_ENDED, args![now, rows, kept]).await
}

/// How often pairs have been changed.
pub async fn changes(tx: &mut Tx) -> Result<i64> {
    let (text,): (String,) = tx.one(&CHANGES, args![]).await?;
    text.parse().map_err(|_| Error::Damaged(format!("the count of key changes is {text}")))
}

async fn bump(tx: &mut Tx) -> Result<()> {
    tx.run(&BUMP_CHANGES, args![]).await?;
    Ok(())
}

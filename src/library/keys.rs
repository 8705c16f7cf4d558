//! Making, rolling and revoking key pairs. All of it works beside running servers too: they notice.
//!
//! Each change is one transaction that reads the pairs, decides, and writes; changes of pairs come one after the
//! other, on any number of servers. Rows of ended pairs are kept for a while, to tell what became of them.

use std::time::Duration;

use super::vault::Vault;
use crate::app::random_hex;
use crate::error::{Error, Refusal, Result};
use crate::model::ids::KeyId;
use crate::model::rights::Rights;
use crate::model::time::Millis;
use crate::store::keys::{self, KeyRow};
use crate::store::{Db, Tx};

/// Active pairs of a library. Each request is compared with all of them, and nobody can look after more.
pub const PAIRS_MAX: usize = 1_000;
/// Ended pairs that are remembered.
const ENDED_PAIRS_KEPT: i64 = 1_000;
/// Ended pairs that are forgotten in one transaction; more than are made in one.
const FORGOTTEN_AT_ONCE: i64 = 100;
/// Characters of a pair's name: it is a label.
pub const NAME_CHARS_MAX: usize = 100;
/// How long a rolled pair lives on unless something else is asked for: long enough to hand out the new one.
pub const GRACE: Duration = Duration::from_secs(24 * 60 * 60);
/// And at most. Who needs longer makes a second pair.
pub const GRACE_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// A full key that is to take another's place must work for at least this long, or as long as that one.
const LASTING: Duration = GRACE;
/// A grace period shorter than this does not help somebody who never got the answer with the new key.
const ANSWER_LOST: Duration = Duration::from_secs(60);
/// The end of a private key that is told, so that people know which one it is: 16 of 160 bits.
const TOLD_CHARS: usize = 4;

/// Who changes pairs.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// Somebody with the data directory or the catalog in hand, who can always make another key.
    Operator,
    /// The holder of a key with these rights, who gives no more than that and must not be locked out.
    Key(Rights),
}

/// What a new pair is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPair {
    pub name: Option<String>,
    pub rights: Rights,
    pub expires: Option<Millis>,
}

/// The two keys of a pair. It has no `Debug`, so that no log can show the private key.
pub struct PrivatePair {
    pub private: String,
    pub public: String,
}

/// All that is told of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    pub id: KeyId,
    pub name: Option<String>,
    pub public_key: String,
    /// The last characters of the private key; empty if the server secret does not open it.
    pub private_key_end: String,
    pub rights: Rights,
    pub created: Millis,
    pub expires: Option<Millis>,
    pub revoked: Option<Millis>,
    pub superseded: Option<Millis>,
    pub successor: Option<KeyId>,
}

/// What became of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Active,
    /// Rolled, and still in its grace period.
    Superseded,
    Expired,
    Revoked,
}

/// A new pair, with the one chance to see its private key.
pub struct Made {
    pub pair: Described,
    pub private_key: String,
}

/// Makes a pair.
pub async fn create(db: &Db, vault: &Vault, by: By, new: &NewPair, now: Millis) -> Result<Made> {
    check_name(new.name.as_deref())?;
    check_expiry(new.expires, now)?;
    check_rights(by, &new.rights)?;
    let mut tx = db.submit().await?;
    let known = described(vault, &keys::all(&mut tx).await?);
    let made = add(db, &mut tx, vault, &known, new, now).await?;
    tx.commit().await?;
    Ok(made)
}

/// Makes a new pair in the place of an active one, with its name and rights. The old one lives on for `grace`. The
/// new one expires at `expires`, or as long from now as the old one was made for.
pub async fn roll(
    db: &Db,
    vault: &Vault,
    by: By,
    id: KeyId,
    grace: Duration,
    expires: Option<Millis>,
    now: Millis,
) -> Result<Made> {
    check_expiry(expires, now)?;
    if grace > GRACE_MAX {
        return Err(Refusal::BadGrace.into());
    }
    let mut tx = db.submit().await?;
    let known = described(vault, &keys::all(&mut tx).await?);
    let old = find(&known, id)?.clone();
    check_rights(by, &old.rights)?;
    if old.state(now) != State::Active {
        return Err(Refusal::KeyEnded.into());
    }
    let lifetime_ms = old.expires.map(|expires| expires.0 - old.created.0);
    let expires = expires.or(lifetime_ms.map(|lifetime_ms| Millis(now.0.saturating_add(lifetime_ms))));
    let new = NewPair { name: old.name.clone(), rights: old.rights, expires };
    let made = add(db, &mut tx, vault, &known, &new, now).await?;
    // An operator can look the new key up; for others it is only in the answer, which may get lost.
    let is_sure = matches!(by, By::Operator);
    let found_later = if grace < ANSWER_LOST { None } else { Some(made.pair.clone()) };
    if !is_sure && !may_go(&known.into_iter().chain(found_later).collect::<Vec<_>>(), id, now) {
        return Err(Refusal::LastFullKey.into());
    }
    let end = after(now, grace);
    let end = old.expires.map_or(end, |expires| expires.min(end));
    if !keys::supersede_if_current(&mut tx, id, made.pair.id, now, end).await? {
        return Err(Refusal::KeyEnded.into());
    }
    tx.commit().await?;
    Ok(made)
}

/// Ends a pair at once. Revoking it again changes nothing.
pub async fn revoke(db: &Db, vault: &Vault, by: By, id: KeyId, now: Millis) -> Result<()> {
    let mut tx = db.submit().await?;
    let known = described(vault, &keys::all(&mut tx).await?);
    let pair = find(&known, id)?;
    check_rights(by, &pair.rights)?;
    if pair.is_usable(now) && !may_go(&known, id, now) {
        return Err(Refusal::LastFullKey.into());
    }
    if keys::revoke_if_not(&mut tx, id, now).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// All pairs that are known, oldest first.
pub async fn list(db: &Db, vault: &Vault) -> Result<Vec<Described>> {
    Ok(described(vault, &keys::all(&mut db.read().await?).await?))
}

/// One pair.
pub async fn show(db: &Db, vault: &Vault, id: KeyId) -> Result<Described> {
    let known = list(db, vault).await?;
    Ok(find(&known, id)?.clone())
}

/// The private key of a pair.
pub async fn reveal(db: &Db, vault: &Vault, id: KeyId) -> Result<String> {
    let stored = keys::all(&mut db.read().await?).await?;
    let row = stored.iter().find(|row| row.id == id).ok_or(Refusal::NoKeyPair)?;
    vault.open(&row.public_key, &row.sealed, &row.lookup)
}

/// Pairs that do not open under this secret, in words; for `calotype fsck`.
pub async fn damaged(db: &Db, vault: &Vault) -> Result<Vec<String>> {
    let stored = keys::all(&mut db.read().await?).await?;
    let closed = |row: &&KeyRow| vault.open(&row.public_key, &row.sealed, &row.lookup).is_err();
    let told = |row: &KeyRow| format!("key pair {} does not open under the server secret", row.public_key);
    Ok(stored.iter().filter(closed).map(told).collect())
}

/// Stores a random pair if there is room for it, and forgets some of those that ended long ago.
async fn add(db: &Db, tx: &mut Tx, vault: &Vault, known: &[Described], new: &NewPair, now: Millis) -> Result<Made> {
    if known.iter().filter(|pair| pair.is_usable(now)).count() >= PAIRS_MAX {
        return Err(Refusal::TooManyKeys.into());
    }
    keys::forget_ended(tx, now, ENDED_PAIRS_KEPT, FORGOTTEN_AT_ONCE).await?;
    let (private, public) = random_pair();
    insert(db, tx, vault, PrivatePair { private, public }, new, now).await
}

/// Stores a pair in the caller's transaction.
pub async fn insert(
    db: &Db,
    tx: &mut Tx,
    vault: &Vault,
    pair: PrivatePair,
    new: &NewPair,
    now: Millis,
) -> Result<Made> {
    let row = KeyRow {
        id: KeyId(db.take_ids(tx, 1).await?),
        lookup: vault.lookup(pair.private.as_bytes()).to_hex().to_string(),
        sealed: vault.seal(&pair.private)?,
        public_key: pair.public,
        created: now,
        name: new.name.clone(),
        rights: new.rights.to_string(),
        expires: new.expires,
        revoked: None,
        superseded: None,
        successor_id: None,
    };
    keys::insert(tx, &row).await?;
    Ok(Made { pair: Described::of(vault, &row), private_key: pair.private })
}

/// A private and a public key; the private one has 160 random bits.
pub fn random_pair() -> (String, String) {
    (format!("private_{}", random_hex::<20>()), format!("public_{}", random_hex::<12>()))
}

/// What is told when the secret does not belong to the catalog.
pub fn another_secret() -> Error {
    Error::Setup(
        "the server secret is not the one this catalog's keys were sealed with; restore the file `secret` of the data directory or set CALOTYPE_SECRET to it".into(),
    )
}

impl Described {
    fn of(vault: &Vault, row: &KeyRow) -> Described {
        let private_key = vault.open(&row.public_key, &row.sealed, &row.lookup).unwrap_or_default();
        // Of a short key, chosen by hand, nothing is told.
        let end = private_key.len().checked_sub(TOLD_CHARS).filter(|start| *start >= 4 * TOLD_CHARS);
        Described {
            id: row.id,
            name: row.name.clone(),
            public_key: row.public_key.clone(),
            private_key_end: end.and_then(|start| private_key.get(start..)).unwrap_or_default().to_owned(),
            rights: Rights::stored(&row.rights),
            created: row.created,
            expires: row.expires,
            revoked: row.revoked,
            superseded: row.superseded,
            successor: row.successor_id,
        }
    }

    /// What has become of the pair by now.
    pub fn state(&self, now: Millis) -> State {
        if self.revoked.is_some() {
            State::Revoked
        } else if self.expires.is_some_and(|expires| expires <= now) {
            State::Expired
        } else if self.superseded.is_some() {
            State::Superseded
        } else {
            State::Active
        }
    }

    /// Whether requests may still come with it.
    pub fn is_usable(&self, now: Millis) -> bool {
        matches!(self.state(now), State::Active | State::Superseded)
    }
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Superseded => "superseded",
            State::Expired => "expired",
            State::Revoked => "revoked",
        }
    }
}

/// Whether somebody can still do everything when this pair is gone: it is a restricted one, or there is another full
/// one that lasts for a day or as long as this one.
fn may_go(known: &[Described], id: KeyId, now: Millis) -> bool {
    let Some(going) = known.iter().find(|pair| pair.id == id) else { return true };
    let forever = Millis(i64::MAX);
    let enough = going.expires.unwrap_or(forever).min(after(now, LASTING));
    let stays = |pair: &&Described| pair.id != id && pair.rights == Rights::Full && pair.is_usable(now);
    going.rights != Rights::Full || known.iter().filter(stays).any(|pair| pair.expires.unwrap_or(forever) >= enough)
}

/// Nobody gives rights that they do not have, nor takes the key of somebody who has more.
fn check_rights(by: By, wanted: &Rights) -> Result<(), Refusal> {
    match by {
        By::Key(own) if !own.include(wanted) => Err(Refusal::MoreRights),
        By::Key(_) | By::Operator => Ok(()),
    }
}

fn check_name(name: Option<&str>) -> Result<(), Refusal> {
    let good = |name: &str| (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if name.is_none_or(good) { Ok(()) } else { Err(Refusal::BadKeyName) }
}

fn check_expiry(expires: Option<Millis>, now: Millis) -> Result<(), Refusal> {
    if expires.is_some_and(|expires| expires <= now) { Err(Refusal::BadKeyExpiry) } else { Ok(()) }
}

fn described(vault: &Vault, rows: &[KeyRow]) -> Vec<Described> {
    rows.iter().map(|row| Described::of(vault, row)).collect()
}

fn find(known: &[Described], id: KeyId) -> Result<&Described, Refusal> {
    known.iter().find(|pair| pair.id == id).ok_or(Refusal::NoKeyPair)
}

fn after(now: Millis, time: Duration) -> Millis {
    Millis(now.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000_000_000);
    const HOUR_MS: i64 = 60 * 60 * 1000;

    fn pair(id: i64, rights: &str, expires_in_ms: Option<i64>) -> Described {
        Described {
            id: KeyId(id),
            name: None,
            public_key: format!("public_{id}"),
            private_key_end: String::new(),
            rights: Rights::parse(rights).unwrap(),
            created: Millis(0),
            expires: expires_in_ms.map(|ms| Millis(NOW.0 + ms)),
            revoked: None,
            superseded: None,
            successor: None,
        }
    }

    #[test]
    fn the_last_full_key_stays() {
        let revoked = Described { revoked: Some(NOW), ..pair(2, "full", None) };
        for (others, may) in [
            (vec![], false),
            (vec![pair(2, "full", None)], true),
            (
                vec![pair(2, "files=write,folders=write,uploads=write,metadata=write,purge=write,keys=write", None)],
                false,
            ),
            (vec![revoked], false),
            (vec![pair(2, "full", Some(-1))], false),
            (vec![pair(2, "full", Some(HOUR_MS))], false),
            (vec![pair(2, "full", Some(24 * HOUR_MS))], true),
            (vec![pair(2, "full", Some(HOUR_MS)), pair(3, "full", None)], true),
        ] {
            let known: Vec<_> = [pair(1, "full", None)].into_iter().chain(others.clone()).collect();
            assert_eq!(may_go(&known, KeyId(1), NOW), may, "beside {others:?}");
        }
        let known = [pair(1, "full", Some(HOUR_MS)), pair(2, "full", Some(HOUR_MS))];
        assert!(may_go(&known, KeyId(1), NOW), "the other one lasts as long");
        let known = [pair(1, "files=read", None)];
        assert!(may_go(&known, KeyId(1), NOW), "a restricted key locks nobody out");
    }

    #[test]
    fn states_follow_from_times() {
        let superseded = Described { superseded: Some(NOW), ..pair(1, "full", Some(5)) };
        assert_eq!(superseded.state(NOW), State::Superseded);
        assert_eq!(superseded.state(Millis(NOW.0 + 5)), State::Expired);
        let revoked = Described { revoked: Some(NOW), ..superseded };
        assert_eq!(revoked.state(NOW), State::Revoked);
        assert_eq!(pair(1, "full", None).state(NOW), State::Active);
    }

    #[test]
    fn names_are_labels() {
        for good in ["a", "CI of the shop", "käse", &"x".repeat(NAME_CHARS_MAX)] {
            assert_eq!(check_name(Some(good)), Ok(()), "{good}");
        }
        for bad in ["", "a\nb", "\u{1b}[2J", &"x".repeat(NAME_CHARS_MAX + 1)] {
            assert_eq!(check_name(Some(bad)), Err(Refusal::BadKeyName), "{bad}");
        }
    }
}

//! The active key pairs, and who sent a request.
//!
//! A server keeps all active pairs in memory, opened, in a `Ring` that never changes; when pairs change, a
//! new ring takes its place. The server that made a change does that at once. All others look at a counter in
//! the catalog every second ([`watch`]), as does a server whose pairs were changed by the command line. A pair that
//! expires meanwhile leaves the ring the moment anybody looks at it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::keys::{self, NewPair, PrivatePair, random_pair};
use super::vault::Vault;
use crate::app::{App, chain, write_private};
use crate::error::{Error, Refusal, Result};
use crate::model::ids::{KeyId, VersionId};
use crate::model::rights::{Need, Rights};
use crate::model::time::Millis;
use crate::store::files::PRIVATE;
use crate::store::keys::KeyRow;
use crate::store::{Db, keys as rows, settings};

/// Characters of a version's token, 4 bits each.
const VERSION_TOKEN_CHARS: usize = 32;
/// How often a server looks whether pairs were changed elsewhere: a revocation is effective everywhere after
/// that, and the time to read the pairs again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The key pairs of an open library.
pub struct Keys {
    vault: Vault,
    token_key: [u8; 32],
    ring: RwLock<Arc<Ring>>,
    /// The first pair's private and public key, if this start has made it.
    pub fresh: Option<(String, String)>,
}

/// The pairs at one moment.
struct Ring {
    /// The catalog's count of changes when they were read.
    changes: i64,
    pairs: Arc<Vec<Pair>>,
    /// Hashes of private keys that were active once and have expired: their owners are told so.
    expired: Vec<blake3::Hash>,
}

/// An active key pair. It has no `Debug`, so that no log can show the private key.
#[derive(Clone)]
pub struct Pair {
    pub id: KeyId,
    pub public_key: String,
    private_key: String,
    lookup: blake3::Hash,
    rights: Rights,
    expires: Option<Millis>,
}

impl Pair {
    /// The private key, with which delivery URLs and client uploads are signed.
    pub fn private_key(&self) -> &str {
        &self.private_key
    }

    /// Whether the pair may be used for this, now. Signatures of a pair that may not do not count.
    pub fn allows(&self, need: Need) -> bool {
        self.rights.allow(need) && !self.is_over(Millis::now())
    }

    fn is_over(&self, now: Millis) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// Who sent a request, and may do what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub id: KeyId,
    pub public_key: String,
    pub rights: Rights,
}

/// Who sent a request; whether they may is not known yet, so all there is to see is which key it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Identified(Caller);

impl Identified {
    pub fn id(&self) -> KeyId {
        self.0.id
    }

    /// The caller, if the key has the right that the call needs.
    pub fn allowed(self, need: Need) -> Result<Caller, Refusal> {
        if self.0.rights.allow(need) { Ok(self.0) } else { Err(Refusal::NotPermitted) }
    }
}

impl Keys {
    /// Opens the stored pairs and makes the first if there is none: `first_pair` (private, public) or a
    /// random one, which is also written to the file `first_keys`. Fails when the secret is not the one that
    /// sealed them.
    pub async fn open(db: &Db, secret: &str, first_pair: Option<(String, String)>, first_keys: &Path) -> Result<Keys> {
        let vault = Vault::of(secret);
        let token_key = blake3::derive_key("calotype 2026 version tokens", secret.as_bytes());
        let mut tx = db.submit().await?;
        if settings::get_or_insert(&mut tx, "secret_check", vault.check()).await? != vault.check() {
            return Err(keys::another_secret());
        }
        let mut fresh = None;
        if rows::all(&mut tx).await?.is_empty() {
            let (private, public) = first_pair.clone().unwrap_or_else(random_pair);
            if first_pair.is_none() {
                // Before the commit: a pair that nobody has seen would lock its owner out.
                write_private(first_keys, &format!("private key: {private}\npublic key:  {public}"))?;
                fresh = Some((private.clone(), public.clone()));
            }
            let pair = NewPair { name: None, rights: Rights::Full, expires: None };
            keys::insert(db, &mut tx, &vault, PrivatePair { private, public }, &pair, Millis::now()).await?;
        }
        let stored = rows::all(&mut tx).await?;
        let changes = rows::changes(&mut tx).await?;
        tx.commit().await?;
        check_first_pair(&vault, first_pair, &stored)?;
        let ring = Ring::of(&vault, changes, &stored, Millis::now())?;
        if ring.pairs.is_empty() {
            tracing::warn!("no key pair is active, so nobody can use the API; make one with `calotype keys create`");
        }
        Ok(Keys { vault, token_key, ring: RwLock::new(Arc::new(ring)), fresh })
    }

    /// The pairs that may sign and authenticate now. What one may be used for is told by [`Pair::allows`].
    pub fn active(&self) -> Arc<Vec<Pair>> {
        Arc::clone(&self.ring(Millis::now()).pairs)
    }

    /// For changes of pairs.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The unguessable name of a version in delivery URLs; another one after it is published or withdrawn.
    pub fn version_token(&self, version: VersionId, flags: i64) -> String {
        let of = [version.0.to_le_bytes(), (flags & !PRIVATE).to_le_bytes()].concat();
        blake3::keyed_hash(&self.token_key, &of).to_hex()[..VERSION_TOKEN_CHARS].to_owned()
    }

    /// Who a `Basic` authorization header speaks for: the user name is the private key, the password is
    /// ignored. Hashes are compared in constant time, and all of them. Fails unless the key has the right
    /// that the call needs.
    pub fn authenticate(&self, header: Option<&[u8]>, need: Need) -> Result<Caller, Refusal> {
        self.identify(header)?.allowed(need)
    }

    /// The same in two steps, for those who have something to do in between.
    pub fn identify(&self, header: Option<&[u8]>) -> Result<Identified, Refusal> {
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
        let identified = self.ring(Millis::now()).find(&self.vault.lookup(private))?;
        // Into the span of the request, for its lines in the log.
        tracing::Span::current().record("key", identified.0.public_key.as_str());
        Ok(identified)
    }

    /// Reads the pairs again if the catalog says that they have changed. Cheap when they have not.
    pub async fn refresh(&self, db: &Db) -> Result<()> {
        let changes = rows::changes(&mut db.glance().await?).await?;
        if changes == self.current().changes {
            return Ok(());
        }
        let mut tx = db.read().await?;
        let changes = rows::changes(&mut tx).await?;
        let stored = rows::all(&mut tx).await?;
        let ring = Ring::of(&self.vault, changes, &stored, Millis::now())?;
        let mut place = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have read a later state meanwhile.
        if place.changes < ring.changes {
            *place = Arc::new(ring);
        }
        Ok(())
    }

    /// The ring without pairs that have expired.
    fn ring(&self, now: Millis) -> Arc<Ring> {
        let ring = self.current();
        if !ring.pairs.iter().any(|pair| pair.is_over(now)) {
            return ring;
        }
        let mut place = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(place.without_expired(now));
        Arc::clone(&place)
    }

    fn current(&self) -> Arc<Ring> {
        // Whole rings are put in its place, so that a panic beside it leaves nothing half done.
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ring {
    fn of(vault: &Vault, changes: i64, stored: &[KeyRow], now: Millis) -> Result<Ring> {
        let mut ring = Ring { changes, pairs: Arc::default(), expired: Vec::new() };
        let mut pairs = Vec::new();
        for row in stored.iter().filter(|row| row.revoked.is_none()) {
            let private_key = vault.open(&row.public_key, &row.sealed, &row.lookup)?;
            pairs.push(Pair {
                id: row.id,
                public_key: row.public_key.clone(),
                lookup: vault.lookup(private_key.as_bytes()),
                private_key,
                rights: Rights::stored(&row.rights),
                expires: row.expires,
            });
        }
        ring.pairs = Arc::new(pairs);
        Ok(ring.without_expired(now))
    }

    fn without_expired(&self, now: Millis) -> Ring {
        let (over, active): (Vec<_>, Vec<_>) = self.pairs.iter().cloned().partition(|pair| pair.is_over(now));
        let expired = self.expired.iter().copied().chain(over.iter().map(|pair| pair.lookup)).collect();
        Ring { changes: self.changes, pairs: Arc::new(active), expired }
    }

    fn find(&self, presented: &blake3::Hash) -> Result<Identified, Refusal> {
        let mut found = None;
        for pair in self.pairs.iter() {
            if pair.lookup == *presented {
                found = Some(pair);
            }
        }
        if let Some(Pair { id, public_key, rights, .. }) = found {
            return Ok(Identified(Caller { id: *id, public_key: public_key.clone(), rights: *rights }));
        }
        let has_expired = self.expired.iter().fold(false, |found, lookup| found | (lookup == presented));
        Err(if has_expired { Refusal::ExpiredKey } else { Refusal::UnknownKey })
    }
}

/// Looks for changes that were made elsewhere, until the shutdown.
pub async fn watch(app: &App) {
    while !app.is_stopping() {
        app.until_stopping(LOOK_EVERY).await;
        if let Err(error) = app.keys.refresh(&app.db).await {
            tracing::warn!(error = chain(&error), "key pairs were not read again; those known before stay in use");
        }
        if let Some(limits) = &app.limits {
            limits.forget_idle();
        }
    }
}

/// The pair of the settings must be one of this library's, or the wrong directory was given. It may have
/// ended: rolling a key must not keep a server from starting that still has the old one in its settings.
fn check_first_pair(vault: &Vault, first_pair: Option<(String, String)>, stored: &[KeyRow]) -> Result<()> {
    let Some((private, public)) = first_pair else { return Ok(()) };
    let lookup = vault.lookup(private.as_bytes());
    let same =
        |row: &KeyRow| row.public_key == public && blake3::Hash::from_hex(&row.lookup).is_ok_and(|hash| hash == lookup);
    if stored.iter().any(same) {
        return Ok(());
    }
    Err(Error::Setup(
        "CALOTYPE_PRIVATE_KEY and CALOTYPE_PUBLIC_KEY are not a pair of this library; unset them or give another --data"
            .into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rights::{Access, Area, SIGN_DELIVERY, SIGN_UPLOADS};

    const LIST: Need = Need { area: Area::Files, access: Access::Read };

    fn row(vault: &Vault, id: i64, private: &str, rights: &str, expires: Option<Millis>) -> KeyRow {
        KeyRow {
            id: KeyId(id),
            public_key: private.replace("private", "public"),
            lookup: vault.lookup(private.as_bytes()).to_hex().to_string(),
            sealed: vault.seal(private).unwrap(),
            created: Millis(0),
            name: None,
            rights: rights.into(),
            expires,
            revoked: None,
            superseded: None,
            successor_id: None,
        }
    }

    fn keys(rows: impl Fn(&Vault) -> Vec<KeyRow>, now: Millis) -> Keys {
        let vault = Vault::of("a secret of the tests");
        let ring = Ring::of(&vault, 1, &rows(&vault), now).unwrap();
        Keys { vault, token_key: [8; 32], ring: RwLock::new(Arc::new(ring)), fresh: None }
    }

    fn header(credentials: &str) -> String {
        format!("Basic {}", STANDARD.encode(credentials))
    }

    #[test]
    fn the_private_key_is_the_user_name_and_the_password_is_ignored() {
        let keys = keys(|vault| vec![row(vault, 1, "private_a", "full", None)], Millis::now());
        let ask = |header: Option<&str>| keys.authenticate(header.map(str::as_bytes), LIST).map(|caller| caller.id);
        for credentials in ["private_a:", "private_a:do_not_set", "private_a"] {
            assert_eq!(ask(Some(&header(credentials))), Ok(KeyId(1)), "{credentials}");
        }
        assert_eq!(ask(Some(&header("private_a:").replace("Basic", "basic"))), Ok(KeyId(1)));
        assert_eq!(ask(None), Err(Refusal::NoKey));
        assert_eq!(ask(Some("Bearer abc")), Err(Refusal::NoKey));
        assert_eq!(ask(Some(&header(":"))), Err(Refusal::NoKey));
        assert_eq!(ask(Some(&header("private_b:"))), Err(Refusal::UnknownKey));
        assert_eq!(ask(Some("Basic ???")), Err(Refusal::UnknownKey));
    }

    #[test]
    fn pairs_leave_the_ring_when_they_expire_and_their_owners_are_told() {
        let now = Millis::now();
        let (past, soon) = (Millis(now.0 - 1), Millis(now.0 + 1_000));
        let rows = |vault: &Vault| {
            let revoked = row(vault, 4, "private_revoked", "full", Some(past));
            vec![
                row(vault, 1, "private_lasting", "full", None),
                row(vault, 2, "private_soon", "full", Some(soon)),
                row(vault, 3, "private_past", "full", Some(past)),
                KeyRow { revoked: Some(past), ..revoked },
            ]
        };
        let keys = keys(rows, now);
        let ids = |ring: Arc<Ring>| ring.pairs.iter().map(|pair| pair.id.0).collect::<Vec<_>>();
        let ask =
            |private: &str, now| keys.ring(now).find(&keys.vault.lookup(private.as_bytes())).map(|who| who.id().0);
        assert_eq!(ids(keys.ring(now)), [1, 2]);
        assert_eq!(ask("private_soon", now), Ok(2));
        assert_eq!(ask("private_past", now), Err(Refusal::ExpiredKey));
        // Whoever revoked a key may not want its holder to know more than that it does not work.
        assert_eq!(ask("private_revoked", now), Err(Refusal::UnknownKey));
        assert_eq!(ask("private_soon", soon), Err(Refusal::ExpiredKey));
        assert_eq!(ids(keys.ring(soon)), [1]);
        assert_eq!(ask("private_past", soon), Err(Refusal::ExpiredKey));
    }

    #[test]
    fn restricted_pairs_do_and_sign_what_their_rights_name() {
        let rows = |vault: &Vault| vec![row(vault, 1, "private_a", "files=read", None)];
        let keys = keys(rows, Millis::now());
        let header = header("private_a:");
        let ask = |need| keys.authenticate(Some(header.as_bytes()), need).map(|_| ());
        assert_eq!(ask(LIST), Ok(()));
        assert_eq!(ask(Need { access: Access::Write, ..LIST }), Err(Refusal::NotPermitted));
        assert_eq!(ask(Need { area: Area::Keys, access: Access::Read }), Err(Refusal::NotPermitted));
        let pair = &keys.active()[0];
        assert!(pair.allows(SIGN_DELIVERY) && !pair.allows(SIGN_UPLOADS));
    }
}

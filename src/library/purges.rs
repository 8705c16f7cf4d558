//! Purges of cached copies. This server keeps none, so a purge is complete as soon as it is recorded; what it leaves
//! is the number that clients ask for afterwards.

use crate::app::App;
use crate::error::{Refusal, Result};
use crate::model::time::Millis;
use crate::store::{Reach, Tx, settings};

/// Levels of a path below the endpoint that are enough before a wildcard.
const WILDCARD_LEVELS_MIN: usize = 2;
/// Characters of a path below the endpoint that are enough before a wildcard, however few its levels.
const WILDCARD_CHARS_MIN: usize = 15;
/// Folders in which the contract allows no wildcard for everything.
const NEVER_EMPTIED: [&[&str]; 2] = [&["media", "catalog"], &["s", "files"]];

/// Records a purge in the caller's transaction; its number.
pub async fn record(app: &App, tx: &mut Tx, url: &str, now: Millis) -> Result<i64> {
    let id = app.db.take_ids(tx, 1).await?;
    settings::insert_purge(tx, id, url, now).await?;
    Ok(id)
}

/// Purges one URL, or with a `*` at its end all that begin like it. `place` is what stands after the endpoint in it.
pub async fn purge(app: &App, url: &str, place: &str) -> Result<i64> {
    if !may_be_purged(place) {
        return Err(Refusal::BadPurgeUrl.into());
    }
    let mut tx = app.db.write(Reach::Apart).await?;
    let id = record(app, &mut tx, url, Millis::now()).await?;
    tx.commit().await?;
    Ok(id)
}

/// Whether there was such a purge.
pub async fn exists(app: &App, id: i64) -> Result<bool> {
    settings::purge_exists(&mut app.db.glance().await?, id).await
}

/// The contract's rule for what stands after the endpoint: a wildcard only at the end, and only behind two levels, 15
/// characters or a whole file name, be that a folder's contents or names that begin alike. Two folders are exceptions.
fn may_be_purged(path: &str) -> bool {
    let Some(stem) = path.strip_suffix('*') else { return !path.is_empty() && !path.contains('*') };
    let levels: Vec<&str> = stem.split('/').filter(|level| !level.is_empty()).collect();
    let is_never = stem.ends_with('/') && NEVER_EMPTIED.contains(&levels.as_slice());
    let names_a_file = stem.rsplit('/').next().is_some_and(|name| {
        name.rsplit_once('.').is_some_and(|(before, after)| !before.is_empty() && !after.is_empty())
    });
    let is_narrow = levels.len() >= WILDCARD_LEVELS_MIN || stem.chars().count() >= WILDCARD_CHARS_MIN || names_a_file;
    is_narrow && !is_never && !stem.contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_must_not_reach_too_far() {
        for path in [
            "a.jpg",
            "a/b.jpg?tr=w-1",
            "images/upload*",
            "images/2024/*",
            "images/2024/summer/holiday/*",
            "media/catalogue/*",
            "media/catalog/a/*",
            "sample.jpg*",
            "abcdefghijklmno*",
            "abcdefghijklmn/*",
            "ünïcode-langer-name*",
        ] {
            assert!(may_be_purged(path), "{path}");
        }
        for path in [
            "",
            "*",
            "/*",
            "a*",
            "images/*",
            "images//*",
            "abcdefghijklm/*",
            "media/catalog/*",
            "media//catalog/*",
            "s/files/*",
            "a*b",
            "a/b*c*",
            "*.jpg",
            "images/2024/**",
        ] {
            assert!(!may_be_purged(path), "{path}");
        }
    }
}

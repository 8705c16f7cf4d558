//! Small copies: of folders without sub-folders, with no more files than the step has room for, to places that are free.
//!
//! Such a copy is made in one transaction that has the tree to itself, so nobody sees anything of it before it is whole. It
//! needs no detached root and no phases: its rows are written where they belong, those of several jobs in the same statements,
//! because on PostgreSQL each statement waits for an answer. Every other copy goes the way of
//! `tree::clone`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use super::submit::stored_path;
use super::worker::{JOB_ROWS_MIN, Worked};
use crate::error::{Error, Result};
use crate::model::ids::{FolderId, LIBRARY};
use crate::model::job::{Kind, Phase};
use crate::model::path::sanitise;
use crate::model::time::Millis;
use crate::store::clone;
use crate::store::folders::{self, Folder, NewFolder};
use crate::store::jobs::Job;
use crate::store::{Db, Tx};
use crate::tree::room::Room;

/// A source that exists and a place that does not.
struct Place {
    source: FolderId,
    /// The last folder on the way that exists, and the names of those that have to be made: the last one is the copy's.
    at: FolderId,
    rest: Vec<String>,
}

/// Makes the copies that `taken` begins with as long as they are small and there is room, and takes their jobs off it.
///
/// None of them waits for another, so none reads or makes what another makes, but for folders on the way to their places.
pub async fn make(db: &Db, tx: &mut Tx, taken: &mut Vec<Job>, room: &mut Room) -> Result<Vec<Worked>> {
    let may_be_small = |job: &&Job| {
        job.phase == Phase::Start && job.kind == Kind::Copy && !job.include_versions && job.blocker.is_none()
    };
    let first = taken.iter().take_while(may_be_small).count();
    if first == 0 {
        return Ok(Vec::new());
    }
    if tx.own_tree(db).await? {
        // Others have waited since then only.
        room.restart_clock();
    }
    let began = Instant::now();
    let mut places = resolve(tx, &taken[..first]).await?;
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let sources: BTreeSet<_> = places.iter().map(|place| place.source).collect();
    let files: BTreeMap<_, _> = clone::files_of_leaves(tx, &sources, room.rows()).await?.into_iter().collect();
    let mut fitting = 0;
    for place in &places {
        let Some(files) = files.get(&place.source) else { break };
        let rows = files + place.rest.len() as i64;
        if rows > room.rows() {
            if fitting > 0 {
                // The next step begins with it, and has room.
                room.take(room.rows());
            }
            break;
        }
        room.take(rows.max(JOB_ROWS_MIN));
        fitting += 1;
    }
    places.truncate(fitting);
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mut made = write(db, tx, taken.drain(..places.len()), places, &files).await?;
    let elapsed = began.elapsed() / made.len() as u32;
    made.iter_mut().for_each(|worked| worked.elapsed = elapsed);
    Ok(made)
}

/// What the jobs' paths lead to, up to the first job that is no plain case: whose source does not exist, whose place is taken, or
/// on whose way a folder may have another name than the path says.
async fn resolve(tx: &mut Tx, jobs: &[Job]) -> Result<Vec<Place>> {
    let mut paths = Vec::with_capacity(2 * jobs.len());
    for job in jobs {
        // What is wrong with a row is told of its job alone, when that comes by itself.
        let (Ok(source), Ok(destination)) = (stored_path(&job.source_path), stored_path(&job.destination_path)) else {
            break;
        };
        paths.push(source);
        paths.push(destination.join(&job.target_name));
    }
    let names: Vec<&[String]> = paths.iter().map(|path| path.segments()).collect();
    let chains = folders::chains(tx, &names).await?;
    let pairs = jobs.iter().zip(names.chunks_exact(2)).zip(chains.chunks_exact(2));
    Ok(pairs.map_while(|((job, names), chains)| place(job, names, chains)).collect())
}

fn place(job: &Job, names: &[&[String]], chains: &[Vec<Folder>]) -> Option<Place> {
    let ([source, target], [there, way]) = (names, chains) else { return None };
    let rest = &target[way.len()..];
    let (_, on_the_way) = rest.split_last()?;
    let is_plain = job.verbatim_names || on_the_way.iter().all(|name| sanitise(name) == *name);
    let exists = there.len() == source.len();
    let source = there.last().filter(|_| exists && is_plain)?.id;
    Some(Place { source, at: way.last().map_or(LIBRARY, |folder| folder.id), rest: rest.to_vec() })
}

/// Writes the rows of copies.
async fn write(
    db: &Db,
    tx: &mut Tx,
    jobs: impl Iterator<Item = Job>,
    places: Vec<Place>,
    files: &BTreeMap<FolderId, i64>,
) -> Result<Vec<Worked>> {
    let (mut made, mut new, mut on_the_way) = (Vec::new(), Vec::new(), HashMap::new());
    let folders: usize = places.iter().map(|place| place.rest.len()).sum();
    let files_of = |source: FolderId| files.get(&source).copied().unwrap_or_default();
    let all_files: i64 = places.iter().map(|place| files_of(place.source)).sum();
    let mut ids = db.take_ids(tx, folders as i64 + all_files).await?;
    let (now, change) = (Millis::now(), tx.same_change().await?);
    for (mut job, Place { source, at: mut destination, mut rest }) in jobs.zip(places) {
        let mut make = |parent, name: String| {
            let id = FolderId(ids);
            ids += 1;
            new.push(NewFolder { id, parent, name });
            id
        };
        let name = rest.pop().unwrap_or_default();
        for name in rest {
            destination = *on_the_way.entry((destination, name.clone())).or_insert_with(|| make(destination, name));
        }
        let root = make(destination, name);
        (job.started, job.finished, job.has_released) = (Some(now), Some(now), true);
        (job.source_id, job.destination_id, job.clone_id) = (Some(source), Some(destination), Some(root));
        (job.folders_done, job.files_done) = (1, files_of(source));
        job.enter(Phase::Done)?;
        made.push(Worked { rows: job.files_done + 1, job, elapsed: Default::default() });
    }
    folders::insert(tx, &new, now, change).await?;
    let copies = made.iter().filter_map(|worked| worked.job.source_id.zip(worked.job.clone_id));
    if clone::copy_leaves(tx, copies, ids, now, change).await?.cast_signed() != all_files {
        return Err(Error::Damaged("folders that nobody can change changed while they were copied".into()));
    }
    Ok(made)
}

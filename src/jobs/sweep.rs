//! Forgetting what nothing needs, in polite batches. One server at a time sweeps, under a lease that every batch renews
//! in its own transaction. Every server, also one that does not sweep, looks for what its own failed uploads may have left
//! (`library/blob_ids.rs`). A round:
//!
//! 1. Journal rows that no running copy looks at, jobs and purges that ended long ago, used upload tokens whose time is over.
//! 2. The trash: folders that were deleted before any running job started, page by page, the deepest last, because
//!    what hung below a deleted folder is hung into the trash itself first.
//! 3. Blocks of blob ids whose server has been silent for a day: what has no row in them is garbage.
//! 4. Some minutes after anything was taken, contents that nothing refers to, and then the bytes of blobs that no content
//!    shows.
//!
//! Step 4 has no index to ask, because an index on a file's content would make copies ten times slower. It reads
//! instead: first the ids of all contents, then every reference, live tables before the journal; what is never met
//! is garbage. That is exact while others write. A content is stored together with its first reference, and every
//! other reference is copied from one, so a content in the first list was referred to at that time, and one that has
//! lost its last reference never gets another. A reference that goes away before its table is read stands in the
//! journal by the time the journal is read, because only this sweep takes anything out of the journal. A merge, which
//! hands contents from row to row by the million, spares the journal while nobody reads it; so a search says that it goes on
//! before it begins, with the tree held alone. What a search that is broken off leaves of that note makes merges slower until the next.

use std::time::Duration;

use roaring::RoaringTreemap;

use crate::app::App;
use crate::error::{Error, Result};
use crate::library::blob_ids::{SAY_EVERY_MS, SILENT_MS};
use crate::model::ids::ContentId;
use crate::model::time::Millis;
use crate::store::collect as rows;
use crate::store::collect::Reference;
use crate::store::{Reach, Tx, settings, sweep, upload_tokens};

/// How often the sweep looks for something to forget.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Rounds between two searches for unused contents: each reads every reference there is.
const COLLECT_EVERY_ROUNDS: u32 = 30;
/// Rows of one batch.
const SWEEP_ROWS: i64 = 2_000;
/// Rows of one page that is only read.
const READ_ROWS: i64 = 5_000;
/// Batches of one step of a round; what is left waits for the next round.
const SWEEP_BATCHES: usize = 50;
/// Blocks of lost servers that one round takes, each in a transaction of its own.
const LOST_BLOCKS: i64 = 50;
/// Contents forgotten in one transaction; each takes two statements.
const CONTENTS_PER_BATCH: usize = 200;
/// A finished job can be asked for this long.
const JOBS_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Sweeps until the server shuts down.
pub async fn run(app: &App) {
    // Something may have been left by the process before.
    let (mut took, mut rounds) = (true, 0);
    while !app.is_stopping() {
        match round(app).await {
            Ok(taken) => took |= taken,
            Err(Error::Fenced) => tracing::debug!("another server sweeps, or a backup is made"),
            Err(error) => tracing::warn!(%error, "the sweep failed and will be tried again"),
        }
        rounds += 1;
        if took && rounds >= COLLECT_EVERY_ROUNDS {
            match collect(app).await {
                Ok(()) => (took, rounds) = (false, 0),
                Err(error) => tracing::warn!(%error, "unused contents were not removed, which will be tried again"),
            }
        }
        // Between two rounds another server or a backup may have its turn.
        if let Err(error) = release(app).await {
            tracing::debug!(%error, "the sweep's lease was not given back; it runs out by itself");
        }
        app.until_stopping(SWEEP_EVERY).await;
    }
}

/// One round without the search for unused contents; whether anything was taken.
pub async fn round(app: &App) -> Result<bool> {
    say_it_lives(app, SAY_EVERY_MS).await?;
    // This needs no lease either: nobody else knows of these blobs. A blob store that fails keeps the rest from nothing.
    if let Err(error) = app.blob_ids.settle_doubtful(&app.db, &app.blobs).await {
        tracing::warn!(%error, "bytes of failed uploads may be left, and will be looked for again");
    }
    let mut took = take_lost_blocks(app, SILENT_MS).await?;
    for _ in 0..SWEEP_BATCHES {
        let (gone, is_all) = forget_past(app).await?;
        took |= gone > 0;
        if app.is_stopping() || is_all {
            break;
        }
        app.pause_between_batches().await;
    }
    for _ in 0..SWEEP_BATCHES {
        if app.is_stopping() || !empty_trash(app).await? {
            break;
        }
        took = true;
        app.pause_between_batches().await;
    }
    let mut tx = swept(app, Reach::Apart).await?;
    sweep::prune_jobs(&mut tx, Millis(Millis::now().0 - JOBS_KEPT_MS), SWEEP_ROWS).await?;
    tx.commit().await?;
    for _ in 0..SWEEP_BATCHES {
        if app.is_stopping() || forget_tokens(app).await? < SWEEP_ROWS.cast_unsigned() {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(took)
}

/// Says that this server lives, unless it has within `every_ms`. Each server does, also one that does not sweep, or another
/// would take its blocks of blob ids.
pub async fn say_it_lives(app: &App, every_ms: i64) -> Result<()> {
    let mut tx = app.db.write(Reach::Apart).await?;
    settings::renew_blob_blocks(&mut tx, &app.server_name, every_ms).await?;
    tx.commit().await
}

/// Takes the blocks of blob ids of servers that have been silent for `silent_ms`; whether there were any. Alone among
/// writers of the tree: an upload into such a block is seen, or sees that the block is gone.
pub async fn take_lost_blocks(app: &App, silent_ms: i64) -> Result<bool> {
    let mut tx = app.db.read().await?;
    let lost = settings::lost_blob_blocks(&mut tx, &app.server_name, silent_ms, LOST_BLOCKS).await?;
    drop(tx);
    let mut took = false;
    for (first, last) in lost {
        let mut tx = swept(app, Reach::Shape).await?;
        took |= settings::take_lost_blob_block(&mut tx, first, last, silent_ms).await?;
        tx.commit().await?;
        app.pause_between_batches().await;
    }
    Ok(took)
}

/// Removes contents that nothing refers to, and then the bytes of blobs that no content shows. Reads every reference.
pub async fn collect(app: &App) -> Result<()> {
    collect_in_pages(app, READ_ROWS).await
}

/// The same, reading pages of so many rows.
pub async fn collect_in_pages(app: &App, page_rows: i64) -> Result<()> {
    collect_contents(app, page_rows).await?;
    remove_bytes(app).await
}

/// One batch of used upload tokens that nobody could use again.
async fn forget_tokens(app: &App) -> Result<u64> {
    let mut tx = swept(app, Reach::Apart).await?;
    let gone = upload_tokens::prune(&mut tx, Millis::now(), SWEEP_ROWS).await?;
    tx.commit().await?;
    Ok(gone)
}

/// A transaction of the server that sweeps, and of no other. First the lease, for which it may have to wait until another's
/// batch ends, and then the tree: whoever waited with the tree in hand would keep all writers of it waiting, and could wait
/// for one that has the lease and wants the tree.
async fn swept(app: &App, reach: Reach) -> Result<Tx> {
    let mut tx = app.db.write(Reach::Apart).await?;
    if !rows::hold_lease(&mut tx, &app.server_name).await? {
        return Err(Error::Fenced);
    }
    tx.take_tree(&app.db, reach).await?;
    Ok(tx)
}

/// The same in the middle of a search for unused contents, which is void once another server has swept.
async fn still_swept(app: &App) -> Result<Tx> {
    let mut tx = app.db.write(Reach::Apart).await?;
    if rows::keep_lease(&mut tx, &app.server_name).await? { Ok(tx) } else { Err(Error::Fenced) }
}

/// Gives up the lease, so that another server need not wait for it to run out.
pub async fn release(app: &App) -> Result<()> {
    let mut tx = app.db.write(Reach::Apart).await?;
    rows::release_lease(&mut tx, &app.server_name).await?;
    tx.commit().await
}

/// One batch of journal rows; how many went, and whether that is all that may go. It holds the tree against jobs that
/// start, because the instant of such a job must not fall between the look at the running jobs and the deletion.
pub async fn forget_past(app: &App) -> Result<(u64, bool)> {
    let mut tx = swept(app, Reach::Add).await?;
    let newest = sweep::last_change(&mut tx).await?;
    let until = sweep::oldest_instant(&mut tx).await?.map_or(newest, |instant| instant.min(newest));
    let end = sweep::prune_end(&mut tx, until, SWEEP_ROWS).await?;
    let gone = sweep::prune(&mut tx, end).await?;
    tx.commit().await?;
    Ok((gone, end == until))
}

/// One batch of the trash; whether there was any.
async fn empty_trash(app: &App) -> Result<bool> {
    let mut tx = swept(app, Reach::Add).await?;
    let before = rows::oldest_started(&mut tx).await?.unwrap_or(i64::MAX);
    let Some(folder) = rows::trashed(&mut tx, before).await? else { return Ok(false) };
    rows::empty_some(&mut tx, folder, SWEEP_ROWS).await?;
    tx.commit().await?;
    Ok(true)
}

/// Removes every content that nothing refers to.
async fn collect_contents(app: &App, page_rows: i64) -> Result<()> {
    let mut tx = swept(app, Reach::Shape).await?;
    rows::note_search(&mut tx, &app.server_name, true).await?;
    tx.commit().await?;
    let garbage: Vec<u64> = unused_contents(app, page_rows).await?.into_iter().collect();
    let mut tx = still_swept(app).await?;
    rows::note_search(&mut tx, &app.server_name, false).await?;
    tx.commit().await?;
    for batch in garbage.chunks(CONTENTS_PER_BATCH) {
        let mut tx = still_swept(app).await?;
        for content in batch {
            rows::forget_content(&mut tx, ContentId(content.cast_signed())).await?;
        }
        tx.commit().await?;
        app.pause_between_batches().await;
    }
    if !garbage.is_empty() {
        tracing::info!(contents = garbage.len(), "contents that nothing refers to were removed");
    }
    Ok(())
}

/// The contents that nothing refers to; none if the server stops meanwhile. Memory: a few bytes for each content at most.
async fn unused_contents(app: &App, page_rows: i64) -> Result<RoaringTreemap> {
    let mut unused = all_contents(app, page_rows).await?;
    let mut from = Some(Reference::FIRST);
    while let Some(reference) = from {
        if app.is_stopping() || unused.is_empty() {
            return Ok(RoaringTreemap::new());
        }
        // The lease is renewed before each page, so that nobody else can take from the journal meanwhile.
        still_swept(app).await?.commit().await?;
        let (met, next) = rows::references(&mut app.db.read().await?, reference, page_rows).await?;
        for content in met {
            unused.remove(content.0.cast_unsigned());
        }
        from = next;
        tokio::task::yield_now().await;
    }
    Ok(unused)
}

async fn all_contents(app: &App, page_rows: i64) -> Result<RoaringTreemap> {
    let mut all = RoaringTreemap::new();
    let mut after = ContentId(0);
    loop {
        let page = rows::contents(&mut app.db.read().await?, after, page_rows).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = *last;
        all.extend(page.iter().map(|content| content.0.cast_unsigned()));
        tokio::task::yield_now().await;
    }
}

/// Removes the bytes of blobs that no content shows. The row that names a blob goes after its bytes, so that a crash
/// in between only makes it be removed again.
async fn remove_bytes(app: &App) -> Result<()> {
    loop {
        let blobs = rows::garbage(&mut app.db.read().await?, SWEEP_ROWS).await?;
        if blobs.is_empty() || app.is_stopping() {
            return Ok(());
        }
        swept(app, Reach::Apart).await?.commit().await?;
        for blob in &blobs {
            app.blobs.delete(*blob).await?;
        }
        let mut tx = swept(app, Reach::Apart).await?;
        for blob in blobs {
            rows::forget_garbage(&mut tx, blob).await?;
        }
        tx.commit().await?;
    }
}

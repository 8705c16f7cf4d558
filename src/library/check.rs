//! The invariants, checked: those that the catalog can tell, and that rows and blobs belong together.

use futures_util::TryStreamExt;

use crate::blobs::Blobs;
use crate::error::Result;
use crate::model::ids::{BlobId, ContentId};
use crate::store::{Db, Tx, check};

/// Contents looked at in one statement.
const CONTENTS_PER_PAGE: i64 = 2_000;
/// Violations of one kind that are told; there may be millions.
const TOLD_MAX: usize = 20;

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// One line each; empty when all invariants hold.
    pub violations: Vec<String>,
    pub folders: i64,
    pub files: i64,
    pub older_versions: i64,
    pub contents: i64,
    /// `None` when blobs were not looked at.
    pub blobs: Option<u64>,
}

/// Checks one state of the catalog, and the blob store unless `blobs` is `None`. Reads everything; memory
/// grows by 8 bytes for each content.
pub async fn check(db: &Db, blobs: Option<&Blobs>) -> Result<Findings> {
    let mut tx = db.read().await?;
    let (folders, files, older_versions, contents) = check::counts(&mut tx).await?;
    let mut findings = Findings {
        violations: check::violations(&mut tx).await?,
        folders,
        files,
        older_versions,
        contents,
        blobs: None,
    };
    if let Some(blobs) = blobs {
        let mut known = blobs_of_contents(&mut tx, blobs, &mut findings).await?;
        known.extend(check::garbage(&mut tx).await?.iter().map(|blob| blob.0));
        known.sort_unstable();
        let may_be_written = check::blob_blocks(&mut tx).await?;
        findings.blobs = Some(unknown_blobs(blobs, &known, &may_be_written, &mut findings).await?);
    }
    Ok(findings)
}

/// Every content's blob is there in its size; returns their ids.
async fn blobs_of_contents(tx: &mut Tx, blobs: &Blobs, findings: &mut Findings) -> Result<Vec<i64>> {
    let mut known = Vec::new();
    let mut after = ContentId(0);
    let mut missing = 0;
    loop {
        let page = check::content_page(tx, after, CONTENTS_PER_PAGE).await?;
        let Some((last, _, _)) = page.last() else { break };
        after = *last;
        for (content, blob, size) in page {
            let there = blobs.size(blob).await?;
            if there != Some(size.cast_unsigned()) && missing < TOLD_MAX {
                missing += 1;
                let there = there.map_or("is missing".to_owned(), |there| format!("has {there} bytes"));
                findings.violations.push(format!("blob {} of content {} ({size} bytes) {there}", blob.0, content.0));
            }
            known.push(blob.0);
        }
    }
    Ok(known)
}

/// Every blob is known, to a content or to the sweep that is about to remove it, or may be one that a server is writing;
/// returns how many there are. `known` is sorted.
async fn unknown_blobs(
    blobs: &Blobs,
    known: &[i64],
    may_be_written: &[(BlobId, BlobId)],
    findings: &mut Findings,
) -> Result<u64> {
    let (mut count, mut unknown) = (0, 0);
    let mut all = std::pin::pin!(blobs.list());
    while let Some((blob, _)) = all.try_next().await? {
        count += 1;
        let expected = known.binary_search(&blob.0).is_ok()
            || may_be_written.iter().any(|(first, last)| (*first..=*last).contains(&blob));
        if !expected && unknown < TOLD_MAX {
            unknown += 1;
            findings.violations.push(format!("blob {} belongs to no content", blob.0));
        }
    }
    Ok(count)
}

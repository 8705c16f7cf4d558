//! The contract of a blob store, run over every store we have.

use std::io;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;

use super::*;

const NO_LIMIT: u64 = u64::MAX;

/// Longest wait for a clean-up task; it takes milliseconds, a loaded machine may need more.
const CLEAN_UP: Duration = Duration::from_secs(10);

/// A body of `len` bytes that differ along the way, in chunks that never meet a part's end.
fn body(len: usize) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let chunk_bytes = 65_521;
    stream::iter((0..len).step_by(chunk_bytes).map(move |start| {
        let end = len.min(start + chunk_bytes);
        Ok((start..end).map(|at| ((at * 31) >> 3) as u8).collect())
    }))
}

async fn bytes_of(body: impl Stream<Item = io::Result<Bytes>>) -> Vec<u8> {
    body.map_ok(|chunk| chunk.to_vec()).try_concat().await.unwrap()
}

async fn read_all(blobs: &Blobs, id: i64, range: Option<Range<u64>>) -> Vec<u8> {
    let chunks = blobs.read(BlobId(id), range).await.unwrap();
    chunks.map_ok(|chunk| chunk.to_vec()).try_concat().await.unwrap()
}

/// Every object and, in a directory, every file: also those that the store hides.
async fn everything(blobs: &Blobs) -> Vec<String> {
    let mut names: Vec<String> =
        blobs.store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
    let mut dirs: Vec<_> = blobs.root.iter().map(|root| root.to_path_buf()).collect();
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => dirs.push(path),
                false if path.to_string_lossy().contains('#') => names.push(path.display().to_string()),
                false => {}
            }
        }
    }
    names
}

/// Waits until exactly `wanted` objects are left, staged ones included.
async fn settles_at(blobs: &Blobs, wanted: usize) {
    let settled = async {
        while everything(blobs).await.len() != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(CLEAN_UP, settled).await.is_err() {
        panic!("left behind: {:?}", everything(blobs).await);
    }
}

async fn keeps_what_it_is_given(blobs: &Blobs) {
    let sizes = [0, 1, HEAD_BYTES_MAX + 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 7];
    for (at, len) in sizes.into_iter().enumerate() {
        // Negative ids are legal and have keys of their own.
        let id = 3 - at as i64;
        let wanted = bytes_of(body(len)).await;
        let stored = blobs.put(BlobId(id), body(len), len as u64).await.unwrap();
        assert_eq!(stored.size, len as u64);
        assert_eq!(stored.digest, *blake3::hash(&wanted).as_bytes());
        assert_eq!(stored.head, &wanted[..len.min(HEAD_BYTES_MAX)]);
        assert!(read_all(blobs, id, None).await == wanted, "{len} bytes");
        assert_eq!(blobs.size(BlobId(id)).await.unwrap(), Some(len as u64));
        if len > 1000 {
            assert_eq!(read_all(blobs, id, Some(10..500)).await, &wanted[10..500]);
            let end = len as u64;
            assert_eq!(read_all(blobs, id, Some(end - 3..end)).await, &wanted[len - 3..]);
            // What is short is never taken for whole.
            for range in [end - 3..end + 9, 0..end + 1, end..end + 1] {
                let read = match blobs.read(BlobId(id), Some(range.clone())).await {
                    Ok(chunks) => chunks.try_collect::<Vec<_>>().await.map(drop),
                    Err(error) => Err(error),
                };
                assert!(matches!(read, Err(BlobError::Store(_))), "{range:?} of {len}: {read:?}");
            }
        }
        assert!(read_all(blobs, id, Some(0..0)).await.is_empty());
    }
    let mut listed: Vec<_> = blobs.list().try_collect().await.unwrap();
    listed.sort();
    let mut wanted: Vec<_> = (0..sizes.len()).map(|at| (BlobId(3 - at as i64), sizes[at] as u64)).collect();
    wanted.sort();
    assert_eq!(listed, wanted);
    for (id, _) in listed {
        blobs.delete(id).await.unwrap();
        blobs.delete(id).await.unwrap();
        assert_eq!(blobs.size(id).await.unwrap(), None);
    }
    settles_at(blobs, 0).await;
}

#[tokio::test]
async fn small_blobs_are_kept_in_memory_until_they_are_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let file = |id: i64| dir.path().join(BlobId(id).key());
    for (room_bytes, kept) in [(0, false), (1 << 20, true)] {
        let blobs = Blobs::local(dir.path()).unwrap().keeping(room_bytes);
        let wanted = bytes_of(body(1000)).await;
        blobs.put(BlobId(5), body(1000), NO_LIMIT).await.unwrap();
        assert_eq!(blobs.read_small(BlobId(5), 1000).await.unwrap(), wanted);
        // Behind the store's back, to see where the bytes come from.
        std::fs::remove_file(file(5)).unwrap();
        assert_eq!(blobs.read_small(BlobId(5), 1000).await.is_ok_and(|bytes| bytes == wanted), kept);
        blobs.delete(BlobId(5)).await.unwrap();
        let gone = blobs.read_small(BlobId(5), 1000).await;
        assert!(matches!(gone.err(), Some(BlobError::NotFound(_))));
        // One that is shorter than it should be is not taken for whole, now or later.
        blobs.put(BlobId(6), body(10), NO_LIMIT).await.unwrap();
        for _ in 0..2 {
            assert!(matches!(blobs.read_small(BlobId(6), 1000).await, Err(BlobError::Store(_))));
        }
        blobs.delete(BlobId(6)).await.unwrap();
    }
}

async fn misses_what_is_absent(blobs: &Blobs) {
    for range in [None, Some(0..4), Some(0..0)] {
        let missing = blobs.read(BlobId(99), range).await;
        assert!(matches!(missing.err(), Some(BlobError::NotFound(_))));
    }
    assert_eq!(blobs.size(BlobId(99)).await.unwrap(), None);
}

async fn never_overwrites(blobs: &Blobs) {
    blobs.put(BlobId(7), body(10), NO_LIMIT).await.unwrap();
    for len in [20, PART_BYTES + 20] {
        let again = blobs.put(BlobId(7), body(len), NO_LIMIT).await;
        assert!(matches!(again, Err(PutError::Blob(BlobError::Exists(_)))));
        settles_at(blobs, 1).await;
        assert_eq!(read_all(blobs, 7, None).await, bytes_of(body(10)).await);
    }
    blobs.delete(BlobId(7)).await.unwrap();
    // Two writers of one id: exactly one wins, and what is stored is what the winner was told.
    let (one, other) = tokio::join!(
        blobs.put(BlobId(7), body(PART_BYTES + 1), NO_LIMIT),
        blobs.put(BlobId(7), body(PART_BYTES + 2), NO_LIMIT),
    );
    assert!(one.is_ok() != other.is_ok());
    let winner = one.or(other).unwrap();
    assert_eq!(blake3::hash(&read_all(blobs, 7, None).await), winner.digest);
    blobs.delete(BlobId(7)).await.unwrap();
    settles_at(blobs, 0).await;
}

async fn leaves_nothing_behind(blobs: &Blobs) {
    for len in [1000, PART_BYTES * 2] {
        let limit_bytes = len as u64 - 1;
        let long = blobs.put(BlobId(8), body(len), limit_bytes).await;
        assert!(matches!(long, Err(PutError::TooLarge { limit_bytes: told }) if told == limit_bytes));
        settles_at(blobs, 0).await;

        let broken = body(len).chain(stream::iter([Err(io::Error::other("gone"))]));
        let broken = blobs.put(BlobId(8), broken, NO_LIMIT).await;
        assert!(matches!(broken, Err(PutError::Body(error)) if error.to_string() == "gone"));
        settles_at(blobs, 0).await;

        // A client that stops sending, and is given up.
        let stalled = body(len).chain(stream::pending());
        let stalled = blobs.put(BlobId(8), stalled, NO_LIMIT);
        let given_up = tokio::time::timeout(Duration::from_millis(100), stalled).await;
        assert!(given_up.is_err());
        settles_at(blobs, 0).await;
    }
}

/// Drops a put at each of its first suspension points, which include those within the publication.
async fn can_be_dropped_anywhere(blobs: &Blobs) {
    for len in [1000, PART_BYTES + 1000] {
        for polls in 0..12 {
            let mut put = Box::pin(blobs.put(BlobId(9), body(len), NO_LIMIT));
            let mut done = false;
            for _ in 0..polls {
                done = done || futures_util::poll!(put.as_mut()).is_ready();
                if !done {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            drop(put);
            if done {
                blobs.delete(BlobId(9)).await.unwrap();
            }
            while blobs.is_being_written(BlobId(9)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(blobs.size(BlobId(9)).await.unwrap(), None, "nothing comes after that");
            settles_at(blobs, 0).await;
        }
    }
}

async fn provisional_blobs_go_unless_kept(blobs: &Blobs) {
    blobs.put(BlobId(5), body(9), NO_LIMIT).await.unwrap();
    drop(blobs.provisional(BlobId(5)));
    settles_at(blobs, 0).await;
    blobs.put(BlobId(6), body(9), NO_LIMIT).await.unwrap();
    assert_eq!(blobs.provisional(BlobId(6)).keep(), BlobId(6));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(blobs.size(BlobId(6)).await.unwrap(), Some(9));
    blobs.delete(BlobId(6)).await.unwrap();
}

async fn belongs_to_one_library(blobs: &Blobs) {
    blobs.claim("one").await.unwrap();
    blobs.claim("one").await.unwrap();
    let refused = blobs.claim("two").await.unwrap_err();
    assert!(matches!(&refused, BlobError::OtherLibrary { found, wanted } if found == "one" && wanted == "two"));
    assert!(refused.to_string().contains("\"one\""));
    assert_eq!(blobs.list().count().await, 0);
}

async fn conforms(blobs: &Blobs) {
    keeps_what_it_is_given(blobs).await;
    misses_what_is_absent(blobs).await;
    never_overwrites(blobs).await;
    leaves_nothing_behind(blobs).await;
    can_be_dropped_anywhere(blobs).await;
    provisional_blobs_go_unless_kept(blobs).await;
    belongs_to_one_library(blobs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_conforms() {
    let dir = tempfile::tempdir().unwrap();
    conforms(&Blobs::local(dir.path()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms() {
    conforms(&Blobs::memory()).await;
}

#[tokio::test]
async fn staged_objects_of_a_dead_process_are_swept() {
    let blobs = Blobs::memory();
    let staged = Path::from("staging/0000000000000001-0");
    blobs.store.put(&staged, "half".into()).await.unwrap();
    blobs.put(BlobId(1), body(3), NO_LIMIT).await.unwrap();
    let now = crate::model::time::Millis::now().system();
    assert_eq!(blobs.sweep_staged(sweep_cutoff(now)).await.unwrap(), 0);
    let later = now + Duration::from_secs(60);
    assert_eq!(blobs.sweep_staged(later).await.unwrap(), 1);
    assert_eq!(everything(&blobs).await, ["blobs/01/0000000000000001"]);
}

#[test]
fn keys_are_sharded_by_the_low_byte_and_read_back() {
    for (id, key) in [(0x1234, "blobs/34/0000000000001234"), (-1, "blobs/ff/ffffffffffffffff")] {
        assert_eq!(BlobId(id).path().as_ref(), key);
        assert_eq!(BlobId::from_path(&Path::from(key)), Some(BlobId(id)));
    }
    for foreign in ["blobs/35/0000000000001234", "blobs/34/1234", "blobs/34/x", "other"] {
        assert_eq!(BlobId::from_path(&Path::from(foreign)), None);
    }
}

/// Otherwise a new directory would be made in its place, and what is acknowledged would be gone with it.
#[tokio::test]
async fn a_directory_that_has_gone_takes_no_blobs() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, elsewhere) = (parent.path().join("blobs"), parent.path().join("elsewhere"));
    let blobs = Blobs::local(&dir).unwrap();
    blobs.claim("a library").await.unwrap();
    blobs.put(BlobId(1), body(10), NO_LIMIT).await.unwrap();
    std::fs::rename(&dir, &elsewhere).unwrap();
    let refused = blobs.put(BlobId(2), body(10), NO_LIMIT).await;
    assert!(matches!(refused, Err(PutError::Blob(BlobError::Gone))), "{refused:?}");
    assert!(!dir.exists(), "nothing is in the way of its return");
    std::fs::rename(&elsewhere, &dir).unwrap();
    blobs.put(BlobId(2), body(10), NO_LIMIT).await.unwrap();
    // In the middle of a body.
    let (from, to) = (dir.clone(), elsewhere.clone());
    let leaving =
        body(10).chain(stream::once(async move { std::fs::rename(from, to).map(|()| Bytes::from_static(b"end")) }));
    let refused = blobs.put(BlobId(3), leaving, NO_LIMIT).await;
    assert!(matches!(refused, Err(PutError::Blob(BlobError::Gone))), "{refused:?}");
    assert_eq!(blobs.size(BlobId(1)).await.unwrap(), None);
}

//! How a video or a recording plays. The input is the file.
//!
//! An answer makes sense in itself, does not depend on how much of the file is in hand at first, and stays within what
//! may be read, whatever follows the bytes.

#![no_main]

use std::io;

use bytes::Bytes;
use calotype::media::playback::{BLOCK_BYTES, BLOCKS_MAX, Playback, read};
use libfuzzer_sys::fuzz_target;

/// Of files of this type everything is looked for; of others, all but frames of MPEG audio.
const MIME: &str = "audio/mpeg";
/// As much as tells the family.
const HEAD_BYTES_MIN: usize = 8;

fuzz_target!(|data: &[u8]| {
    let file = Bytes::copy_from_slice(data);
    let size = file.len() as u64;
    let whole = read(MIME, size, file.clone(), &mut |_| Err(io::Error::other("all of it is in hand")));
    makes_sense(&whole, size);
    let head = file.slice(..file.len().min(HEAD_BYTES_MIN));
    let piecewise =
        read(MIME, size, head.clone(), &mut |range| Ok(file.slice(range.start as usize..range.end as usize)));
    assert_eq!(whole, piecewise, "it is the same file");
    // The same bytes again and again, as a file that is longer than any.
    let mut blocks = 0;
    let endless = read(MIME, u64::MAX, head, &mut |range| {
        assert!(range.end - range.start <= BLOCK_BYTES);
        blocks += 1;
        let from = (range.start % size.max(1)) as usize;
        Ok(file.slice(from..).into_iter().chain(file.clone()).take((range.end - range.start) as usize).collect())
    });
    makes_sense(&endless, u64::MAX);
    assert!(blocks <= BLOCKS_MAX, "{blocks}");
});

fn makes_sense(known: &Playback, size: u64) {
    assert!(known.pixels.is_none_or(|(width, height)| width > 0 && height > 0), "{known:?}");
    assert!(known.duration_s.is_none_or(|seconds| seconds > 0.0 && seconds.is_finite()), "{known:?}");
    let wire = known.wire(size);
    assert_eq!(wire.contains_key("duration"), known.duration_s.is_some(), "{wire:?}");
    assert_eq!(wire.contains_key("bitRate"), known.duration_s.is_some(), "{wire:?}");
    assert!(
        wire.values().all(|value| value.is_string() || value.as_f64().is_some_and(|number| number > 0.0)),
        "{wire:?}"
    );
}

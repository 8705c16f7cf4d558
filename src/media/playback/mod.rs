//! How long a video or a recording plays, and what it is made of: pixel size, duration, bit rate, codecs.
//!
//! 1. The first bytes tell the family: ISO media files (MP4, QuickTime, M4A, 3GP), Matroska (with WebM), or audio. Of
//!    other containers, such as AVI and MPEG streams, nothing is told.
//! 2. `mp4.rs` and `matroska.rs` walk the index, from element to element, and step over everything else; the index of
//!    an MP4 may be at its end. `audio.rs` and `ogg.rs` read headers.
//! 3. All of them see the file through a `Window`, which brings blocks of it as they are asked for and ends the
//!    reading when its budget is spent.
//!
//! No bytes make it panic, and memory and time are bounded by the window, not by what a file says about itself: nothing
//! is allocated by a declared size, nesting is as deep as the code, not as the file, and no table of samples is kept:
//! only those of fragments are gone through, within the budget. That is why this is not left to libraries: those of a
//! licence that fits believe sizes, recurse as deep as the file says, read all tables, or overflow. What cannot be read
//! is left open; a broken file is no error.

mod audio;
mod matroska;
mod mp4;
mod ogg;
#[cfg(test)]
mod tests;
mod window;

use bytes::Bytes;
use serde_json::{Map, Number, Value};

pub use window::{BLOCK_BYTES, BLOCKS_MAX};

use window::{Fetch, Window};

/// A longer duration is damage or a joke: a hundred years, in seconds.
const DURATION_S_MAX: f64 = 100.0 * 366.0 * 86_400.0;

/// What is known of a video or a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Playback {
    /// Width and height of the first video track in stored pixels, neither of them 0; a rotation is not applied.
    pub pixels: Option<(u32, u32)>,
    /// Seconds, to the millisecond, more than 0.
    pub duration_s: Option<f64>,
    /// The codec of the first video track by the name that FFmpeg gives it.
    pub video_codec: Option<&'static str>,
    /// The codec of the first audio track, likewise.
    pub audio_codec: Option<&'static str>,
}

impl Playback {
    /// The members that the API contract's file objects have for it (`bitRate` in kbit/s, `duration` in s, to the
    /// millisecond, `videoCodec`, `audioCodec`), as far as they are known, for a file of `size` bytes. The bit rate is that of
    /// the whole file.
    #[must_use]
    pub fn wire(&self, size: u64) -> Map<String, Value> {
        let mut object = Map::new();
        if let Some(duration) = self.duration_s.and_then(Number::from_f64) {
            if let Some(rate) = self.kilobits_per_s(size) {
                object.insert("bitRate".into(), rate.into());
            }
            object.insert("duration".into(), duration.into());
        }
        for (name, codec) in [("videoCodec", self.video_codec), ("audioCodec", self.audio_codec)] {
            object.extend(codec.map(|codec| (name.to_owned(), codec.into())));
        }
        object
    }

    fn kilobits_per_s(&self, size: u64) -> Option<u64> {
        // Any loss is far below what is rounded away.
        let rate = size as f64 * 8.0 / self.duration_s? / 1000.0;
        Some(rate.round().max(1.0) as u64)
    }
}

/// Whether [`read`] could know anything about a file of this MIME type.
#[must_use]
pub fn is_played(mime: &str) -> bool {
    mime.starts_with("video/") || mime.starts_with("audio/")
}

/// Reads what is known of a file of this MIME type, as [`probe`](super::probe) tells it, and of `size` bytes that
/// begins with `head`. `fetch` brings a range of it, at most [`BLOCK_BYTES`], and is asked at most [`BLOCKS_MAX`]
/// times; when it fails, what was found so far is the answer.
pub fn read<'a>(mime: &str, size: u64, head: Bytes, fetch: &'a mut Fetch<'a>) -> Playback {
    let mut known = Playback::default();
    let family = family_of(&head);
    let mut window = Window::new(size, head, fetch);
    // An error ends the reading, nothing more: damage, the end of the file or of the budget.
    let _ended = match family {
        Family::IsoMedia => mp4::read(&mut window, &mut known),
        Family::Matroska => matroska::read(&mut window, &mut known),
        Family::Other => audio::read(&mut window, mime, &mut known),
    };
    known.pixels = known.pixels.filter(|(width, height)| *width > 0 && *height > 0);
    known.duration_s = known
        .duration_s
        .map(|seconds| (seconds * 1000.0).round() / 1000.0)
        .filter(|seconds| *seconds > 0.0 && *seconds <= DURATION_S_MAX);
    known
}

enum Family {
    IsoMedia,
    Matroska,
    Other,
}

fn family_of(head: &[u8]) -> Family {
    match (head.get(..4), head.get(4..8)) {
        // QuickTime files need not begin with their type.
        (_, Some(b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot")) => Family::IsoMedia,
        (Some(b"\x1a\x45\xdf\xa3"), _) => Family::Matroska,
        _ => Family::Other,
    }
}

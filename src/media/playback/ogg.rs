//! Ogg (RFC 3533): the first pages introduce a stream each, and the last page of a stream tells how far it goes.

use std::io;

use super::Playback;
use super::audio::ratio;
use super::window::Window;

/// Streams that are looked at.
const STREAMS_MAX: u32 = 8;
/// How much of the end is looked at for the last page, in bytes: no page is longer.
const END_BYTES: usize = 65_536;
/// What Opus counts in, whatever it was made from (RFC 7845).
const OPUS_SAMPLES_PER_S: f64 = 48_000.0;

/// A stream of sound: how its last position is turned into seconds.
struct Sound {
    serial: [u8; 4],
    samples_per_s: f64,
    /// Samples at the beginning that are not played.
    skipped: f64,
}

/// Fills in what the file tells, whose first page is at `at`.
pub fn read(file: &mut Window<'_>, mut at: u64, known: &mut Playback) -> io::Result<()> {
    let mut sound = None;
    for _ in 0..STREAMS_MAX {
        let header = file.array::<27>(at)?;
        // The flag of a stream's first page.
        if !header.starts_with(b"OggS") || header[5] & 2 == 0 {
            break;
        }
        let lengths = file.bytes(at + 27, header[26].into())?;
        let begin = at + 27 + lengths.len() as u64;
        let serial = [header[14], header[15], header[16], header[17]];
        let found = introduced(file, begin, serial, known)?;
        sound = sound.or(found);
        at = begin + lengths.iter().map(|length| u64::from(*length)).sum::<u64>();
    }
    let Some(sound) = sound else { return Ok(()) };
    let end = file.bytes(file.size().saturating_sub(END_BYTES as u64), END_BYTES)?;
    let last = end.windows(18).rev().find(|page| page.starts_with(b"OggS") && page[14..] == sound.serial);
    if let Some([.., a, b, c, d, e, f, g, h, _, _, _, _]) = last {
        // All ones: no packet ends on this page.
        let position = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
        if position != u64::MAX {
            known.duration_s = ratio(position as f64 - sound.skipped, sound.samples_per_s);
        }
    }
    Ok(())
}

/// What the first packet of a stream, at `at`, tells.
fn introduced(file: &mut Window<'_>, at: u64, serial: [u8; 4], known: &mut Playback) -> io::Result<Option<Sound>> {
    let (codec, samples_per_s, skipped) = match &file.array::<8>(at)? {
        b"OpusHead" => {
            let skipped = u16::from_le_bytes(file.array(at + 10)?);
            ("opus", OPUS_SAMPLES_PER_S, f64::from(skipped))
        }
        [1, b'v', b'o', b'r', b'b', b'i', b's', _] => {
            ("vorbis", f64::from(u32::from_le_bytes(file.array(at + 12)?)), 0.0)
        }
        b"Speex   " => ("speex", f64::from(u32::from_le_bytes(file.array(at + 36)?)), 0.0),
        [0x7f, b'F', b'L', b'A', b'C', ..] => {
            // The same block as at the beginning of a FLAC file, behind its mark.
            let facts = u64::from_be_bytes(file.array(at + 9 + 18)?);
            ("flac", (facts >> 44) as f64, 0.0)
        }
        [0x80, b't', b'h', b'e', b'o', b'r', b'a', _] => {
            let [a, b, c, d, e, f] = file.array(at + 14)?;
            if known.video_codec.is_none() {
                known.pixels = Some((u32::from_be_bytes([0, a, b, c]), u32::from_be_bytes([0, d, e, f])));
                known.video_codec = Some("theora");
            }
            return Ok(None);
        }
        _ => return Ok(None),
    };
    if known.audio_codec.is_none() {
        known.audio_codec = Some(codec);
    }
    Ok(Some(Sound { serial, samples_per_s, skipped }))
}

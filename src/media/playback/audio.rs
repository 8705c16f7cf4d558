//! Files of sound alone, each by its header: FLAC (RFC 9639), WAV, AIFF, and MPEG audio (ISO/IEC 11172-3, 13818-3),
//! which has none and is told by its first frame. What a frame is known by is so short that it is in files of any kind,
//! videos with such sound above all: frames are looked for only in what its MIME type calls MPEG audio or AAC.

use std::io;
use std::ops::Range;

use super::Playback;
use super::ogg;
use super::window::Window;

/// Tags in front of the sound; more of them are damage.
const TAGS_MAX: u32 = 8;
/// How far behind the tags the first frame is looked for, in bytes.
const JUNK_BYTES_MAX: usize = 64 * 1024;
/// Places of a recording at which it is looked whether its bit rate is the same.
const PLACES: u64 = 8;
/// How far a frame is looked for there, in bytes: the longest is a third of it.
const NEAR_BYTES: usize = 8 * 1024;
/// And how many frames are looked at.
const FOLLOWERS_MAX: u32 = 40;
/// At the end of many an MP3.
const ID3V1_BYTES: u64 = 128;

/// Fills in what the file tells, which is of this MIME type.
pub fn read(file: &mut Window<'_>, mime: &str, known: &mut Playback) -> io::Result<()> {
    let at = behind_tags(file)?;
    match &file.array::<12>(at)? {
        [b'f', b'L', b'a', b'C', ..] => read_flac(file, at, known),
        [b'O', b'g', b'g', b'S', ..] => ogg::read(file, at, known),
        [b'R', b'I', b'F', b'F', .., b'W', b'A', b'V', b'E'] => read_wav(file, at + 12, known),
        [b'F', b'O', b'R', b'M', .., b'A', b'I', b'F', b'F' | b'C'] => read_aiff(file, at + 12, known),
        // AAC in frames of its own, which have the same mark and no layer. Behind a tag it passes for MPEG audio. Its
        // duration is in no place but all of them.
        [0xff, second, ..] if second & 0xf6 == 0xf0 && matches!(mime, "audio/aac" | "audio/mpeg") => {
            known.audio_codec = Some("aac");
            Ok(())
        }
        _ if mime == "audio/mpeg" => read_mpeg(file, at, known),
        _ => Ok(()),
    }
}

/// Where the sound begins, behind ID3v2 tags.
fn behind_tags(file: &mut Window<'_>) -> io::Result<u64> {
    let mut at = 0;
    for _ in 0..TAGS_MAX {
        let [b'I', b'D', b'3', _, _, flags, size @ ..] = file.array::<10>(at)? else { break };
        let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
        at += 10 + size + if flags & 0x10 != 0 { 10 } else { 0 };
    }
    Ok(at)
}

fn read_flac(file: &mut Window<'_>, at: u64, known: &mut Playback) -> io::Result<()> {
    known.audio_codec = Some("flac");
    // Of the first block, behind its header and the sizes of blocks and frames: 20 bits for the rate, 3 for channels, 5
    // for bits, 36 for samples.
    let facts = u64::from_be_bytes(file.array(at + 18)?);
    known.duration_s = ratio((facts & 0xf_ffff_ffff) as f64, (facts >> 44) as f64);
    Ok(())
}

fn read_wav(file: &mut Window<'_>, mut at: u64, known: &mut Playback) -> io::Result<()> {
    let (mut bytes_per_s, mut samples_per_s, mut samples) = (0, 0, None);
    loop {
        let [kind @ .., a, b, c, d] = file.array::<8>(at)?;
        let size = u64::from(u32::from_le_bytes([a, b, c, d]));
        match &kind {
            b"fmt " => {
                let [tag, more, .., bits, more_bits] = file.array::<16>(at + 8)?;
                samples_per_s = u32::from_le_bytes(file.array(at + 12)?);
                bytes_per_s = u32::from_le_bytes(file.array(at + 16)?);
                let mut tag = u16::from_le_bytes([tag, more]);
                if tag == 0xfffe {
                    // The format is at the beginning of what extends this.
                    tag = u16::from_le_bytes(file.array(at + 32)?);
                }
                known.audio_codec = wav_codec(tag, u16::from_le_bytes([bits, more_bits]));
                // Of compressed sound the rate of bytes is an average that writers guess.
                if !matches!(tag, 1 | 3 | 6 | 7) {
                    bytes_per_s = 0;
                }
            }
            b"fact" => samples = Some(u32::from_le_bytes(file.array(at + 8)?)),
            b"data" => {
                // What was written into a pipe has no true size.
                let bytes = size.min(file.size().saturating_sub(at + 8));
                known.duration_s = match samples.filter(|_| bytes_per_s == 0) {
                    Some(samples) => ratio(samples.into(), samples_per_s.into()),
                    None => ratio(bytes as f64, bytes_per_s.into()),
                };
                return Ok(());
            }
            _ => {}
        }
        at += 8 + size + size % 2;
    }
}

fn wav_codec(tag: u16, bits: u16) -> Option<&'static str> {
    Some(match (tag, bits) {
        (1, 8) => "pcm_u8",
        (1, 16) => "pcm_s16le",
        (1, 24) => "pcm_s24le",
        (1, 32) => "pcm_s32le",
        (3, 32) => "pcm_f32le",
        (3, 64) => "pcm_f64le",
        (6, _) => "pcm_alaw",
        (7, _) => "pcm_mulaw",
        (0x55, _) => "mp3",
        _ => return None,
    })
}

fn read_aiff(file: &mut Window<'_>, mut at: u64, known: &mut Playback) -> io::Result<()> {
    let is_plain = file.array::<1>(at - 1)? == *b"F";
    loop {
        let [kind @ .., a, b, c, d] = file.array::<8>(at)?;
        let size = u64::from(u32::from_be_bytes([a, b, c, d]));
        if kind == *b"COMM" {
            let [_, _, a, b, c, d, bits, more_bits] = file.array::<8>(at + 8)?;
            let kind = if is_plain { *b"NONE" } else { file.array(at + 26)? };
            known.audio_codec = match (&kind, u16::from_be_bytes([bits, more_bits])) {
                (b"NONE", 8) => Some("pcm_s8"),
                (b"NONE", 16) => Some("pcm_s16be"),
                (b"NONE", 24) => Some("pcm_s24be"),
                (b"NONE", 32) => Some("pcm_s32be"),
                (b"sowt", 16) => Some("pcm_s16le"),
                _ => None,
            };
            // Others are compressed, and count packets.
            let counts_samples = matches!(
                &kind,
                b"NONE"
                    | b"sowt"
                    | b"twos"
                    | b"raw "
                    | b"in24"
                    | b"in32"
                    | b"fl32"
                    | b"FL32"
                    | b"fl64"
                    | b"FL64"
                    | b"alaw"
                    | b"ulaw"
            );
            if counts_samples {
                known.duration_s = ratio(u32::from_be_bytes([a, b, c, d]).into(), extended(file.array(at + 16)?));
            }
            return Ok(());
        }
        at += 8 + size + size % 2;
    }
}

/// An 80-bit number of IEEE 754, not negative.
fn extended([a, b, mantissa @ ..]: [u8; 10]) -> f64 {
    let exponent = i32::from(u16::from_be_bytes([a, b]) & 0x7fff) - 16_383 - 63;
    u64::from_be_bytes(mantissa) as f64 * 2_f64.powi(exponent)
}

/// A frame of MPEG audio, as its header tells.
#[derive(Clone, Copy)]
struct Frame {
    layer: u8,
    /// 1, or 2 with its extension to lower rates.
    version: u8,
    samples: u32,
    samples_per_s: u32,
    bits_per_s: u32,
    bytes: u64,
    /// Behind the header, where the side information ends: a first frame without sound has a table of contents there.
    side_bytes: u64,
}

impl Frame {
    fn of(header: [u8; 4]) -> Option<Frame> {
        const KILOBITS: [[u32; 15]; 5] = [
            [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
            [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
            [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
            [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        ];
        let [0xff, b, c, d] = header else { return None };
        let layer = 4 - (b >> 1 & 3);
        let (version, halvings) = match b >> 3 {
            0b11111 => (1, 0),
            0b11110 => (2, 1),
            0b11100 => (2, 2),
            _ => return None,
        };
        let samples_per_s = [44_100, 48_000, 32_000].get(usize::from(c >> 2 & 3))? >> halvings;
        let row = match (version, layer) {
            (1, layer @ 1..=3) => layer - 1,
            (2, 1) => 3,
            (2, 2 | 3) => 4,
            _ => return None,
        };
        let bits_per_s = 1000 * KILOBITS[usize::from(row)].get(usize::from(c >> 4)).filter(|rate| **rate > 0)?;
        let samples = match (version, layer) {
            (_, 1) => 384,
            (2, 3) => 576,
            _ => 1152,
        };
        // A frame is so many slots, of one byte each; in layer I, of four.
        let slot_bytes = if layer == 1 { 4 } else { 1 };
        let slots = samples / 8 / slot_bytes * bits_per_s / samples_per_s + u32::from(c >> 1 & 1);
        let is_mono = d >> 6 == 3;
        let side_bytes = match (version, is_mono) {
            (1, false) => 32,
            (1, true) | (_, false) => 17,
            (_, true) => 9,
        };
        let bytes = u64::from(slots * slot_bytes);
        Some(Frame { layer, version, samples, samples_per_s, bits_per_s, bytes, side_bytes })
    }

    fn goes_on_with(&self, next: Frame) -> bool {
        (self.layer, self.version, self.samples_per_s) == (next.layer, next.version, next.samples_per_s)
    }
}

fn read_mpeg(file: &mut Window<'_>, begin: u64, known: &mut Playback) -> io::Result<()> {
    let has_tag = file.size() > ID3V1_BYTES && file.array(file.size() - ID3V1_BYTES)? == *b"TAG";
    let end = if has_tag { file.size() - ID3V1_BYTES } else { file.size() };
    let junk = file.bytes(begin, JUNK_BYTES_MAX)?;
    for (offset, header) in (0..).zip(junk.windows(4)) {
        let header = [header[0], header[1], header[2], header[3]];
        let at = begin + offset;
        let Some(frame) = Frame::of(header) else { continue };
        // In junk, two that fit may be chance.
        let is_sound = if offset == 0 {
            at + frame.bytes >= end || follower(file, at, frame).is_some()
        } else {
            follower(file, at, frame).is_some_and(|next| follower(file, at + frame.bytes, next).is_some())
        };
        if is_sound {
            known.audio_codec = Some(["mp1", "mp2", "mp3"][usize::from(frame.layer) - 1]);
            known.duration_s = mpeg_duration_s(file, at..end, frame)?;
            return Ok(());
        }
    }
    Ok(())
}

/// The frame behind the one at `at`, if it is of the same sound.
fn follower(file: &mut Window<'_>, at: u64, frame: Frame) -> Option<Frame> {
    let next = file.array(at + frame.bytes).ok().and_then(Frame::of)?;
    frame.goes_on_with(next).then_some(next)
}

/// By the number of frames, if the first one tells it; else by the bit rate, if it does not change.
fn mpeg_duration_s(file: &mut Window<'_>, sound: Range<u64>, frame: Frame) -> io::Result<Option<f64>> {
    let at = sound.start;
    let contents = at + 4 + frame.side_bytes;
    let frames = match &file.array::<8>(contents).unwrap_or_default() {
        [b'X', b'i', b'n', b'g', .., flags] | [b'I', b'n', b'f', b'o', .., flags] if flags & 1 != 0 => {
            u32::from_be_bytes(file.array(contents + 8)?)
        }
        _ if file.array(at + 36).ok() == Some(*b"VBRI") => u32::from_be_bytes(file.array(at + 50)?),
        _ => 0,
    };
    if frames > 0 {
        return Ok(ratio(f64::from(frames) * f64::from(frame.samples), frame.samples_per_s.into()));
    }
    if !is_constant(file, &sound, frame)? {
        return Ok(None);
    }
    Ok(ratio(sound.end.saturating_sub(at) as f64 * 8.0, frame.bits_per_s.into()))
}

/// Whether frames here and there have the bit rate of the first one.
fn is_constant(file: &mut Window<'_>, sound: &Range<u64>, first: Frame) -> io::Result<bool> {
    let length = sound.end.saturating_sub(sound.start);
    for place in 0..PLACES {
        let begin = sound.start + length / PLACES * place;
        let near = file.bytes(begin, NEAR_BYTES)?;
        for (offset, header) in (0..).zip(near.windows(4)) {
            let Some(mut frame) = Frame::of([header[0], header[1], header[2], header[3]]) else { continue };
            let mut at = begin + offset;
            let mut followers = 0;
            let mut is_same = frame.bits_per_s == first.bits_per_s;
            while followers < FOLLOWERS_MAX
                && at + frame.bytes < sound.end
                && let Some(next) = follower(file, at, frame)
            {
                at += frame.bytes;
                (frame, followers) = (next, followers + 1);
                is_same &= frame.bits_per_s == first.bits_per_s;
            }
            // Fewer may be chance.
            if followers >= 2 && first.goes_on_with(frame) {
                if !is_same {
                    return Ok(false);
                }
                break;
            }
        }
    }
    Ok(true)
}

/// How many seconds so many pieces take; no number is no answer.
pub fn ratio(pieces: f64, pieces_per_s: f64) -> Option<f64> {
    Some(pieces / pieces_per_s).filter(|seconds| seconds.is_finite())
}

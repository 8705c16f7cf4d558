//! Matroska and WebM (RFC 9559): elements in elements (EBML, RFC 8794), each with its id and size. What is wanted is in
//! `Info` and `Tracks`, which stand before the first cluster of frames, so that a file can be played while it comes.

use std::io;
use std::ops::Range;

use super::Playback;
use super::window::Window;

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_TYPE: u32 = 0x83;
const CODEC_ID: u32 = 0x86;
const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;

/// Types of tracks.
const IS_VIDEO: u64 = 1;
const IS_AUDIO: u64 = 2;

/// Nanoseconds in a unit of time, unless the file tells.
const DEFAULT_SCALE_NS: u64 = 1_000_000;
/// Longest codec id that is looked at, in bytes.
const CODEC_ID_BYTES_MAX: usize = 64;

/// An element: its id, with the bits that tell its length, and where its content is.
struct Element {
    id: u32,
    content: Range<u64>,
}

/// Fills in what the file tells.
pub fn read(file: &mut Window<'_>, known: &mut Playback) -> io::Result<()> {
    let mut rest = 0..file.size();
    while let Some(found) = next(file, &mut rest)? {
        match found.id {
            // Gone through in this loop: nothing of interest is behind it.
            SEGMENT => rest = found.content,
            INFO => known.duration_s = duration_s(file, found.content)?,
            TRACKS => read_tracks(file, found.content, known)?,
            CLUSTER => break,
            _ => {}
        }
    }
    Ok(())
}

/// The element at the beginning of `rest`, which then begins behind it; none where what is there is no element.
fn next(file: &mut Window<'_>, rest: &mut Range<u64>) -> io::Result<Option<Element>> {
    if rest.is_empty() {
        return Ok(None);
    }
    let [first] = file.array(rest.start)?;
    let id_bytes = u64::from(first.leading_zeros()) + 1;
    if id_bytes > 4 {
        return Ok(None);
    }
    let id = unsigned(file, rest.start, id_bytes)? as u32;
    let at = rest.start + id_bytes;
    let [first] = file.array(at)?;
    let size_bytes = u64::from(first.leading_zeros()) + 1;
    if size_bytes > 8 {
        return Ok(None);
    }
    let bits = (1_u64 << (7 * size_bytes)) - 1;
    let size = unsigned(file, at, size_bytes)? & bits;
    let begin = at + size_bytes;
    // All ones: not known when it was written, as in what is recorded live. It goes on until something else begins.
    let end = if size == bits { rest.end } else { begin.saturating_add(size).min(rest.end) };
    if begin > end {
        return Ok(None);
    }
    rest.start = end;
    Ok(Some(Element { id, content: begin..end }))
}

/// The number in so many bytes, at most 8; 0 for none, and for more.
fn unsigned(file: &mut Window<'_>, at: u64, bytes: u64) -> io::Result<u64> {
    let mut number = 0;
    for at in at..at + if bytes > 8 { 0 } else { bytes } {
        number = number << 8 | u64::from(file.array::<1>(at)?[0]);
    }
    Ok(number)
}

fn number(file: &mut Window<'_>, content: &Range<u64>) -> io::Result<u64> {
    unsigned(file, content.start, content.end - content.start)
}

fn duration_s(file: &mut Window<'_>, mut rest: Range<u64>) -> io::Result<Option<f64>> {
    let (mut scale_ns, mut duration) = (DEFAULT_SCALE_NS, None);
    while let Some(found) = next(file, &mut rest)? {
        match (found.id, found.content.end - found.content.start) {
            (TIMESTAMP_SCALE, _) => scale_ns = number(file, &found.content)?,
            (DURATION, 4) => duration = Some(f32::from_be_bytes(file.array(found.content.start)?).into()),
            (DURATION, 8) => duration = Some(f64::from_be_bytes(file.array(found.content.start)?)),
            _ => {}
        }
    }
    Ok(duration.map(|duration: f64| duration * scale_ns as f64 / 1e9))
}

/// Pixels and codecs, by the first track of each kind.
fn read_tracks(file: &mut Window<'_>, mut rest: Range<u64>, known: &mut Playback) -> io::Result<()> {
    let (mut video, mut audio) = (false, false);
    while let Some(found) = next(file, &mut rest)? {
        if found.id != TRACK_ENTRY {
            continue;
        }
        let track = Track::read(file, found.content)?;
        match track.kind {
            IS_VIDEO if !video => {
                video = true;
                known.pixels = u32::try_from(track.width).ok().zip(u32::try_from(track.height).ok());
                known.video_codec = track.codec();
            }
            IS_AUDIO if !audio => {
                audio = true;
                known.audio_codec = track.codec();
            }
            _ => {}
        }
    }
    Ok(())
}

#[derive(Default)]
struct Track {
    kind: u64,
    codec_id: Vec<u8>,
    width: u64,
    height: u64,
}

impl Track {
    fn read(file: &mut Window<'_>, mut rest: Range<u64>) -> io::Result<Track> {
        let mut track = Track::default();
        while let Some(found) = next(file, &mut rest)? {
            match found.id {
                TRACK_TYPE => track.kind = number(file, &found.content)?,
                CODEC_ID => {
                    let bytes = usize::try_from(found.content.end - found.content.start).unwrap_or(usize::MAX);
                    track.codec_id = file.bytes(found.content.start, bytes.min(CODEC_ID_BYTES_MAX))?;
                }
                // Its elements are gone through in this loop, as if they were the track's.
                VIDEO => rest.start = found.content.start,
                PIXEL_WIDTH => track.width = number(file, &found.content)?,
                PIXEL_HEIGHT => track.height = number(file, &found.content)?,
                _ => {}
            }
        }
        Ok(track)
    }

    fn codec(&self) -> Option<&'static str> {
        // A string may be shorter than the room that is reserved for it.
        let id = self.codec_id.split(|byte| *byte == 0).next().and_then(|id| std::str::from_utf8(id).ok())?;
        Some(match id {
            "V_MPEG4/ISO/AVC" => "h264",
            "V_MPEGH/ISO/HEVC" => "hevc",
            "V_MPEGI/ISO/VVC" => "vvc",
            "V_AV1" => "av1",
            "V_VP8" => "vp8",
            "V_VP9" => "vp9",
            "V_MPEG4/ISO/SP" | "V_MPEG4/ISO/ASP" | "V_MPEG4/ISO/AP" => "mpeg4",
            "V_MPEG2" => "mpeg2video",
            "V_MPEG1" => "mpeg1video",
            "V_THEORA" => "theora",
            "V_MJPEG" => "mjpeg",
            "V_PRORES" => "prores",
            "V_FFV1" => "ffv1",
            "A_OPUS" => "opus",
            "A_VORBIS" => "vorbis",
            "A_FLAC" => "flac",
            "A_ALAC" => "alac",
            "A_MPEG/L3" => "mp3",
            "A_MPEG/L2" => "mp2",
            "A_MPEG/L1" => "mp1",
            "A_EAC3" => "eac3",
            "A_TRUEHD" => "truehd",
            // What follows tells a profile, or where the frames come from.
            id if id.starts_with("A_AAC") => "aac",
            id if id.starts_with("A_AC3") => "ac3",
            id if id.starts_with("A_DTS") => "dts",
            _ => return None,
        })
    }
}

//! ISO base media files (ISO/IEC 14496-12) and QuickTime, from which they come: boxes in boxes. What is wanted is in
//! `moov`, at the file's beginning or end. Of a file in fragments that does not tell its duration there, it is the sum
//! of what the `moof` boxes tell.

use std::io;
use std::ops::Range;

use super::Playback;
use super::window::Window;

/// More tracks are no recording; the first ones count.
const TRACKS_MAX: usize = 64;
/// How much of a sample description is looked at, in bytes; what is wanted is in its first hundred.
const DESCRIPTION_BYTES_MAX: usize = 1024;
/// Where a visual sample entry has its width and height, from the beginning of the description box's content.
const PIXELS_AT: usize = 8 + 32;

/// A box: its type, and where its content is.
struct Found {
    kind: [u8; 4],
    content: Range<u64>,
}

#[derive(Default)]
struct Movie {
    timescale: u32,
    /// In units of the timescale, as are all times here; 0 when the file does not tell.
    duration: u64,
    is_fragmented: bool,
    tracks: Vec<Track>,
    /// The durations that samples of fragments have if nothing else is said, by track.
    defaults: Vec<(u32, u32)>,
}

#[derive(Default)]
struct Track {
    id: u32,
    timescale: u32,
    /// Where it ends.
    end: u64,
    handler: [u8; 4],
    description: Vec<u8>,
}

/// Fills in what the file tells.
pub fn read(file: &mut Window<'_>, known: &mut Playback) -> io::Result<()> {
    let mut rest = 0..file.size();
    while let Some(found) = next(file, &mut rest)? {
        if found.kind == *b"moov" {
            let mut movie = Movie::default();
            let is_whole = movie.read(file, found.content);
            movie.tell_tracks(known);
            // This holds whatever is broken behind it.
            known.duration_s = movie.told_s();
            is_whole?;
            if movie.is_fragmented && movie.told_s().is_none() {
                movie.read_fragments(file, rest)?;
            }
            known.duration_s = movie.duration_s();
            break;
        }
    }
    Ok(())
}

/// The box at the beginning of `rest`, which then begins behind it; none where what is there is no box.
fn next(file: &mut Window<'_>, rest: &mut Range<u64>) -> io::Result<Option<Found>> {
    if rest.end.saturating_sub(rest.start) < 8 {
        return Ok(None);
    }
    let [a, b, c, d, kind @ ..] = file.array::<8>(rest.start)?;
    let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (8, rest.end - rest.start),
        1 => (16, u64::from_be_bytes(file.array(rest.start + 8)?)),
        size => (8, size.into()),
    };
    let end = rest.start.saturating_add(size).min(rest.end);
    let begin = rest.start.saturating_add(header);
    if size < header || begin > end {
        return Ok(None);
    }
    rest.start = end;
    Ok(Some(Found { kind, content: begin..end }))
}

impl Movie {
    fn read(&mut self, file: &mut Window<'_>, mut rest: Range<u64>) -> io::Result<()> {
        while let Some(found) = next(file, &mut rest)? {
            match &found.kind {
                b"mvhd" => {
                    let (timescale, duration) = times(file, found.content.start)?;
                    self.timescale = timescale;
                    // That of a file in fragments tells of the part before them at most.
                    self.duration = if self.is_fragmented { self.duration } else { duration };
                }
                b"trak" if self.tracks.len() < TRACKS_MAX => {
                    let mut track = Track::default();
                    let is_whole = track.read(file, found.content);
                    self.tracks.push(track);
                    is_whole?;
                }
                b"mvex" => {
                    (self.is_fragmented, self.duration) = (true, 0);
                    self.duration = self.read_extension(file, found.content)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What is said of the fragments: the duration with them, or 0.
    fn read_extension(&mut self, file: &mut Window<'_>, mut rest: Range<u64>) -> io::Result<u64> {
        let mut duration = 0;
        while let Some(found) = next(file, &mut rest)? {
            let at = found.content.start;
            match &found.kind {
                b"mehd" if file.array::<1>(at)? == [1] => duration = u64::from_be_bytes(file.array(at + 4)?),
                b"mehd" => duration = u32::from_be_bytes(file.array(at + 4)?).into(),
                b"trex" if self.defaults.len() < TRACKS_MAX => {
                    let track = u32::from_be_bytes(file.array(at + 4)?);
                    self.defaults.push((track, u32::from_be_bytes(file.array(at + 12)?)));
                }
                _ => {}
            }
        }
        Ok(duration)
    }

    /// All fragments, or an error: the sum of some is not the duration.
    fn read_fragments(&mut self, file: &mut Window<'_>, mut rest: Range<u64>) -> io::Result<()> {
        while let Some(mut fragment) = next(file, &mut rest)? {
            while fragment.kind == *b"moof"
                && let Some(part) = next(file, &mut fragment.content)?
            {
                if part.kind == *b"traf" {
                    self.read_part(file, part.content)?;
                }
            }
        }
        Ok(())
    }

    /// What a fragment has of one track.
    fn read_part(&mut self, file: &mut Window<'_>, mut rest: Range<u64>) -> io::Result<()> {
        let (mut id, mut default) = (0, 0);
        while let Some(found) = next(file, &mut rest)? {
            let at = found.content.start;
            if found.kind == *b"tfhd" {
                let flags = u32::from_be_bytes(file.array(at)?);
                id = u32::from_be_bytes(file.array(at + 4)?);
                let told = self.defaults.iter().find(|(track, _)| *track == id);
                default = told.map_or(0, |(_, duration)| *duration);
                if flags & 0x8 != 0 {
                    let before = if flags & 0x1 != 0 { 8 } else { 0 } + if flags & 0x2 != 0 { 4 } else { 0 };
                    default = u32::from_be_bytes(file.array(at + 8 + before)?);
                }
                continue;
            }
            let Some(track) = self.tracks.iter_mut().find(|track| track.id == id) else { continue };
            match &found.kind {
                b"tfdt" if file.array::<1>(at)? == [1] => track.end = u64::from_be_bytes(file.array(at + 4)?),
                b"tfdt" => track.end = u32::from_be_bytes(file.array(at + 4)?).into(),
                b"trun" => track.end = track.end.saturating_add(run(file, &found.content, default)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// Pixels and codecs, by the first track of each kind.
    fn tell_tracks(&self, known: &mut Playback) {
        let first = |handler: &[u8; 4]| self.tracks.iter().find(|track| track.handler == *handler);
        if let Some(video) = first(b"vide") {
            known.pixels = video.pixels();
            known.video_codec = video.codec();
        }
        known.audio_codec = first(b"soun").and_then(Track::codec);
    }

    /// As the movie's header or that of its fragments tells.
    fn told_s(&self) -> Option<f64> {
        seconds(self.duration, self.timescale)
    }

    /// By the longest track, where nothing is told.
    fn duration_s(&self) -> Option<f64> {
        let tracks = self.tracks.iter().filter_map(|track| seconds(track.end, track.timescale));
        self.told_s().or_else(|| tracks.reduce(f64::max))
    }
}

impl Track {
    fn read(&mut self, file: &mut Window<'_>, mut rest: Range<u64>) -> io::Result<()> {
        while let Some(found) = next(file, &mut rest)? {
            let at = found.content.start;
            match &found.kind {
                b"tkhd" => {
                    let before = if file.array::<1>(at)? == [1] { 16 } else { 8 };
                    self.id = u32::from_be_bytes(file.array(at + 4 + before)?);
                }
                b"mdhd" => (self.timescale, self.end) = times(file, at)?,
                // QuickTime has a second one, for where the data is.
                b"hdlr" if self.handler == [0; 4] => self.handler = file.array(at + 8)?,
                b"stsd" => self.description = description(file, &found.content)?,
                // One in the other, and none of them in itself: the file cannot nest deeper than its tracks.
                b"mdia" | b"minf" | b"stbl" => rest = found.content.start..rest.end,
                _ => {}
            }
        }
        Ok(())
    }

    fn pixels(&self) -> Option<(u32, u32)> {
        let [a, b, c, d] = *self.description.get(PIXELS_AT..)?.first_chunk()?;
        Some((u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]).into()))
    }

    /// By the first sample entry's type and, where that is not enough, the object type in its `esds` (ISO/IEC 14496-1).
    fn codec(&self) -> Option<&'static str> {
        let kind: &[u8; 4] = self.description.get(12..)?.first_chunk()?;
        Some(match kind {
            b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" => "h264",
            b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "hevc",
            b"vvc1" | b"vvi1" => "vvc",
            b"av01" => "av1",
            b"vp08" => "vp8",
            b"vp09" => "vp9",
            b"mp4v" => match self.object_type() {
                Some(0x60..=0x65) => "mpeg2video",
                Some(0x6a) => "mpeg1video",
                Some(0x6c) => "mjpeg",
                _ => "mpeg4",
            },
            b"s263" | b"h263" | b"H263" => "h263",
            b"jpeg" | b"mjpa" | b"MJPG" => "mjpeg",
            b"apcn" | b"apch" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "prores",
            b"mp4a" => match self.object_type() {
                Some(0x69 | 0x6b) => "mp3",
                Some(0xa5) => "ac3",
                Some(0xa6) => "eac3",
                Some(0xa9..=0xac) => "dts",
                Some(0xad) => "opus",
                Some(0xdd) => "vorbis",
                _ => "aac",
            },
            b".mp3" | b"ms\0\x55" => "mp3",
            b"ac-3" => "ac3",
            b"ec-3" => "eac3",
            b"Opus" => "opus",
            b"fLaC" => "flac",
            b"alac" => "alac",
            b"samr" => "amr_nb",
            b"sawb" => "amr_wb",
            b"sowt" => "pcm_s16le",
            b"twos" => "pcm_s16be",
            b"ulaw" => "pcm_mulaw",
            b"alaw" => "pcm_alaw",
            _ => return None,
        })
    }

    /// The object type of a decoder configuration. Its box is found by its name, because QuickTime has it elsewhere
    /// than MP4, one box deeper.
    fn object_type(&self) -> Option<u8> {
        let at = self.description.windows(4).position(|name| name == b"esds")?;
        let (tag, stream) = descriptor(self.description.get(at + 8..)?)?;
        // Behind the stream's id, flags say what else is there before the configuration.
        let flags = *stream.get(2)?;
        let mut before = 3 + if flags & 0x80 != 0 { 2 } else { 0 };
        if flags & 0x40 != 0 {
            before += 1 + usize::from(*stream.get(before)?);
        }
        before += if flags & 0x20 != 0 { 2 } else { 0 };
        let (inner_tag, configuration) = descriptor(stream.get(before..)?)?;
        if (tag, inner_tag) == (3, 4) { configuration.first().copied() } else { None }
    }
}

/// A descriptor's tag and what follows its length, which is one to four bytes long and does not matter here.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let length_bytes = 1 + rest.iter().take(3).take_while(|byte| **byte & 0x80 != 0).count();
    Some((*tag, rest.get(length_bytes..)?))
}

/// None where the duration or what it is counted in is not known.
fn seconds(duration: u64, timescale: u32) -> Option<f64> {
    (duration > 0 && timescale > 0).then(|| duration as f64 / f64::from(timescale))
}

/// The timescale and the duration of a movie's or a track's header; 0 for one that is not known.
fn times(file: &mut Window<'_>, at: u64) -> io::Result<(u32, u64)> {
    if file.array::<1>(at)? == [1] {
        let duration = u64::from_be_bytes(file.array(at + 24)?);
        return Ok((u32::from_be_bytes(file.array(at + 20)?), if duration == u64::MAX { 0 } else { duration }));
    }
    let duration = u32::from_be_bytes(file.array(at + 16)?);
    Ok((u32::from_be_bytes(file.array(at + 12)?), if duration == u32::MAX { 0 } else { duration.into() }))
}

fn description(file: &mut Window<'_>, content: &Range<u64>) -> io::Result<Vec<u8>> {
    let bytes = usize::try_from(content.end - content.start).unwrap_or(usize::MAX);
    file.bytes(content.start, bytes.min(DESCRIPTION_BYTES_MAX))
}

/// The durations of a run of samples, together.
fn run(file: &mut Window<'_>, content: &Range<u64>, default: u32) -> io::Result<u64> {
    let flags = u32::from_be_bytes(file.array(content.start)?);
    let samples = u32::from_be_bytes(file.array(content.start + 4)?);
    if flags & 0x100 == 0 {
        return Ok(u64::from(samples).saturating_mul(default.into()));
    }
    let words = |bits: u32| 4 * u64::from((flags & bits).count_ones());
    let (begin, step) = (content.start + 8 + words(0x5), words(0xf00));
    let ends = (0..u64::from(samples)).map(|sample| begin + sample * step).take_while(|at| at + step <= content.end);
    let mut sum: u64 = 0;
    for at in ends {
        sum = sum.saturating_add(u32::from_be_bytes(file.array(at)?).into());
    }
    Ok(sum)
}

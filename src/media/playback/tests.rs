//! Real files, hostile ones, and what a reading may cost.

use std::cell::Cell;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::media::probe;

/// Name, seconds, kbit/s, codec of the picture, codec of the sound.
type Expected = (&'static str, f64, u64, Option<&'static str>, Option<&'static str>);

/// What `ffprobe` tells of the files in `tests/fixtures/media`. Each that has a picture has one of 64 by 48 pixels.
const FILES: [Expected; 24] = [
    ("moov-last.mp4", 1.0, 33, Some("h264"), Some("aac")),
    ("moov-first.mp4", 1.0, 33, Some("h264"), Some("aac")),
    ("fragmented.mp4", 1.128, 30, Some("h264"), Some("aac")),
    ("quicktime.mov", 1.0, 33, Some("h264"), Some("aac")),
    ("hevc.mp4", 1.0, 29, Some("hevc"), None),
    ("av1.mp4", 1.0, 11, Some("av1"), None),
    ("mpeg4.3gp", 1.0, 9, Some("mpeg4"), None),
    ("vp9-opus.webm", 1.008, 26, Some("vp9"), Some("opus")),
    ("vp8-vorbis.webm", 1.032, 49, Some("vp8"), Some("vorbis")),
    ("h264-vorbis.mkv", 1.032, 42, Some("h264"), Some("vorbis")),
    ("tone.m4a", 1.0, 17, None, Some("aac")),
    ("alac.m4a", 1.0, 56, None, Some("alac")),
    ("tone.mp3", 1.152, 10, None, Some("mp3")),
    ("vbr.mp3", 1.152, 12, None, Some("mp3")),
    ("tone.mp2", 1.019, 32, None, Some("mp2")),
    // Their bytes do not tell how long they are.
    ("vbr-untold.mp3", 0.0, 0, None, Some("mp3")),
    ("ima4.aiff", 0.0, 0, None, None),
    ("tone.aac", 0.0, 0, None, Some("aac")),
    ("tone.flac", 1.0, 97, None, Some("flac")),
    ("vorbis.ogg", 1.0, 27, None, Some("vorbis")),
    // `ffprobe` counts what a player leaves out at the beginning: 1.0065.
    ("tone.opus", 1.0, 9, None, Some("opus")),
    ("tone.wav", 1.0, 65, None, Some("pcm_u8")),
    ("adpcm.wav", 1.021, 33, None, None),
    ("tone.aiff", 1.0, 128, None, Some("pcm_s16be")),
];

/// Files of which nothing is told, although there are frames of sound in them.
const FILES_NOT_READ: [&str; 4] = ["program.mpg", "transport.ts", "interleaved.avi", "flash.flv"];

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/media").join(name);
    std::fs::read(path).expect("a fixture")
}

/// Reads bytes of this name whose head is `head_bytes` long.
fn read_with_head(name: &str, bytes: &[u8], head_bytes: usize) -> Playback {
    let media = probe(bytes, bytes.len() as u64, name).into_media();
    let head = Bytes::copy_from_slice(&bytes[..head_bytes.min(bytes.len())]);
    read(&media.mime, bytes.len() as u64, head, &mut |range| {
        Ok(Bytes::copy_from_slice(&bytes[range.start as usize..range.end as usize]))
    })
}

fn makes_sense(known: &Playback) {
    assert!(known.pixels.is_none_or(|(width, height)| width > 0 && height > 0), "{known:?}");
    assert!(known.duration_s.is_none_or(|seconds| seconds > 0.0 && seconds <= DURATION_S_MAX), "{known:?}");
}

#[test]
fn files_are_what_ffprobe_says() {
    for (name, seconds, rate, video, audio) in FILES {
        let bytes = file(name);
        let known = read_with_head(name, &bytes, bytes.len());
        assert_eq!(known.duration_s.unwrap_or_default(), seconds, "{name}");
        assert_eq!(known.pixels, video.map(|_| (64, 48)), "{name}");
        assert_eq!((known.video_codec, known.audio_codec), (video, audio), "{name}");
        assert_eq!(
            known.wire(bytes.len() as u64).get("bitRate").map_or(0, |rate| rate.as_u64().unwrap()),
            rate,
            "{name}"
        );
        assert_eq!(read_with_head(name, &bytes, 12), known, "{name}, with the head alone in hand");
    }
}

#[test]
fn other_containers_tell_nothing_of_the_sound_in_them() {
    for name in FILES_NOT_READ {
        let bytes = file(name);
        assert_eq!(read_with_head(name, &bytes, bytes.len()), Playback::default(), "{name}");
    }
}

#[test]
fn noise_is_no_sound() {
    let mut random = StdRng::seed_from_u64(1851);
    for _ in 0..300 {
        let mut bytes = vec![0; random.random_range(2_000..60_000)];
        random.fill(&mut bytes[..]);
        for name in ["noise.mp3", "noise.aac", "noise.mpg"] {
            assert_eq!(read_with_head(name, &bytes, bytes.len()), Playback::default(), "{name}");
        }
    }
}

#[test]
fn sound_is_found_behind_tags_and_junk() {
    let tag = b"ID3\x04\0\0\0\0\0\x15TIT2\0\0\0\x0b\0\0\0what it is".as_slice();
    for name in ["tone.aac", "tone.flac", "tone.mp2", "tone.opus", "vorbis.ogg", "tone.wav"] {
        let bytes = file(name);
        let tagged = [tag, &bytes].concat();
        let known = read_with_head(name, &tagged, 12);
        assert_eq!(known, read_with_head(name, &bytes, 12), "{name}");
        assert!(known.audio_codec.is_some(), "{name}");
    }
    let sound = file("tone.mp2");
    let known = read_with_head("tone.mp2", &[&[0; 700], &sound[..]].concat(), 12);
    assert_eq!((known.audio_codec, known.duration_s), (Some("mp2"), Some(1.019)));
    // One frame is sound where sound begins: alone, and before a tag at the end; behind junk it is a coincidence.
    let frame = &sound[..104];
    let trailer = [&b"TAG"[..], &[0; 125]].concat();
    for bytes in [frame.to_vec(), [frame, &trailer].concat()] {
        assert_eq!(read_with_head("tone.mp2", &bytes, 12).duration_s, Some(0.026));
    }
    assert_eq!(read_with_head("tone.mp2", &[&[0; 700], frame].concat(), 12), Playback::default());
}

#[test]
fn layer_i_frames_are_whole_slots() {
    // 32 kbit/s at 44.1 kHz: 8 slots of four bytes, and one more with padding.
    for (padding, bytes) in [(0, 32), (2, 36)] {
        let mut frame = vec![0; bytes];
        frame[..4].copy_from_slice(&[0xff, 0xff, 0x10 | padding, 0]);
        let known = read_with_head("layer.mp2", &frame.repeat(20), 12);
        assert_eq!((known.audio_codec, known.duration_s), (Some("mp1"), Some(bytes as f64 * 20.0 / 4000.0)));
    }
}

#[test]
fn a_broken_index_tells_what_its_header_told() {
    let whole = file("moov-first.mp4");
    let at = whole.windows(4).rposition(|name| name == b"mdhd").expect("a header of the second track");
    let known = read_with_head("moov-first.mp4", &whole[..at + 6], 12);
    assert_eq!((known.duration_s, known.video_codec, known.audio_codec), (Some(1.0), Some("h264"), None));
    let fragmented = file("fragmented.mp4");
    let at = fragmented.windows(4).position(|name| name == b"trex").expect("defaults");
    let mut headed = fragmented[..at + 8].to_vec();
    let header = headed.windows(4).position(|name| name == b"mvhd").expect("a header");
    headed[header + 20..header + 24].copy_from_slice(&1000_u32.to_be_bytes());
    assert_eq!(
        read_with_head("fragmented.mp4", &headed, 12).duration_s,
        None,
        "it tells of what is before the fragments"
    );
}

#[test]
fn the_wire_has_the_contracts_names_and_nothing_unknown() {
    let known = Playback { duration_s: Some(2.5), video_codec: Some("h264"), ..Playback::default() };
    assert_eq!(
        Value::from(known.wire(1_000_000)).to_string(),
        r#"{"bitRate":3200,"duration":2.5,"videoCodec":"h264"}"#
    );
    let known = Playback { audio_codec: Some("aac"), ..Playback::default() };
    assert_eq!(Value::from(known.wire(10)).to_string(), r#"{"audioCodec":"aac"}"#);
    assert!(Playback::default().wire(10).is_empty());
}

#[test]
fn damage_leaves_things_open_and_does_no_more() {
    let mut random = StdRng::seed_from_u64(1851);
    for (name, ..) in FILES {
        let bytes = file(name);
        for cut in (0..bytes.len()).step_by(bytes.len() / 150 + 1) {
            makes_sense(&read_with_head(name, &bytes[..cut], bytes.len()));
        }
        for _ in 0..300 {
            let mut damaged = bytes.clone();
            for _ in 0..random.random_range(1..8) {
                // Where it hurts: the headers are at the beginning, or at the end.
                let reach = random.random_range(1..=damaged.len());
                let at = random.random_range(0..reach);
                let at = if random.random() { at } else { damaged.len() - 1 - at };
                damaged[at] = if random.random() { random.random() } else { 0xff };
            }
            makes_sense(&read_with_head(name, &damaged, 12));
        }
    }
}

/// A box of this type around the content, which claims to be `more` bytes longer than it is.
fn boxed(kind: &[u8; 4], content: &[u8], more: u32) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).unwrap() + more;
    [&size.to_be_bytes(), kind.as_slice(), content].concat()
}

/// Reads a file of `size` bytes that consists of `beginning`, then `filling` over and over, then `end`; and tells how
/// many blocks were asked for.
fn cost(size: u64, beginning: &[u8], filling: &[u8], end: &[u8]) -> (Playback, u32) {
    let byte = |at: u64| {
        let from_end = size - at;
        if let Some(byte) = usize::try_from(at).ok().and_then(|at| beginning.get(at)) {
            return *byte;
        }
        if from_end <= end.len() as u64 {
            return end[end.len() - from_end as usize];
        }
        filling[(at - beginning.len() as u64) as usize % filling.len()]
    };
    let blocks = Cell::new(0);
    let head: Bytes = (0..size.min(1000)).map(byte).collect();
    // Of this type everything is looked for.
    let known = read("audio/mpeg", size, head, &mut |range| {
        assert!(range.end <= size && range.end - range.start <= BLOCK_BYTES, "{range:?}");
        blocks.set(blocks.get() + 1);
        Ok(range.map(byte).collect())
    });
    makes_sense(&known);
    (known, blocks.get())
}

#[test]
fn what_is_between_is_stepped_over() {
    let whole = file("moov-last.mp4");
    let at = whole.windows(4).position(|name| name == b"moov").expect("an index") - 4;
    let (size, index) = (40 << 30, &whole[at..]);
    let begin = boxed(b"ftyp", b"isom\0\0\x02\0", 0);
    let frames = size - (begin.len() + index.len()) as u64;
    let begin = [&begin, &1_u32.to_be_bytes()[..], b"mdat", &frames.to_be_bytes()].concat();
    let (known, blocks) = cost(size, &begin, &[0], index);
    assert_eq!((known.pixels, known.duration_s, known.video_codec), (Some((64, 48)), Some(1.0), Some("h264")));
    assert!(blocks <= 3, "{blocks}");
}

#[test]
fn hostile_files_end_with_the_budget() {
    let long = 1 << 40;
    let type_box = boxed(b"ftyp", b"isom\0\0\x02\0", 0);
    let empty_box = boxed(b"free", b"", 0);
    // Small boxes without end, and boxes in boxes without end.
    assert_eq!(cost(long, &type_box, &empty_box, b"").1, BLOCKS_MAX);
    for kind in [b"moov", b"trak", b"mdia", b"moof", b"stbl"] {
        let nest = [&0_u32.to_be_bytes()[..], kind].concat();
        let index = [&type_box[..], &0_u32.to_be_bytes(), b"moov", &0_u32.to_be_bytes(), b"trak"].concat();
        assert!(cost(long, &index, &nest, b"").1 <= BLOCKS_MAX);
    }
    // A description as long as a file, and a run of as many samples as can be said.
    let description = boxed(b"stsd", b"", u32::MAX - 8);
    assert!(
        cost(long, &[type_box.clone(), boxed(b"moov", &boxed(b"trak", &description, 0), 0)].concat(), b"\xff", b"").1
            < 3
    );
    let extended =
        boxed(b"moov", &[boxed(b"trak", &boxed(b"tkhd", &[0; 20], 0), 0), boxed(b"mvex", b"", 0)].concat(), 0);
    let run = boxed(b"trun", b"\0\0\x01\0\xff\xff\xff\xff", u32::MAX - 16);
    let part = boxed(b"traf", &[boxed(b"tfhd", &[0; 8], 0), run].concat(), 2_000_000_000);
    let (known, blocks) =
        cost(long, &[type_box, extended, boxed(b"moof", &part, 2_000_000_000)].concat(), b"\x01", b"");
    assert_eq!(known.duration_s, None, "the sum of a part is no duration");
    assert!(blocks > BLOCKS_MAX / 2, "{blocks}");
    // Elements without end, of unknown sizes, in each other, and a codec id as long as the file.
    let begin = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff";
    let id = b"\x16\x54\xae\x6b\xff\xae\xff\x86\x08\x7f\xff\xff\xff";
    for filling in [&b"\xec\x80"[..], b"\x18\x53\x80\x67\xff", b"\xec\x40\xff", id] {
        assert!(cost(long, begin, filling, b"").1 <= BLOCKS_MAX);
    }
    // Sound of nothing, and frames that never come.
    for beginning in [
        &b"ID3\x04\0\0\x7f\x7f\x7f\x7f"[..],
        b"\xff\xfb",
        b"OggS\0",
        b"fLaC",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"FORM\x7f\xff\xff\xffAIFF",
    ] {
        for filling in [&b"\0"[..], b"\xff", b"\xff\xfb\x90", b"OggS\0\0\0", b"\x01\xff\xff\xff", b"data\0\0\0\0"] {
            assert!(cost(long, beginning, filling, b"").1 <= BLOCKS_MAX);
        }
    }
}

#[test]
fn a_store_that_fails_leaves_things_open() {
    let bytes = file("moov-last.mp4");
    let head = Bytes::copy_from_slice(&bytes[..100]);
    assert_eq!(read("video/mp4", 1 << 30, head, &mut |_| Err(std::io::Error::other("gone"))), Playback::default());
}

//! How long uploaded videos and recordings play, and what they are made of.

use super::*;

/// Names, and the members that every form of the file object has: as `ffprobe` tells them of the fixtures.
fn files() -> Vec<(&'static str, Value)> {
    let both = |rate: u64, duration: u64, video: &str, audio: &str| {
        json!({
            "height": 48, "width": 64,
            "bitRate": rate, "duration": duration, "videoCodec": video, "audioCodec": audio,
        })
    };
    let sound =
        |rate: u64, duration: u64, audio: &str| json!({ "bitRate": rate, "duration": duration, "audioCodec": audio });
    vec![
        ("moov-last.mp4", both(33, 1, "h264", "aac")),
        ("moov-first.mp4", both(33, 1, "h264", "aac")),
        ("fragmented.mp4", both(30, 1, "h264", "aac")),
        ("quicktime.mov", both(33, 1, "h264", "aac")),
        ("vp9-opus.webm", both(26, 1, "vp9", "opus")),
        ("h264-vorbis.mkv", both(42, 1, "h264", "vorbis")),
        ("mpeg4.3gp", json!({ "height": 48, "width": 64, "bitRate": 9, "duration": 1, "videoCodec": "mpeg4" })),
        ("tone.mp3", sound(10, 1, "mp3")),
        ("tone.flac", sound(97, 1, "flac")),
        ("vorbis.ogg", sound(27, 1, "vorbis")),
        ("tone.wav", sound(65, 1, "pcm_u8")),
        ("tone.m4a", sound(17, 1, "aac")),
    ]
}

const NAMES: [&str; 6] = ["height", "width", "bitRate", "duration", "videoCodec", "audioCodec"];

fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/media").join(name);
    std::fs::read(path).expect("a fixture")
}

/// What a file object says of how it plays; what is left out stays out.
fn of(object: &Value) -> Value {
    let told = NAMES.iter().filter_map(|name| Some(((*name).to_owned(), object.get(*name)?.clone())));
    told.collect::<Map<_, _>>().into()
}

#[tokio::test]
async fn every_form_of_a_file_tells_how_it_plays() {
    on_both_catalogs(async |library: &mut Library| {
        for (name, expected) in files() {
            let bytes = fixture(name);
            for path in [V1, V2] {
                let fields = [("fileName", name), ("folder", "/in"), ("responseFields", "metadata")];
                let uploaded = upload(library, path, form_with_file(&fields, bytes.clone())).await.expect(200);
                assert_eq!(of(&uploaded.body), expected, "{name}: {:#}", uploaded.body);
                assert_eq!(uploaded.body["fileType"], "non-image");
                let metadata = &uploaded.body["metadata"];
                assert_eq!(of(metadata), expected, "{name}: {metadata:#}");
                assert_eq!(metadata["size"], bytes.len());
                assert_eq!(of(&details(library, &uploaded).await), expected, "{name}");
            }
        }
        library.client.copy_folder("/in", "/copy", true).await.expect("an answer").expect(200);
        tokio::time::timeout(JOB_MAX, async {
            while library.client.list_all("/copy/in").await.expect("a list").len() < 2 * files().len() {
                tokio::time::sleep(A_MOMENT).await;
            }
        })
        .await
        .expect("the copy is made");
        let mut sources = library.client.list_all("/in").await.expect("a list");
        let mut copies = library.client.list_all("/copy/in").await.expect("a list");
        for list in [&mut sources, &mut copies] {
            list.sort_by_key(|file| file["name"].to_string());
        }
        assert_eq!(sources.iter().map(of).collect::<Vec<_>>(), copies.iter().map(of).collect::<Vec<_>>());
        let told = sources.iter().filter(|file| file["duration"].is_number() && file["bitRate"].is_u64());
        assert_eq!(told.count(), 2 * files().len());
    })
    .await;
}

#[tokio::test]
async fn the_index_of_a_large_file_is_found_at_its_end() {
    on_both_catalogs(async |library: &mut Library| {
        let whole = fixture("moov-last.mp4");
        let at = whole.windows(4).position(|name| name == b"moov").expect("an index") - 4;
        let gap = 3_000_000_u32;
        let free = [&gap.to_be_bytes()[..], b"free", &vec![7; gap as usize - 8]].concat();
        let bytes = [&whole[..at], &free, &whole[at..]].concat();
        let rate = (bytes.len() as f64 * 8.0 / 1000.0).round() as u64;
        let uploaded = upload(library, V1, form_with_file(&[("fileName", "long.mp4")], bytes)).await.expect(200);
        let expected = json!({
            "height": 48, "width": 64,
            "bitRate": rate, "duration": 1, "videoCodec": "h264", "audioCodec": "aac",
        });
        assert_eq!(of(&uploaded.body), expected, "{:#}", uploaded.body);
    })
    .await;
}

#[tokio::test]
async fn checks_know_how_long_an_upload_plays() {
    on_both_catalogs(async |library: &mut Library| {
        let bytes = fixture("moov-last.mp4");
        for (checks, status) in [
            (r#""file.duration" <= "1""#, 200),
            (r#""file.duration" > "0.5" AND "file.width" = "64" AND "file.height" < "50""#, 200),
            (r#""file.duration" > "1""#, 400),
            (r#""file.height" > "48""#, 400),
        ] {
            let fields = [("fileName", "a.mp4"), ("checks", checks)];
            let answer = upload(library, V1, form_with_file(&fields, bytes.clone())).await;
            assert_eq!(answer.status, status, "{checks}: {:#}", answer.body);
        }
    })
    .await;
}

#[tokio::test]
async fn damaged_files_are_uploaded_all_the_same() {
    on_both_catalogs(async |library: &mut Library| {
        for (name, ..) in files() {
            let whole = fixture(name);
            for part in [1, 2, 3] {
                let cut = whole.len() * part / 4;
                let mut flipped = whole.clone();
                flipped.iter_mut().skip(8).step_by(7 * part).for_each(|byte| *byte ^= 0x81);
                for bytes in [&whole[..cut], &flipped] {
                    let fields = [("fileName", name)];
                    let uploaded = upload(library, V1, form_with_file(&fields, bytes)).await.expect(200);
                    assert_eq!(uploaded.body["size"], bytes.len(), "{name}");
                    let told = of(&uploaded.body);
                    assert!(told.as_object().expect("an object").values().all(|value| !value.is_null()), "{told:#}");
                }
            }
        }
    })
    .await;
}

//! What bytes are. The input is a file name in the first line, and the beginning of the file.
//!
//! An answer makes sense in itself, and asking again with what was asked for ends.

#![no_main]

use calotype::media::{HEAD_BYTES_LIMIT, Kind, Media, Probe, probe};
use calotype_fuzz::line_and_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((name, head)) = line_and_bytes(data) else { return };
    let bytes = head.len() as u64;
    let whole = probe(head, bytes, name);
    assert!(matches!(whole, Probe::Known(_)), "there is no more to bring: {whole:?}");
    makes_sense(&whole.into_media());
    // The same bytes as the beginning of a longer file.
    match probe(head, u64::MAX, name) {
        Probe::Known(media) => makes_sense(&media),
        Probe::NeedMore { head_bytes, so_far } => {
            assert!(bytes < head_bytes && head_bytes <= HEAD_BYTES_LIMIT, "{head_bytes}");
            makes_sense(&so_far);
        }
    }
    // A head that is cut off may tell less, but what it asks for is what there is.
    for cut in [head.len() / 2, head.len().saturating_sub(1)] {
        if let Probe::NeedMore { head_bytes, so_far } = probe(&head[..cut], bytes, name) {
            assert_eq!(head_bytes, bytes.min(HEAD_BYTES_LIMIT));
            makes_sense(&so_far);
        }
    }
});

fn makes_sense(media: &Media) {
    let (group, kind) = media.mime.split_once('/').expect("a type has two parts");
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    assert!(plain(group) && plain(kind), "no parameters, nothing that could end a header: {:?}", media.mime);
    assert!(media.kind != Kind::Image || group == "image", "{media:?}");
    assert_eq!(media.width.is_some(), media.height.is_some(), "{media:?}");
    assert!(media.width != Some(0) && media.height != Some(0), "{media:?}");
    assert!(group == "image" || (media.width, media.has_alpha) == (None, None), "{media:?}");
}

//! What pictures say of themselves. The input is a MIME type in the first line, and the beginning of the file.
//!
//! Whatever is told can be stored and searched, and asking again with what was asked for ends.

#![no_main]

use calotype::media::{HEAD_BYTES_LIMIT, METADATA_BYTES_MAX, embedded};
use calotype_fuzz::line_and_bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|data: &[u8]| {
    let Some((mime, head)) = line_and_bytes(data) else { return };
    let bytes = head.len() as u64;
    let whole = embedded(mime, head, bytes);
    assert_eq!(whole.needs_bytes, None, "there is no more to bring");
    makes_sense(&whole.metadata);
    // The same bytes as the beginning of a longer file.
    let longer = embedded(mime, head, u64::MAX);
    assert_eq!(longer.metadata, whole.metadata);
    assert!(longer.needs_bytes.is_none_or(|needed| bytes < needed && needed <= HEAD_BYTES_LIMIT), "{longer:?}");
    for cut in [head.len() / 2, head.len().saturating_sub(1)] {
        let cut_off = embedded(mime, &head[..cut], bytes);
        assert!(cut_off.needs_bytes.is_none_or(|needed| cut as u64 <= needed && needed <= bytes), "{cut_off:?}");
        makes_sense(&cut_off.metadata);
    }
});

fn makes_sense(metadata: &Map<String, Value>) {
    assert!(Value::from(metadata.clone()).to_string().len() <= METADATA_BYTES_MAX);
    for (name, value) in metadata {
        assert!(name.starts_with(|c: char| !c.is_ascii_lowercase()) && name.is_ascii(), "{name}");
        let values = if let Value::Array(values) = value { values.as_slice() } else { std::slice::from_ref(value) };
        assert!(!values.is_empty(), "{name}");
        for value in values {
            match value {
                Value::String(text) => {
                    assert!(!text.is_empty(), "{name}");
                    assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "{name}: {text:?}");
                }
                Value::Number(_) | Value::Bool(_) => {}
                _ => panic!("{name}: {value}"),
            }
        }
    }
    if let Some(place) = metadata.get("LocationTaken") {
        let (latitude, longitude) = place.as_str().and_then(|place| place.split_once(',')).expect("two numbers");
        let within = |text: &str, most: f64| text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
        assert!(within(latitude, 90.0) && within(longitude, 180.0), "{place}");
    }
}

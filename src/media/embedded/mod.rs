//! What pictures say of themselves: EXIF, IPTC and XMP, merged into one object with exiftool's names, as the API's
//! `embeddedMetadata` has it.
//!
//! 1. `blocks.rs` and `boxes.rs` find the three in a picture's head; no pixel is decoded.
//! 2. `exif.rs` (over `ifd.rs` and `names.rs`), `iptc.rs` and `xmp.rs` read each. IPTC's captions get the names of the
//!    properties of XMP that took their place.
//! 3. [`embedded`] merges them. What a camera measures is taken from EXIF, then from XMP's copy; what people write from
//!    XMP, then from IPTC, then from a PNG's texts, then from EXIF. That is the order of the Metadata Working Group's
//!    guidance, but for texts, where EXIF comes last: cameras fill them with their own name.
//! 4. It is bounded ([`METADATA_BYTES_MAX`]), and free of control characters and binary values.
//!
//! Dates are told in UTC where their offset is known, or else as if the camera's clock were UTC. `Keywords` is an array
//! always, `LocationTaken` is `latitude,longitude` in degrees. Everything here is pure and total: whatever is broken is
//! left out, nothing fails.

pub(super) mod blocks;
mod boxes;
pub(super) mod exif;
pub(super) mod ifd;
mod iptc;
mod names;
mod text;
mod xmp;

use std::collections::HashSet;

use serde_json::{Map, Value};

/// Most bytes of the object as JSON: a thousand files in a list have some room. The longest values give way.
pub const METADATA_BYTES_MAX: usize = 32 * 1024;

/// What a PNG's texts mean, by their keywords (PNG, third edition, 11.3.3.1).
const PNG_TEXTS: [(&[u8], &str); 6] = [
    (b"Title", "Title"),
    (b"Author", "Author"),
    (b"Description", "Description"),
    (b"Copyright", "Copyright"),
    (b"Software", "Software"),
    (b"Comment", "Comment"),
];

/// What people write, and where else it may stand when nobody wrote it there, the best place first.
const STAND_INS: [(&str, &[&str]); 7] = [
    ("Title", &["XPTitle"]),
    ("Description", &["ImageDescription", "XPComment"]),
    ("Creator", &["Artist", "XPAuthor", "Author"]),
    ("Rights", &["Copyright"]),
    ("DateTimeOriginal", &["DateCreated"]),
    ("DateCreated", &["DateTimeOriginal"]),
    ("Keywords", &["XPKeywords"]),
];

/// What a picture says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// Texts, numbers, truth values, and arrays of them, by exiftool's names; empty if it says nothing.
    pub metadata: Map<String, Value>,
    /// There is more behind the head: ask again with a head of so many bytes.
    pub needs_bytes: Option<u64>,
}

/// Reads what a picture of `size` bytes and of the type `mime` says of itself whose first bytes are `head`.
#[must_use]
pub fn embedded(mime: &str, head: &[u8], size: u64) -> Embedded {
    let found = blocks::blocks(mime, head);
    let mut metadata = found.exif.map(|exif| exif::told(&ifd::tags(exif))).unwrap_or_default();
    // Stars are given by people.
    let stars = metadata.shift_remove("Rating");
    let described = [found.xmp.map(xmp::told), found.iptc.map(iptc::told), Some(png_texts(&found.texts))];
    for (name, value) in described.into_iter().flatten().flatten() {
        metadata.entry(name).or_insert(value);
    }
    if let Some(stars) = stars {
        metadata.entry("Rating").or_insert(stars);
    }
    add_stand_ins(&mut metadata);
    // Nobody else says where in this form.
    metadata.shift_remove("LocationTaken");
    let degrees = |name| metadata.get(name).and_then(Value::as_f64);
    if let (Some(latitude), Some(longitude)) = (degrees("GPSLatitude"), degrees("GPSLongitude"))
        && latitude.abs() <= 90.0
    {
        metadata.insert("LocationTaken".into(), format!("{latitude},{longitude}").into());
    }
    shorten(&mut metadata);
    Embedded { metadata, needs_bytes: found.needs(head, size) }
}

fn png_texts(texts: &[(&[u8], &[u8])]) -> Map<String, Value> {
    let mut told = Map::new();
    for (keyword, text) in texts {
        let Some((_, name)) = PNG_TEXTS.iter().find(|(known, _)| known == keyword) else { continue };
        if let Some(text) = text::decoded(text) {
            told.entry(*name).or_insert(text.into());
        }
    }
    told
}

fn add_stand_ins(metadata: &mut Map<String, Value>) {
    for (name, others) in STAND_INS {
        if metadata.contains_key(name) {
            continue;
        }
        let Some(value) = others.iter().find_map(|other| metadata.get(*other)) else { continue };
        let value = match (name, value) {
            // Windows and EXIF write several in one.
            ("Keywords" | "Creator", Value::String(text)) => {
                let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
                parts.map(Value::from).collect()
            }
            ("Keywords" | "Creator", Value::Array(_)) => value.clone(),
            (_, Value::String(_)) => value.clone(),
            _ => continue,
        };
        metadata.insert(name.into(), value);
    }
    for name in ["Keywords", "Creator"] {
        let Some(value) = metadata.get_mut(name) else { continue };
        if value.is_string() {
            *value = vec![value.take()].into();
        }
        let mut seen = HashSet::new();
        if let Value::Array(texts) = value {
            texts.retain(|text| text.as_str().is_some_and(|text| seen.insert(text.to_owned())));
        }
        // Anything else is no text at all.
        if seen.is_empty() {
            metadata.shift_remove(name);
        }
    }
}

/// Takes away the longest values until the object is as short as it must be.
fn shorten(metadata: &mut Map<String, Value>) {
    // With what stands around and between entries.
    let bytes = |value: &Value| value.to_string().len();
    let mut sizes: Vec<(usize, String)> =
        metadata.iter().map(|(name, value)| (name.len() + bytes(value) + 4, name.clone())).collect();
    let mut whole = 2 + sizes.iter().map(|(bytes, _)| bytes).sum::<usize>();
    if whole <= METADATA_BYTES_MAX {
        return;
    }
    sizes.sort();
    while whole > METADATA_BYTES_MAX
        && let Some((bytes, name)) = sizes.pop()
    {
        metadata.shift_remove(&name);
        whole -= bytes;
    }
}

#[cfg(test)]
mod tests;

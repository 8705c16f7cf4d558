//! Whether a file is an SVG, and its size.
//!
//! Only the prolog and the start tag of the root are read, as events: entities are never expanded, nothing is fetched,
//! and no tree is built. A root that does not begin within the head makes no SVG.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Facts;

/// CSS pixels per inch (CSS Values 4, section 6.2); SVG measures in them.
const PIXELS_PER_INCH: f64 = 96.0;

/// The facts when the root element is `svg`, else `None`.
pub(super) fn facts(head: &[u8]) -> Option<Facts> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start();
    if !text.starts_with(b"<") {
        return None;
    }
    let root = root_element(text)?;
    (root.local_name().as_ref() == "svg").then(|| Facts { pixels: pixels(&root), alpha: Some(true), cut_off: false })
}

fn root_element(text: &[u8]) -> Option<BytesStart<'_>> {
    let mut reader = Reader::from_reader(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => return Some(tag.into_owned()),
            Event::Decl(_) | Event::DocType(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Text(text) if text.trim_ascii().is_empty() => {}
            _ => return None,
        }
    }
}

/// The size: `width` and `height`, completed from the shape of the `viewBox` (SVG 2, section 8.2).
fn pixels(root: &BytesStart<'_>) -> Option<(u32, u32)> {
    let attribute = |name: &str| {
        let found = root.try_get_attribute(name).ok()??;
        Some(found.value.into_owned())
    };
    let width = attribute("width").and_then(|text| length(&text));
    let height = attribute("height").and_then(|text| length(&text));
    let shape = attribute("viewBox").and_then(|text| view_box(&text));
    let (width, height) = match (width, height, shape) {
        (Some(width), Some(height), _) => (width, height),
        (Some(width), None, Some((w, h))) => (width, width * h / w),
        (None, Some(height), Some((w, h))) => (height * w / h, height),
        (None, None, Some(shape)) => shape,
        _ => return None,
    };
    Some((whole(width)?, whole(height)?))
}

/// A length in pixels; relative units depend on where the image stands, so they are none.
fn length(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let pixels = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "px" => 1.0,
        "in" => PIXELS_PER_INCH,
        "cm" => PIXELS_PER_INCH / 2.54,
        "mm" => PIXELS_PER_INCH / 25.4,
        "pt" => PIXELS_PER_INCH / 72.0,
        "pc" => PIXELS_PER_INCH / 6.0,
        _ => return None,
    };
    positive(number).map(|number| number * pixels)
}

fn view_box(text: &str) -> Option<(f64, f64)> {
    let mut numbers =
        text.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|number| !number.is_empty()).skip(2);
    Some((positive(numbers.next()?)?, positive(numbers.next()?)?))
}

fn positive(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number > 0.0).then_some(number)
}

/// Rounds to whole pixels, at least one; `None` for what no picture is.
fn whole(length: f64) -> Option<u32> {
    let pixels = length.round().max(1.0);
    (pixels <= f64::from(u32::MAX)).then_some(pixels as u32)
}

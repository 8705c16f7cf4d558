//! Which bytes a `Range` header asks for.
//!
//! One range gives one part. Of several, those that overlap or lie close together are joined first; what is left is
//! sent as `multipart/byteranges`, so an answer never holds a byte twice and is never much larger than the file. A
//! header that is malformed, of another unit, or longer than is reasonable counts as absent, as HTTP allows.

use std::num::NonZeroUsize;
use std::ops::Range;

use http_range_header::{SyntacticallyCorrectRange as Asked, parse_range_header_with_max_ranges};

/// Bytes of the header that are looked at; [`RANGES_MAX`] ranges of a large file take half of it.
const HEADER_BYTES_MAX: usize = 1024;
/// Ranges in one request. Readers of PDF and zsync ask for a handful.
pub const RANGES_MAX: NonZeroUsize = NonZeroUsize::new(16).unwrap();
/// Ranges that lie closer than this are sent as one: the head of another part would take as many bytes.
const GAP_BYTES_MAX: u64 = 100;

/// What is to be sent of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it: 200.
    Whole,
    /// These bytes, at least one: 206.
    Part(Range<u64>),
    /// Two or more parts in order, apart from each other: 206, `multipart/byteranges`.
    Parts(Vec<Range<u64>>),
    /// The file has none of the bytes: 416.
    Unsatisfiable,
}

/// Reads the value of a `Range` header for a file of `size` bytes.
#[must_use]
pub fn select(header: &str, size: u64) -> Selection {
    if header.len() > HEADER_BYTES_MAX {
        return Selection::Whole;
    }
    let Ok(asked) = parse_range_header_with_max_ranges(header.trim(), RANGES_MAX) else { return Selection::Whole };
    let asked = asked.into_ranges();
    // A range that ends before it begins makes the whole header invalid.
    if asked.is_empty() || asked.iter().any(|range| matches!(range, Asked::Indexed(first, last) if first > last)) {
        return Selection::Whole;
    }
    let mut there: Vec<Range<u64>> = asked.iter().filter_map(|range| within(range, size)).collect();
    there.sort_unstable_by_key(|range| range.start);
    let mut parts: Vec<Range<u64>> = Vec::with_capacity(there.len());
    for range in there {
        match parts.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP_BYTES_MAX) => last.end = last.end.max(range.end),
            _ => parts.push(range),
        }
    }
    match parts.len() {
        0 => Selection::Unsatisfiable,
        1 => Selection::Part(parts.swap_remove(0)),
        _ => Selection::Parts(parts),
    }
}

/// The bytes of one asked range that the file has.
fn within(asked: &Asked, size: u64) -> Option<Range<u64>> {
    let range = match *asked {
        Asked::Indexed(first, last) => first..last.saturating_add(1).min(size),
        Asked::FromStart(first) => first..size,
        Asked::FromLast(count) => size.saturating_sub(count)..size,
    };
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::Selection::{Unsatisfiable, Whole};
    use super::*;

    fn part(range: Range<u64>) -> Selection {
        Selection::Part(range)
    }

    #[test]
    fn one_range_is_one_part() {
        for (header, size, selection) in [
            ("bytes=0-3", 10, part(0..4)),
            ("BYTES=0-3", 10, part(0..4)),
            ("bytes= 0-3 ", 10, part(0..4)),
            ("bytes=4-", 10, part(4..10)),
            ("bytes=-3", 10, part(7..10)),
            ("bytes=-30", 10, part(0..10)),
            ("bytes=8-99", 10, part(8..10)),
            ("bytes=0-18446744073709551615", 10, part(0..10)),
            ("bytes=10-", 10, Unsatisfiable),
            ("bytes=-0", 10, Unsatisfiable),
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=-5", 0, Unsatisfiable),
        ] {
            assert_eq!(select(header, size), selection, "{header} of {size}");
        }
    }

    #[test]
    fn what_is_no_range_is_not_there() {
        let long = format!("bytes={}", "0-1,".repeat(300));
        let many = format!("bytes={}0-0", "0-0,".repeat(RANGES_MAX.get()));
        for header in ["", "bytes", "bytes=", "lines=1-2", "bytes=5-2", "bytes=0-1,5-2", "bytes=a-b", &long, &many] {
            assert_eq!(select(header, 10), Whole, "{header}");
        }
    }

    #[test]
    fn several_ranges_are_joined_where_they_touch() {
        assert_eq!(select("bytes=0-1,2-3", 1000), part(0..4), "adjacent");
        assert_eq!(select("bytes=0-500,100-200,50-", 1000), part(0..1000), "overlapping");
        assert_eq!(select("bytes=0-9,60-69", 1000), part(0..70), "close together");
        assert_eq!(select("bytes=0-9,2000-", 1000), part(0..10), "one that the file does not have");
        assert_eq!(select("bytes=1000-,2000-", 1000), Unsatisfiable);
        assert_eq!(select("bytes=-10,0-9", 1000), Selection::Parts(vec![0..10, 990..1000]), "put in order");
        let all = format!("bytes={}0-", "0-,".repeat(RANGES_MAX.get() - 1));
        assert_eq!(select(&all, 1000), part(0..1000), "the same again and again");
    }
}

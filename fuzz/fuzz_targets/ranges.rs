//! `Range` headers. The input is the header's value and the size of the file, in two lines.
//!
//! What is sent lies within the file, in order and apart; every byte that was asked for and exists is in it.

#![no_main]

use std::ops::Range;

use calotype::http::delivery::range::{RANGES_MAX, Selection, select};
use calotype_fuzz::lines;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some([header, size]) = lines(data) else { return };
    let size: u64 = size.parse().unwrap_or(1000);
    let selection = select(header, size);
    let parts = match &selection {
        Selection::Whole | Selection::Unsatisfiable => &[],
        Selection::Part(part) => std::slice::from_ref(part),
        Selection::Parts(parts) => {
            assert!(parts.len() >= 2, "one part has a form of its own");
            parts.as_slice()
        }
    };
    assert!(parts.len() <= RANGES_MAX.get());
    assert!(parts.iter().all(|part| part.start < part.end && part.end <= size), "{parts:?} of {size}");
    assert!(parts.windows(2).all(|pair| pair[0].end < pair[1].start), "in order and apart: {parts:?}");
    let Some(asked) = plainly(header, size) else { return };
    if asked.is_empty() {
        assert_eq!(selection, Selection::Unsatisfiable, "{header} of {size}");
        return;
    }
    let all = parts.first().map(|part| part.start).zip(parts.last().map(|part| part.end));
    let first = asked.iter().map(|range| range.start).min();
    let last = asked.iter().map(|range| range.end).max();
    assert_eq!(all, first.zip(last), "nothing before or after what was asked for: {header} of {size}");
    for range in &asked {
        let held = |part: &Range<u64>| part.start <= range.start && range.end <= part.end;
        assert!(parts.iter().any(held), "{range:?} is not in {parts:?}");
    }
});

/// The bytes that a plainly written header asks for and the file has; `None` for a header that is not plain.
fn plainly(header: &str, size: u64) -> Option<Vec<Range<u64>>> {
    let ranges = header.strip_prefix("bytes=").filter(|_| header.len() < 100)?;
    let number = |text: &str| {
        let plain = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if plain { text.parse::<u64>().ok() } else { None }
    };
    let mut found = Vec::new();
    let asked: Vec<&str> = ranges.split(',').collect();
    for range in asked.iter().filter(|_| asked.len() <= RANGES_MAX.get()) {
        let range = match range.split_once('-')? {
            ("", last) => size.saturating_sub(number(last)?)..size,
            (first, "") => number(first)?..size,
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                if first > last {
                    return None;
                }
                first..(last + 1).min(size)
            }
        };
        found.push(range);
    }
    if found.is_empty() {
        return None;
    }
    found.retain(|range| range.start < range.end);
    Some(found)
}

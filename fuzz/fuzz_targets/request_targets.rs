//! Request targets on a connection. The input is the size of the pieces in which the bytes come, and the bytes behind the
//! first line.
//!
//! Whatever the pieces, the same comes out, which differs by escapes only, and in which nothing is left to repair.

#![no_main]

use calotype::http::request_target::Repair;
use calotype_fuzz::line_and_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((sizes, bytes)) = line_and_bytes(data) else { return };
    let whole = passed(bytes, &[bytes.len()]);
    let sizes: Vec<usize> = sizes.bytes().map(usize::from).chain([1]).collect();
    assert_eq!(passed(bytes, &sizes), whole, "in pieces of {sizes:?}");
    assert_eq!(passed(bytes, &[1]), whole, "byte by byte");
    assert_eq!(passed(&whole, &[whole.len()]), whole, "once more");
    assert_eq!(unescaped(&whole), unescaped(bytes));
});

/// What comes out when the bytes come in pieces of these sizes, over and over.
fn passed(mut bytes: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut repair, mut out) = (Repair::default(), Vec::new());
    for size in sizes.iter().cycle().map(|size| (*size).max(1)) {
        let piece;
        (piece, bytes) = bytes.split_at(size.min(bytes.len()));
        let mut ready = Vec::new();
        let passed = repair.pass(piece, &mut ready);
        out.extend_from_slice(&piece[..passed]);
        out.append(&mut ready);
        if bytes.is_empty() {
            break;
        }
    }
    repair.end(&mut out);
    out
}

/// The bytes with what a repair writes taken back, wherever it stands.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        let escape = match rest.get(..3) {
            Some(b"%20") => Some(b' '),
            Some(b"%22") => Some(b'"'),
            Some(b"%3C") => Some(b'<'),
            Some(b"%3E") => Some(b'>'),
            Some(b"%60") => Some(b'`'),
            _ => None,
        };
        out.push(escape.unwrap_or(*byte));
        rest = if escape.is_some() { &rest[3..] } else { behind };
    }
    out
}

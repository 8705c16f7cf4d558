//! What the fuzz targets share: how an input is read, and how honest clients and forgers sign.
//!
//! An input is text or bytes in lines wherever that is possible, so that the corpus can be read and written by hand.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The input as text, in `N` lines; the last one has whatever is left, and lines that are not there are empty.
pub fn lines<const N: usize>(data: &[u8]) -> Option<[&str; N]> {
    let mut rest = std::str::from_utf8(data).ok()?.splitn(N, '\n');
    Some(std::array::from_fn(|_| rest.next().unwrap_or_default()))
}

/// The first line, and the bytes behind it.
pub fn line_and_bytes(data: &[u8]) -> Option<(&str, &[u8])> {
    let at = data.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&data[..at]).ok()?, &data[at + 1..]))
}

/// A key that no input can know, because it depends on all of it. Whatever is accepted under it is forged.
pub fn unknowable_key(data: &[u8]) -> String {
    blake3::derive_key("calotype-fuzz: a private key that the forger does not have", data)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// HMAC-SHA1 in lower-case hexadecimal digits, as clients make it.
pub fn hmac_sha1(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

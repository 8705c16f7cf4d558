//! Texts and dates of files that others wrote: in which characters, with what in them, how long.

use crate::model::time::Millis;
use crate::query::dates;

/// Most bytes of one text that are kept; captions have some hundred.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;

/// Text without a declared character set: UTF-8 if it can be, as current programs write, or else Latin-1.
pub fn decoded(bytes: &[u8]) -> Option<String> {
    // Longer than any character set makes of what is kept.
    let (bytes, rest) = bytes.split_at(bytes.len().min(4 * TEXT_BYTES_MAX));
    match std::str::from_utf8(bytes) {
        Ok(text) => clean(text),
        // The cut went through a character.
        Err(error) if error.error_len().is_none() && !rest.is_empty() => {
            clean(&String::from_utf8_lossy(&bytes[..error.valid_up_to()]))
        }
        Err(_) => clean(&bytes.iter().copied().map(char::from).collect::<String>()),
    }
}

/// UTF-16 text.
pub fn wide(bytes: &[u8], little: bool) -> Option<String> {
    let bytes = &bytes[..bytes.len().min(2 * TEXT_BYTES_MAX)];
    let units = bytes.chunks_exact(2).map(|pair| match little {
        true => u16::from_le_bytes([pair[0], pair[1]]),
        false => u16::from_be_bytes([pair[0], pair[1]]),
    });
    let text: String =
        char::decode_utf16(units.take_while(|unit| *unit != 0)).map(|c| c.unwrap_or('\u{fffd}')).collect();
    clean(&text)
}

/// Without control characters (PostgreSQL has no text with NUL in it) and without blanks around it, and at most
/// [`TEXT_BYTES_MAX`] long; `None` if nothing is left. Lines stay lines.
pub fn clean(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let mut kept = String::with_capacity(text.len().min(TEXT_BYTES_MAX));
    for c in text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')) {
        if kept.len() + c.len_utf8() > TEXT_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    (!kept.is_empty()).then_some(kept)
}

/// A date as the API tells it: UTC with milliseconds. Without an offset it counts as UTC: the camera's clock is all
/// that is known.
pub fn instant(text: &str) -> Option<String> {
    dates::instant(text).map(|instant: Millis| instant.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_decoded_and_cleaned() {
        for (bytes, text) in [
            (&b"plain"[..], Some("plain")),
            (b" blank around \0\0", Some("blank around")),
            (b"a\0b\x07c\x1b[0m", Some("abc[0m")),
            (b"two\r\nlines", Some("two\nlines")),
            ("Zürich".as_bytes(), Some("Zürich")),
            (b"Z\xfcrich", Some("Zürich")),
            (b"Caf\xe9", Some("Café")),
            (b"\0\0 \x01", None),
            (b"", None),
        ] {
            assert_eq!(decoded(bytes).as_deref(), text, "{bytes:?}");
        }
        assert_eq!(wide(b"Z\0\xfc\0\0\0x\0", true).as_deref(), Some("Zü"));
        assert_eq!(wide(b"\0Z\xd8\0", false).as_deref(), Some("Z\u{fffd}"));
        let long = "ü".repeat(TEXT_BYTES_MAX * 4);
        let cut = decoded(long.as_bytes()).unwrap();
        assert!(cut.len() == TEXT_BYTES_MAX && cut.chars().all(|c| c == 'ü'), "{}", cut.len());
    }

    #[test]
    fn dates_are_utc() {
        for (text, expected) in [
            ("2022:09:15 02:18:41", Some("2022-09-15T02:18:41.000Z")),
            ("2022:09:15 02:18:41.021+02:00", Some("2022-09-15T00:18:41.021Z")),
            ("2022-09-15T02:18:41.021Z", Some("2022-09-15T02:18:41.021Z")),
            ("2022-09-15", Some("2022-09-15T00:00:00.000Z")),
            ("0000:00:00 00:00:00", None),
            ("    :  :     :  :  ", None),
            ("2022", None),
        ] {
            assert_eq!(instant(text).as_deref(), expected, "{text}");
        }
    }
}

//! What a file without a name is meant to be, judged from its bytes as they pass.
//!
//! In this order, white space around it left aside (API contract, the sniffing rule for parts without a file name):
//!
//! - a URL: one line that begins with `http://`, `https://` or `ftp://`. It can have at most [`URL_BYTES_MAX`] bytes;
//! - a data URI: `data:…;base64,` and base64, in which line breaks, the URL-safe alphabet and missing padding are fine
//!   and anything else is an error; or `data:` with a type and a comma, and text of one line in which a percent sign and
//!   two digits are a byte (RFC 2397);
//! - base64: nothing but base64 and line breaks, a multiple of four characters, with padding only at the end. A text
//!   file can look like that by chance, so a file name with a text extension makes it binary;
//! - else binary, byte for byte.

/// Longest URL, in bytes: what servers accept in a request line. Also the longest beginning of a data URI.
pub const URL_BYTES_MAX: usize = 8 * 1024;

/// Schemes of a URL that is to be fetched, or in the last case refused, by name.
const SCHEMES: [&str; 3] = ["http://", "https://", "ftp://"];

/// Extensions of files that are text although they may look like base64.
const TEXT_EXTENSIONS: [&str; 11] = ["txt", "css", "js", "json", "csv", "md", "html", "xml", "svg", "srt", "vtt"];

/// What the bytes are meant to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Shape {
    /// To be fetched or refused.
    Url(String),
    /// A URL beyond all bounds.
    LongUrl,
    /// Text with percent-encoded bytes from byte `from` up to byte `to`.
    Percent { from: u64, to: u64 },
    /// Base64 from byte `from` up to byte `to`.
    Base64 { from: u64, to: u64 },
    /// Byte for byte.
    Binary,
}

/// What bytes that are all there are meant to be. Of the name only the extension counts.
#[must_use]
pub fn shape_of(bytes: &[u8], file_name: &str) -> Shape {
    let mut outline = Outline::default();
    outline.add(bytes);
    outline.shape(file_name)
}

/// What is learnt of the bytes while they pass.
#[derive(Default)]
pub(super) struct Outline {
    /// All bytes so far.
    pub(super) bytes: u64,
    /// Where the text begins and ends without the white space around it.
    start: Option<u64>,
    end: u64,
    /// The first bytes of the text, at most [`URL_BYTES_MAX`].
    opening: Vec<u8>,
    /// Where the first control character is: what has one within is not of one line.
    control: Option<u64>,
    tally: Tally,
}

impl Outline {
    /// Takes note of the next bytes.
    pub(super) fn add(&mut self, chunk: &[u8]) {
        let offset = self.bytes;
        self.bytes += chunk.len() as u64;
        let is_ink = |byte: &u8| !byte.is_ascii_whitespace();
        let mut text = chunk;
        if self.start.is_none() {
            let Some(first) = chunk.iter().position(is_ink) else {
                return;
            };
            self.start = Some(offset + first as u64);
            text = &chunk[first..];
        }
        if let Some(last) = chunk.iter().rposition(is_ink) {
            self.end = offset + last as u64 + 1;
        }
        if self.control.is_none() {
            let before = offset + (chunk.len() - text.len()) as u64;
            self.control = text.iter().position(u8::is_ascii_control).map(|at| before + at as u64);
        }
        let room = URL_BYTES_MAX - self.opening.len();
        self.opening.extend_from_slice(&text[..text.len().min(room)]);
        self.tally.add(text);
    }

    /// How many times longer than what it stands for the text may be, line breaks counted.
    pub(super) fn expansion(&self) -> f64 {
        match data_uri_prefix(&self.opening) {
            Some((_, false)) => 3.0,
            // Four characters for three bytes, and a line break after as few as sixteen characters.
            _ => 1.5,
        }
    }

    /// The verdict, when all bytes have passed and the name of the file is known.
    pub(super) fn shape(&self, file_name: &str) -> Shape {
        let Some(start) = self.start else {
            return Shape::Binary;
        };
        let is_one_line = self.control.is_none_or(|at| at >= self.end);
        // Spaces pass: old clients do not encode them. A line break is a document that begins with a link.
        if is_one_line && SCHEMES.iter().any(|scheme| starts_with_ignoring_case(&self.opening, scheme)) {
            let Some(text) = usize::try_from(self.end - start).ok().and_then(|length| self.opening.get(..length))
            else {
                return Shape::LongUrl;
            };
            if let Ok(url) = String::from_utf8(text.to_vec()) {
                return Shape::Url(url);
            }
        }
        match data_uri_prefix(&self.opening) {
            Some((prefix, true)) => return Shape::Base64 { from: start + prefix as u64, to: self.end },
            Some((prefix, false)) if is_one_line => {
                return Shape::Percent { from: start + prefix as u64, to: self.end };
            }
            _ => {}
        }
        if self.tally.is_base64() && !has_text_extension(file_name) {
            return Shape::Base64 { from: start, to: self.end };
        }
        Shape::Binary
    }
}

/// Length of `data:…,` at the beginning of the text, and whether it says `;base64`. Without that it must be to the letter
/// (RFC 2397: nothing, or a type, and parameters): many a text that is none begins with that word.
fn data_uri_prefix(opening: &[u8]) -> Option<(usize, bool)> {
    if !starts_with_ignoring_case(opening, "data:") {
        return None;
    }
    let comma = opening.iter().position(|byte| *byte == b',')?;
    let prefix = &opening[..comma];
    if prefix.split_last_chunk::<7>().is_some_and(|(_, marker)| marker.eq_ignore_ascii_case(b";base64")) {
        return Some((comma + 1, true));
    }
    let mut parts = prefix["data:".len()..].split(|byte| *byte == b';');
    let media_type = parts.next().unwrap_or_default();
    let names: Vec<&[u8]> = media_type.split(|byte| *byte == b'/').collect();
    let is_type = names.len() == 2 && names.into_iter().all(is_token);
    let is_parameter = |part: &[u8]| match part.iter().position(|byte| *byte == b'=') {
        Some(at) => is_token(&part[..at]) && is_token(&part[at + 1..]),
        // `;utf8`, which is common and wrong.
        None => is_type && is_token(part),
    };
    ((is_type || media_type.is_empty()) && parts.all(is_parameter)).then_some((comma + 1, false))
}

/// A word of a media type (RFC 2045, section 5.1).
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(byte))
}

fn starts_with_ignoring_case(text: &[u8], prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn has_text_extension(file_name: &str) -> bool {
    file_name
        .rsplit_once('.')
        .is_some_and(|(_, extension)| TEXT_EXTENSIONS.iter().any(|text| text.eq_ignore_ascii_case(extension)))
}

/// Counts base64 symbols, as long as nothing else comes.
#[derive(Default)]
struct Tally {
    symbols: u64,
    padding: u64,
    /// A space or tab was seen: fine at the end, but not within.
    gap: bool,
    broken: bool,
}

impl Tally {
    fn add(&mut self, text: &[u8]) {
        for byte in text {
            if self.broken {
                return;
            }
            match byte {
                b'\r' | b'\n' => {}
                byte if byte.is_ascii_whitespace() => self.gap = true,
                b'=' if self.padding < 2 && !self.gap => self.padding += 1,
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'-' | b'_'
                    if self.padding == 0 && !self.gap =>
                {
                    self.symbols += 1;
                }
                _ => self.broken = true,
            }
        }
    }

    fn is_base64(&self) -> bool {
        let length = self.symbols + self.padding;
        // Two symbols make the first byte; fewer before the padding make none.
        !self.broken && self.symbols >= 2 && length.is_multiple_of(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict, which must not depend on how the bytes are cut into chunks.
    fn shape(text: &str, file_name: &str) -> Shape {
        let mut whole = Outline::default();
        whole.add(text.as_bytes());
        let mut single = Outline::default();
        text.bytes().for_each(|byte| single.add(&[byte]));
        let verdict = whole.shape(file_name);
        assert_eq!(verdict, single.shape(file_name));
        verdict
    }

    fn base64(from: u64, to: u64) -> Shape {
        Shape::Base64 { from, to }
    }

    #[test]
    fn urls_are_one_line_of_bounded_length() {
        let url = Shape::Url("HTTPS://example.com/a b.jpg".into());
        assert_eq!(shape(" HTTPS://example.com/a b.jpg\r\n", "a.txt"), url);
        assert!(matches!(shape("ftp://x", ""), Shape::Url(_)));
        assert_eq!(shape("http://x\nhttp://y", ""), Shape::Binary);
        let long = format!("http://{}", "a".repeat(URL_BYTES_MAX - 7));
        assert!(matches!(shape(&long, ""), Shape::Url(_)));
        assert_eq!(shape(&format!("{long}a"), ""), Shape::LongUrl);
        assert_eq!(shape(&format!("{long}a\n"), ""), Shape::LongUrl);
        assert_eq!(shape(&format!("{long}a\nb"), ""), Shape::Binary);
    }

    #[test]
    fn data_uris_say_how_they_are_encoded() {
        assert_eq!(shape("\tdata:image/png;base64,AAA\n", "a.txt"), base64(23, 26));
        assert_eq!(shape("DATA:;BASE64,", ""), base64(13, 13));
        let percent = |from, to| Shape::Percent { from, to };
        assert_eq!(shape("data:text/plain,AAAA\n", ""), percent(16, 20));
        assert_eq!(shape(" data:,a%20b", ""), percent(7, 12));
        assert_eq!(shape("data:image/svg+xml;utf8,<svg xmlns='x'/>", "a.svg"), percent(24, 40));
        assert_eq!(shape("data:;charset=utf-8,%41", ""), percent(20, 23));
        for text in [
            "data:",
            "data: a, b",
            "data:a,b",
            "data:text/plain,a\nb",
            "database, x",
            r#"data:{"a/b":1,"c":"%20"}"#,
            "data:;x, hello %41",
            "data:2024/01/02,5",
            "data:a/b;c d,e",
        ] {
            assert_eq!(shape(text, ""), Shape::Binary, "{text}");
        }
    }

    #[test]
    fn base64_is_strict_and_yields_to_text_extensions() {
        assert_eq!(shape("\nQUJD\r\nQQ==\n ", "a.jpg"), base64(1, 11));
        assert_eq!(shape("QU-_", ""), base64(0, 4));
        for binary in ["QUJ", "QUJDQ", "QU JD", "Q===", "QQ=A", "====", "QQ== QQ==", "QUJD!"] {
            assert_eq!(shape(binary, "a.jpg"), Shape::Binary, "{binary}");
        }
        assert_eq!(shape("QUJD", "notes.TXT"), Shape::Binary);
        assert_eq!(shape("", ""), Shape::Binary);
        assert_eq!(shape(" \n ", ""), Shape::Binary);
    }
}

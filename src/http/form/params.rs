//! Parameters of a header value, `type; name=value; name="value"`, read as leniently as clients write them: unquoted
//! values with any character but a semicolon, spaces around the equals sign, names in any case, no order.

/// The value of the first parameter called `wanted` (lower case), if there is one. What is not UTF-8 in it is replaced: a
/// file name in Latin-1 is a file name. Within quotes, `\"` is a quote; other backslashes are kept, as old browsers send whole Windows paths.
pub(super) fn parameter(header: &[u8], wanted: &str) -> Option<String> {
    let mut rest = after(header, b';')?;
    loop {
        let end = position(rest, |byte| matches!(byte, b'=' | b';'));
        let name = rest[..end].trim_ascii();
        let (value, tail) = match rest.get(end) {
            Some(b'=') => value(rest[end + 1..].trim_ascii_start()),
            _ => (Vec::new(), &rest[end..]),
        };
        if name.eq_ignore_ascii_case(wanted.as_bytes()) {
            return Some(String::from_utf8_lossy(&value).into_owned());
        }
        rest = after(tail, b';')?;
    }
}

/// Reads a value; returns it and what follows.
fn value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = position(text, |byte| byte == b';');
        return (text[..end].trim_ascii_end().to_vec(), &text[end..]);
    };
    let mut value = Vec::new();
    let mut rest = quoted;
    loop {
        match rest {
            [b'\\', b'"', tail @ ..] => {
                value.push(b'"');
                rest = tail;
            }
            [] | [b'"', ..] => return (value, rest.get(1..).unwrap_or_default()),
            [byte, tail @ ..] => {
                value.push(*byte);
                rest = tail;
            }
        }
    }
}

fn after(text: &[u8], separator: u8) -> Option<&[u8]> {
    text.get(position(text, |byte| byte == separator) + 1..).filter(|rest| !rest.is_empty())
}

fn position(text: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    let found = text.iter().position(|byte| wanted(*byte));
    found.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str, name: &str) -> Option<String> {
        parameter(header.as_bytes(), name)
    }

    #[test]
    fn parameters_are_read_as_clients_write_them() {
        for (header, name, wanted) in [
            ("form-data; name=file", "name", Some("file")),
            ("form-data;name = \"file\" ;filename=\"a\"", "name", Some("file")),
            ("form-data; filename=\"a name=b; c\"; name=\"file\"", "name", Some("file")),
            ("form-data; name=\"a \\\" b\"", "name", Some("a \" b")),
            ("form-data; name=\"f\"; filename=\"C:\\new\\a.jpg\"", "filename", Some("C:\\new\\a.jpg")),
            ("form-data; name=file; FileName=x y.jpg ", "filename", Some("x y.jpg")),
            ("form-data; name=file; filename*=UTF-8''a", "filename", None),
            ("form-data; name=file; filename*=UTF-8''a", "filename*", Some("UTF-8''a")),
            ("form-data; filename", "filename", Some("")),
            ("form-data; filename=\"open", "filename", Some("open")),
            ("form-data", "name", None),
            ("form-data;", "name", None),
            ("", "name", None),
            ("m/f; charset=utf-8; boundary=--a/b=c", "boundary", Some("--a/b=c")),
            ("m/f; boundary=\"--a b\"; charset=x", "boundary", Some("--a b")),
        ] {
            assert_eq!(read(header, name).as_deref(), wanted, "{header}");
        }
        assert_eq!(parameter(b"x; name=\"\xff\"", "name").as_deref(), Some("\u{fffd}"));
    }
}

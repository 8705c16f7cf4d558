//! What an answer says about a file: what it is, how long it may be kept, and what a browser must not do with it.
//!
//! **Caching.** A file may be replaced, moved or made private at any time, and this server cannot reach into browsers
//! and proxies to take back what they keep. So by default they keep a file and ask each time whether it is still the
//! same, which costs a 304. `--delivery-max-age-s` trades that for age. A version that is named by its token never changes, so it
//! may be kept for the contract's 180 days. What was reached with a signature is for that client alone and not longer
//! than the signature is good.
//!
//! **Hostile files.** Whatever a browser might run as a page of our origin (HTML, SVG, XML and everything that is not
//! known to be harmless) is shown in a sandbox of no origin, without scripts, forms and requests; `nosniff` keeps it
//! from being taken for another type. The API takes no cookies, but a browser may have been given a key.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::library::delivery::Deliverable;

/// Seconds that a version named by its token may be kept: 180 days.
const PINNED_MAX_AGE_S: u64 = 15_552_000;
/// Types that a browser shows without running anything, but for those with `xml` in their names. PDF viewers run a
/// file's scripts in a place of their own, and do not work in a sandbox.
const PASSIVE_TYPES: &[&str] = &["image/", "video/", "audio/", "font/", "application/pdf"];
const SANDBOX: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:");
/// What RFC 8187 lets stand in an extended value.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// For whom an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Everyone,
    /// Who has the signed URL, for so many seconds; `None` for ever.
    Signed {
        left_s: Option<u64>,
    },
}

/// How long an answer may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Not without asking whether it is still the same.
    AskAgain,
    /// For so many seconds, as the operator set it.
    Seconds(u64),
    /// As long as the contract lets it: it does not change.
    Pinned,
}

/// What every answer of delivery has, also a refusal: pages of other origins may use it and read its headers.
pub fn open_to_all(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// What a whole file is. `etag` has its quotes.
pub fn describe(headers: &mut HeaderMap, file: &Deliverable, etag: &str) {
    set(headers, header::CONTENT_TYPE, &file.mime);
    set(headers, header::ETAG, etag);
    set(headers, header::LAST_MODIFIED, &file.modified.http_date());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if !is_passive(&file.mime) {
        headers.insert(header::CONTENT_SECURITY_POLICY, SANDBOX);
    }
}

/// Sets a header to a text that is ASCII, as MIME types, digests, dates and numbers are.
pub fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Whether a browser shows this type without running anything.
fn is_passive(mime: &str) -> bool {
    let mime = mime.to_ascii_lowercase();
    PASSIVE_TYPES.iter().any(|kind| mime.starts_with(kind)) && !mime.contains("xml")
}

/// The value of `Cache-Control`.
#[must_use]
pub fn cache_control(audience: Audience, keeping: Keeping) -> String {
    let (scope, left_s) = match audience {
        Audience::Everyone => ("public", None),
        Audience::Signed { left_s } => ("private", left_s),
    };
    let (age_s, also) = match keeping {
        Keeping::AskAgain => (0, ""),
        Keeping::Seconds(seconds) => (seconds, ""),
        Keeping::Pinned => (PINNED_MAX_AGE_S, ", immutable"),
    };
    match age_s.min(left_s.unwrap_or(u64::MAX)) {
        0 => format!("{scope}, no-cache"),
        age_s => format!("{scope}, max-age={age_s}{also}"),
    }
}

/// The value of `Content-Disposition` that makes a browser save a file under its name (RFC 6266). Old clients read
/// `filename`, in which everything but plain ASCII is replaced; the others read the whole name from `filename*`.
#[must_use]
pub fn attachment(name: &str) -> String {
    let is_plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTR_CHAR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_kept_for_how_long() {
        let signed = |left_s| Audience::Signed { left_s };
        for (audience, keeping, value) in [
            (Audience::Everyone, Keeping::AskAgain, "public, no-cache"),
            (Audience::Everyone, Keeping::Seconds(60), "public, max-age=60"),
            (Audience::Everyone, Keeping::Pinned, "public, max-age=15552000, immutable"),
            (signed(None), Keeping::AskAgain, "private, no-cache"),
            (signed(None), Keeping::Seconds(60), "private, max-age=60"),
            (signed(Some(30)), Keeping::Seconds(60), "private, max-age=30"),
            (signed(Some(30)), Keeping::Pinned, "private, max-age=30, immutable"),
            (signed(Some(0)), Keeping::Pinned, "private, no-cache"),
        ] {
            assert_eq!(cache_control(audience, keeping), value);
        }
    }

    #[test]
    fn names_of_saved_files() {
        for (name, value) in [
            ("a b.jpg", "attachment; filename=\"a b.jpg\""),
            ("a\"b\\.jpg", "attachment; filename=\"a_b_.jpg\"; filename*=UTF-8''a%22b%5C.jpg"),
            ("été;x.jpg", "attachment; filename=\"_t_;x.jpg\"; filename*=UTF-8''%C3%A9t%C3%A9%3Bx.jpg"),
            ("100%.jpg", "attachment; filename=\"100_.jpg\"; filename*=UTF-8''100%25.jpg"),
            ("a\r\nb", "attachment; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab"),
        ] {
            assert_eq!(attachment(name), value);
        }
    }

    #[test]
    fn what_a_browser_might_run_is_not_passive() {
        for mime in ["image/jpeg", "image/avif", "video/mp4", "audio/ogg", "font/woff2", "application/pdf"] {
            assert!(is_passive(mime), "{mime}");
        }
        for mime in [
            "image/svg+xml",
            "IMAGE/SVG+XML",
            "text/html",
            "text/plain",
            "text/xml",
            "application/xml",
            "application/xhtml+xml",
            "application/javascript",
            "message/rfc822",
            "multipart/related",
            "application/octet-stream",
            "application/x-shockwave-flash",
            "",
        ] {
            assert!(!is_passive(mime), "{mime}");
        }
    }
}

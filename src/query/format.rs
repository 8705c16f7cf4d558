//! The short names of formats that `format` is compared with.

/// What a MIME type is called; types that many formats share are not here.
const BY_MIME: &[(&str, &str)] = &[
    ("image/jpeg", "jpg"),
    ("image/webp", "webp"),
    ("image/png", "png"),
    ("image/gif", "gif"),
    ("image/svg+xml", "svg"),
    ("image/avif", "avif"),
    ("image/heic", "heic"),
    ("image/heif", "heif"),
    ("image/bmp", "bmp"),
    ("image/tiff", "tiff"),
    ("image/jxl", "jxl"),
    ("image/x-icon", "ico"),
    ("image/vnd.microsoft.icon", "ico"),
    ("image/vnd.adobe.photoshop", "psd"),
    ("application/pdf", "pdf"),
    ("application/javascript", "js"),
    ("text/javascript", "js"),
    ("text/css", "css"),
    ("font/woff2", "woff2"),
    ("application/font-woff2", "woff2"),
    ("font/woff", "woff"),
    ("application/font-woff", "woff"),
    ("font/ttf", "ttf"),
    ("application/font-sfnt", "ttf"),
    ("font/otf", "otf"),
    ("application/vnd.ms-fontobject", "eot"),
    ("video/mp4", "mp4"),
    ("video/webm", "webm"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
    ("video/x-msvideo", "avi"),
    ("video/x-ms-wmv", "wmv"),
    ("video/x-flv", "flv"),
    ("audio/mpeg", "mp3"),
    ("audio/x-wav", "wav"),
    ("audio/x-flac", "flac"),
    ("application/x-shockwave-flash", "swf"),
    ("video/mp2t", "ts"),
    ("application/vnd.apple.mpegurl", "m3u8"),
    ("application/x-mpegurl", "m3u8"),
];

/// The format of a file, from what its bytes were found to be, or else from its name; empty if neither tells.
pub fn of(mime: &str, name: &str) -> String {
    let essence = mime.split(';').next().unwrap_or_default().trim();
    if let Some((_, format)) = BY_MIME.iter().find(|(known, _)| known.eq_ignore_ascii_case(essence)) {
        return (*format).to_owned();
    }
    canonical(name.rsplit_once('.').map_or("", |(_, extension)| extension))
}

/// One spelling of a format.
pub fn canonical(format: &str) -> String {
    let lower = format.trim().to_ascii_lowercase();
    if lower == "jpeg" { "jpg".to_owned() } else { lower }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_before_names() {
        for (mime, name, format) in [
            ("image/jpeg", "a.png", "jpg"),
            ("application/octet-stream", "a.JPEG", "jpg"),
            ("text/plain", "notes.TXT", "txt"),
            ("text/plain; charset=utf-8", "app.ts", "ts"),
            ("video/mp4", "a", "mp4"),
            ("application/octet-stream", "a", ""),
        ] {
            assert_eq!(of(mime, name), format, "{mime} {name}");
        }
    }
}

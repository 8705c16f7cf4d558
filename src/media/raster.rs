//! Size and transparency of raster images, from their headers.
//!
//! Sizes come from the `imagesize` crate, with `image` as a second opinion on unusual JPEGs. Own code reads what these
//! do not: transparency, which no crate tells without decoding, and the two bitmap headers that `imagesize` mistakes
//! (an upside-down or an OS/2 bitmap).

use std::io::{Cursor, ErrorKind};

use imagesize::ImageError;

use super::{Facts, tiff};

/// Memory for one GIF frame's bookkeeping, in bytes. Pixels are skipped, so this is only a fuse.
const GIF_MEMORY_BYTES: std::num::NonZeroU64 = std::num::NonZeroU64::new(1 << 20).unwrap();

/// How an AVIF or HEIC file marks an item as the alpha plane of another (MIAF, ISO/IEC 23000-22, 7.3.5.2).
const ALPHA_URNS: [&[u8]; 2] = [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"];

/// The facts about an image of the type `mime`; none for other types.
pub(super) fn facts(mime: &str, head: &[u8]) -> Facts {
    match mime {
        "image/jpeg" => jpeg(head),
        "image/png" => png(head),
        "image/gif" => sized(head, gif_alpha(head)),
        "image/webp" => webp(head),
        "image/avif" | "image/heic" | "image/heif" => heif(head),
        "image/bmp" => bmp(head),
        "image/tiff" => tiff::facts(head),
        // Every icon has a mask.
        "image/vnd.microsoft.icon" | "image/x-icon" => sized(head, Some(true)),
        "image/vnd.adobe.photoshop" => sized(head, psd_alpha(head)),
        "image/jxl" => sized(head, None),
        _ => Facts::default(),
    }
}

/// The size as `imagesize` reads it.
fn sized(head: &[u8], alpha: Option<bool>) -> Facts {
    let (pixels, cut_off) = match imagesize::blob_size(head) {
        Ok(size) => (pixels(size.width, size.height), false),
        Err(ImageError::IoError(error)) => (None, error.kind() == ErrorKind::UnexpectedEof),
        Err(_) => (None, false),
    };
    Facts { pixels, alpha, cut_off }
}

fn pixels(width: usize, height: usize) -> Option<(u32, u32)> {
    Some((width.try_into().ok()?, height.try_into().ok()?))
}

fn jpeg(head: &[u8]) -> Facts {
    let facts = sized(head, Some(false));
    if facts.pixels.is_some() {
        return facts;
    }
    // `imagesize` trips over fill bytes between segments, which are legal (ITU T.81, B.1.1.2).
    let second = image::ImageReader::with_format(Cursor::new(head), image::ImageFormat::Jpeg);
    match second.into_dimensions() {
        Ok(pixels) => Facts { pixels: Some(pixels), cut_off: false, ..facts },
        Err(_) => facts,
    }
}

/// Walks the chunks before the pixels: IHDR has the size and perhaps an alpha channel, tRNS is the other way to
/// transparency (PNG, third edition, 11.2.1 and 11.3.1.1).
fn png(head: &[u8]) -> Facts {
    let mut facts = Facts { cut_off: true, ..Facts::default() };
    let mut rest = head.get(8..).unwrap_or_default();
    while let Some((header, body)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        match &header[4..] {
            b"IHDR" if body.len() >= 10 => {
                facts.pixels = Some((be32(body, 0), be32(body, 4)));
                if matches!(body[9], 4 | 6) {
                    facts.alpha = Some(true);
                }
            }
            b"tRNS" => facts.alpha = Some(true),
            b"IDAT" | b"IEND" => {
                facts.alpha = facts.alpha.or(Some(false));
                facts.cut_off = false;
            }
            _ => {}
        }
        if !facts.cut_off || (facts.alpha == Some(true) && facts.pixels.is_some()) {
            facts.cut_off = false;
            return facts;
        }
        // Four bytes of checksum follow the body.
        rest = body.get(length.saturating_add(4)..).unwrap_or_default();
    }
    facts
}

/// True when any frame within the head has a transparent colour.
fn gif_alpha(head: &[u8]) -> Option<bool> {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    options.set_memory_limit(gif::MemoryLimit::Bytes(GIF_MEMORY_BYTES));
    let mut decoder = options.read_info(head).ok()?;
    let mut seen = None;
    // An error is the end of the head, or damage: what was seen before counts.
    while let Ok(Some(frame)) = decoder.next_frame_info() {
        if frame.transparent.is_some() {
            return Some(true);
        }
        seen = Some(false);
    }
    seen
}

/// Alpha stands in the first chunk (RFC 9649, 2.7 for VP8X; 3.4 for VP8L, after 2 x 14 bits of size).
fn webp(head: &[u8]) -> Facts {
    let alpha = match head.get(12..16) {
        Some(b"VP8 ") => Some(false),
        Some(b"VP8L") => head.get(24).map(|byte| byte & 0x10 != 0),
        Some(b"VP8X") => head.get(20).map(|flags| flags & 0x10 != 0),
        _ => None,
    };
    let mut facts = sized(head, alpha);
    if head.get(12..16) == Some(b"VP8 ") {
        // The two high bits are a scaling hint for players, not size (RFC 6386, 9.1).
        facts.pixels = facts.pixels.map(|(width, height)| (width & 0x3fff, height & 0x3fff));
    }
    facts
}

/// The boxes before and around the item properties. Properties are not traced to their item: a file with an alpha
/// plane is one whose main image is transparent.
fn heif(head: &[u8]) -> Facts {
    let Some(meta) = meta_box(head) else {
        return Facts { cut_off: true, ..Facts::default() };
    };
    let alpha = ALPHA_URNS.iter().any(|urn| meta.windows(urn.len()).any(|window| window == *urn));
    sized(head, Some(alpha))
}

/// The body of the top-level `meta` box, when all of it is in the head.
fn meta_box(head: &[u8]) -> Option<&[u8]> {
    let mut rest = head;
    loop {
        let (header, _) = rest.split_first_chunk::<8>()?;
        let length = be32(header, 0) as usize;
        // 64-bit and open-ended lengths are for media data, which comes after the metadata.
        if length < header.len() {
            return None;
        }
        let whole = rest.get(..length)?;
        if &header[4..] == b"meta" {
            return Some(&whole[header.len()..]);
        }
        rest = &rest[length..];
    }
}

/// Lengths of the bitmap headers in use, in bytes; the first is that of OS/2.
const BMP_HEADERS: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];

/// Whether two letters "BM" are followed by what a bitmap has there.
pub(super) fn is_bmp(head: &[u8]) -> bool {
    head.len() >= 18 && head.starts_with(b"BM") && BMP_HEADERS.contains(&le32(head, 14))
}

fn bmp(head: &[u8]) -> Facts {
    if !is_bmp(head) || head.len() < 26 {
        return Facts::default();
    }
    let header = le32(head, 14);
    if header == BMP_HEADERS[0] {
        return Facts {
            pixels: Some((le32(head, 18) & 0xffff, le32(head, 18) >> 16)),
            alpha: Some(false),
            cut_off: false,
        };
    }
    // A negative height means that the first row is the top one.
    let height = le32(head, 22).cast_signed().unsigned_abs();
    let alpha_mask = header >= 56 && head.len() >= 70 && le32(head, 66) != 0;
    Facts { pixels: Some((le32(head, 18), height)), alpha: Some(alpha_mask), cut_off: false }
}

/// A channel more than the colour mode needs is an alpha channel (Photoshop file format, file header section).
fn psd_alpha(head: &[u8]) -> Option<bool> {
    let channels = u16::from_be_bytes([*head.get(12)?, *head.get(13)?]);
    let colours = match u16::from_be_bytes([*head.get(24)?, *head.get(25)?]) {
        // Bitmap, grey, indexed, duotone.
        0 | 1 | 2 | 8 => 1,
        // RGB, Lab.
        3 | 9 => 3,
        // CMYK.
        4 => 4,
        _ => return None,
    };
    Some(channels > colours)
}

/// Reads four bytes at `at`; zero behind the end, so that no input can panic.
fn word(bytes: &[u8], at: usize) -> [u8; 4] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(word(bytes, at))
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(word(bytes, at))
}

//! What a file is, told from its first bytes and its name: MIME type, image or not, pixel size, transparency.
//!
//! 1. The magic number decides the type; where it says nothing or too little, the extension does. Text is named by its
//!    extension alone, and without one it is `application/octet-stream`, as the API contract has it.
//! 2. For image types, `raster.rs`, `tiff.rs` and `svg.rs` read size and transparency from the header.
//! 3. What a picture says of itself, EXIF and the like, is the matter of `embedded/`; what else is known of it, and told only
//!    to who asks, of `picture.rs`.
//! 4. A header that reaches beyond the head is answered with [`Probe::NeedMore`]; the caller asks again with more.
//! 5. How long a video or a recording plays is in an index that may be anywhere: `playback` asks for what it needs of it.
//!
//! Everything here is pure: no I/O, no panic on any bytes, memory and time linear in the head; only [`hash`] decodes pixels. A broken image is no
//! error; it has the facts that could still be read. Sizes are those of the stored pixels: EXIF orientation is not
//! applied.

mod embedded;
mod picture;
pub mod playback;
mod raster;
mod svg;
mod tiff;

pub use embedded::{Embedded, METADATA_BYTES_MAX, embedded};
pub use picture::{Picture, hash, is_decoded, picture};

/// How much of a file is looked at before its size is left open, in bytes. Metadata in front of the pixels rarely
/// exceeds a few hundred KiB; a TIFF of this size with its directory at the end is still understood.
pub const HEAD_BYTES_LIMIT: u64 = 16 * 1024 * 1024;

/// How far to look for control characters before calling a file text, in bytes.
const TEXT_SAMPLE_BYTES: usize = 4096;

/// The type of what cannot be told.
const UNKNOWN: &str = "application/octet-stream";

/// Whether the API calls a file an `image` or a `non-image`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A raster image or an SVG.
    Image,
    /// Everything else.
    NonImage,
}

/// What is known about a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Its MIME type, without parameters.
    pub mime: String,
    /// Image or not.
    pub kind: Kind,
    /// Width in stored pixels.
    pub width: Option<u32>,
    /// Height in stored pixels.
    pub height: Option<u32>,
    /// Whether the image can have transparent pixels.
    pub has_alpha: Option<bool>,
}

/// The answer of [`probe`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// All that can be known.
    Known(Media),
    /// The header reaches beyond the head: ask again with a head of `head_bytes` bytes, or use what is known so far.
    NeedMore {
        /// How many bytes to bring, at most the file's size and [`HEAD_BYTES_LIMIT`].
        head_bytes: u64,
        /// The facts within the head.
        so_far: Media,
    },
}

impl Probe {
    /// The facts, complete or not.
    #[must_use]
    pub fn into_media(self) -> Media {
        match self {
            Self::Known(media) | Self::NeedMore { so_far: media, .. } => media,
        }
    }
}

/// What an image header tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Facts {
    /// Width and height in pixels.
    pixels: Option<(u32, u32)>,
    alpha: Option<bool>,
    /// The head ended before the header did.
    cut_off: bool,
}

/// Tells what a file of `size` bytes is whose first bytes are `head`. Of the name only the extension counts.
#[must_use]
pub fn probe(head: &[u8], size: u64, file_name: &str) -> Probe {
    let vector = svg::facts(head);
    let mime = match vector {
        Some(_) => "image/svg+xml",
        None => mime_of(head, file_name),
    };
    let facts = vector.unwrap_or_else(|| raster::facts(mime, head));
    // A size of zero is not a size: some formats write it for "not known yet".
    let pixels = facts.pixels.filter(|(width, height)| *width > 0 && *height > 0);
    let media = Media {
        mime: mime.to_owned(),
        kind: kind_of(mime),
        width: pixels.map(|(width, _)| width),
        height: pixels.map(|(_, height)| height),
        has_alpha: facts.alpha,
    };
    let head_bytes = size.min(HEAD_BYTES_LIMIT);
    if facts.cut_off && (head.len() as u64) < head_bytes {
        return Probe::NeedMore { head_bytes, so_far: media };
    }
    Probe::Known(media)
}

/// Drawings and documents that happen to be filed under `image/` are no images to the API.
fn kind_of(mime: &str) -> Kind {
    match mime {
        "image/vnd.dwg" | "image/vnd.dxf" | "image/vnd.djvu" => Kind::NonImage,
        image if image.starts_with("image/") => Kind::Image,
        _ => Kind::NonImage,
    }
}

/// Magic number first, then extension.
fn mime_of(head: &[u8], file_name: &str) -> &'static str {
    let by_name = mime_by_extension(file_name);
    let Some(magic) = mime_by_magic(head) else {
        return by_name.unwrap_or(UNKNOWN);
    };
    // Archives of this kind carry many formats; the name knows better which one, unless it names no document at all.
    let container = matches!(magic, "application/zip" | "application/x-ole-storage");
    match by_name {
        Some(name) if container && name.starts_with("application/") => name,
        _ => magic,
    }
}

fn mime_by_extension(file_name: &str) -> Option<&'static str> {
    let (_, extension) = file_name.rsplit_once('.')?;
    mime_guess::from_ext(extension).first_raw()
}

fn mime_by_magic(head: &[u8]) -> Option<&'static str> {
    if let Some(mime) = mime_of_image_container(head).or_else(|| mime_of_big_tiff(head)) {
        return Some(mime);
    }
    let mime = infer::get(head)?.mime_type();
    let believed = match mime {
        // `infer` looks at two or three letters here, which begin many a text.
        "image/bmp" => raster::is_bmp(head),
        "image/gif" => head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a"),
        "image/webp" => head.starts_with(b"RIFF"),
        // Formats whose magic number is text.
        "application/pdf" | "application/postscript" | "application/rtf" => true,
        // The same letters again: a text is named by its extension.
        _ => !is_text(head),
    };
    believed.then_some(mime)
}

/// HEIC and AVIF by their brands (ISO/IEC 23008-12 annex B, AVIF section 6): the major one, or for the generic ones the
/// compatible ones. `infer` leaves out the image sequences and wants the whole box in the head.
fn mime_of_image_container(head: &[u8]) -> Option<&'static str> {
    let length = u32::from_be_bytes(head.first_chunk().copied()?) as usize;
    if head.get(4..8)? != b"ftyp" {
        return None;
    }
    let brands = head.get(8..length.min(head.len()))?.chunks_exact(4);
    // The second word is a version, not a brand.
    let mut brands = brands.enumerate().filter(|(at, _)| *at != 1);
    let mime_of_brand = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some("image/avif"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some("image/heic"),
        _ => None,
    };
    let (_, major) = brands.next()?;
    mime_of_brand(major).or_else(|| match major {
        b"mif1" | b"msf1" | b"mif2" | b"miaf" => brands.find_map(|(_, brand)| mime_of_brand(brand)),
        _ => None,
    })
}

/// TIFF with 64-bit offsets, which `infer` does not know.
fn mime_of_big_tiff(head: &[u8]) -> Option<&'static str> {
    let big = head.starts_with(b"II\x2b\0\x08\0") || head.starts_with(b"MM\0\x2b\0\x08");
    big.then_some("image/tiff")
}

/// Text has no control characters but white space and escape (terminal colours).
fn is_text(head: &[u8]) -> bool {
    let sample = &head[..head.len().min(TEXT_SAMPLE_BYTES)];
    !sample.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}

#[cfg(test)]
mod tests;

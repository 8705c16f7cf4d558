//! Where pictures of each format keep what they say of themselves: the blocks of EXIF, XMP and IPTC, as slices of the
//! head, and the few facts that stand beside them.

use super::{boxes, ifd, iptc};
use crate::media::HEAD_BYTES_LIMIT;
use ifd::Group;

/// Segments or chunks that are looked at; a JPEG's colour profile alone may take dozens.
const PIECES_MAX: usize = 1000;
const METRES_PER_INCH: f64 = 0.0254;

/// What was found in a picture's head.
#[derive(Debug, Default)]
pub struct Blocks<'a> {
    /// A TIFF structure.
    pub exif: Option<&'a [u8]>,
    /// A packet of XML.
    pub xmp: Option<&'a [u8]>,
    /// Data sets of IPTC-IIM.
    pub iptc: Option<&'a [u8]>,
    /// Texts of a PNG with their keywords.
    pub texts: Vec<(&'a [u8], &'a [u8])>,
    /// Whether there is a colour profile.
    pub has_profile: bool,
    /// Pixels per inch, where the format itself tells.
    pub density: Option<f64>,
    /// The first quantisation table of a JPEG, in the order of the file.
    pub quantisation: Option<&'a [u8]>,
    /// There is more behind the head: it takes a head of so many bytes, or of the whole file.
    pub needs_bytes: Option<u64>,
}

/// Finds the blocks of a picture of the type `mime`; other types have none.
pub fn blocks<'a>(mime: &str, head: &'a [u8]) -> Blocks<'a> {
    let mut blocks = Blocks::default();
    match mime {
        "image/jpeg" => drop(blocks.jpeg(head)),
        "image/png" => drop(blocks.png(head)),
        "image/webp" => drop(blocks.webp(head)),
        "image/tiff" => blocks.tiff(head),
        "image/avif" | "image/heic" | "image/heif" => boxes::find(head, &mut blocks),
        _ => {}
    }
    blocks
}

impl<'a> Blocks<'a> {
    /// How long a head of a file of `size` bytes must be to have all, if it is longer than this one and there is as much.
    pub fn needs(&self, head: &[u8], size: u64) -> Option<u64> {
        let bytes = self.needs_bytes?.min(size).min(HEAD_BYTES_LIMIT);
        (bytes > head.len() as u64).then_some(bytes)
    }

    /// The segments in front of the pixels (ITU T.81, B.1.1; EXIF: CIPA DC-008, 4.7; XMP: part 3, 1.1.3). XMP that goes on
    /// in further segments is bookkeeping, and not read. `None` at the end or where it is broken.
    fn jpeg(&mut self, head: &'a [u8]) -> Option<()> {
        let mut rest = head.get(2..)?;
        for _ in 0..PIECES_MAX {
            // Fill bytes may stand before a marker.
            let mark = rest.iter().position(|byte| *byte != 0xff)?;
            let marker = *rest.get(mark).filter(|_| mark > 0)?;
            rest = rest.get(mark + 1..)?;
            if matches!(marker, 0x01 | 0xd0..=0xd7) {
                continue;
            }
            // The pixels begin, or the picture ends.
            if matches!(marker, 0xd8..=0xda) {
                return None;
            }
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            if length > rest.len() {
                self.needs_bytes = Some(u64::MAX);
            }
            let segment = rest.get(2..length)?;
            self.jpeg_segment(marker, segment);
            rest = rest.get(length..)?;
        }
        None
    }

    fn jpeg_segment(&mut self, marker: u8, segment: &'a [u8]) {
        let body = |id: &[u8]| segment.strip_prefix(id);
        match marker {
            0xe0 => {
                if let Some([_, _, unit, high, low, ..]) = body(b"JFIF\0") {
                    let density = f64::from(u16::from_be_bytes([*high, *low]));
                    let scale = match unit {
                        1 => 1.0,
                        2 => 2.54,
                        _ => 0.0,
                    };
                    self.density = Some(density * scale).filter(|density| *density > 0.0);
                }
            }
            0xe1 => {
                self.exif = self.exif.or(body(b"Exif\0\0"));
                self.xmp = self.xmp.or(body(b"http://ns.adobe.com/xap/1.0/\0"));
            }
            0xe2 => self.has_profile |= segment.starts_with(b"ICC_PROFILE\0"),
            0xed => self.iptc = self.iptc.or_else(|| iptc::in_resources(body(b"Photoshop 3.0\0")?)),
            0xdb => self.quantisation = self.quantisation.or(Some(segment)),
            _ => {}
        }
    }

    /// The chunks of a PNG, as far as the head has them (PNG, third edition, 5.3 and 11.3; XMP: part 3, 1.1.5).
    /// Compressed ones are not read.
    fn png(&mut self, head: &'a [u8]) -> Option<()> {
        let mut rest = head.get(8..)?;
        for _ in 0..PIECES_MAX {
            let (header, body) = rest.split_first_chunk::<8>()?;
            let length = u32::from_be_bytes(*header.first_chunk()?) as usize;
            // What stands behind pixels that do not fit into the head is not worth reading all of them.
            if length > body.len() && &header[4..] != b"IDAT" {
                self.needs_bytes = Some(u64::MAX);
            }
            let chunk = body.get(..length)?;
            match &header[4..] {
                b"eXIf" => self.exif = self.exif.or(Some(chunk.strip_prefix(b"Exif\0\0").unwrap_or(chunk))),
                b"iCCP" => self.has_profile = true,
                b"pHYs" => self.density = per_metre(chunk).or(self.density),
                b"tEXt" => self.texts.extend(split_at_nul(chunk)),
                b"iTXt" => {
                    let (keyword, rest) = split_at_nul(chunk)?;
                    // Whether compressed, how, the language, and the keyword in it.
                    if let Some((0, rest)) = rest.split_first()
                        && let Some((_, rest)) = rest.get(1..).and_then(split_at_nul)
                        && let Some((_, text)) = split_at_nul(rest)
                    {
                        match keyword {
                            b"XML:com.adobe.xmp" => self.xmp = self.xmp.or(Some(text)),
                            _ => self.texts.push((keyword, text)),
                        }
                    }
                }
                b"IEND" => return None,
                _ => {}
            }
            // Four bytes of checksum follow the body.
            rest = body.get(length.checked_add(4)?..)?;
        }
        None
    }

    /// The chunks of a WebP: metadata stand behind the pixels (RFC 9649, 2.7).
    fn webp(&mut self, head: &'a [u8]) -> Option<()> {
        let mut rest = head.get(12..)?;
        let flags = *head.get(20).filter(|_| rest.starts_with(b"VP8X"))?;
        self.has_profile = flags & 0x20 != 0;
        let (mut exif, mut xmp) = (flags & 0x08 != 0, flags & 0x04 != 0);
        for _ in 0..PIECES_MAX {
            if !exif && !xmp {
                return None;
            }
            let Some((header, body)) = rest.split_first_chunk::<8>() else { break };
            let length = u32::from_le_bytes(*header.last_chunk()?) as usize;
            let Some(chunk) = body.get(..length) else { break };
            match &header[..4] {
                b"EXIF" => {
                    self.exif = self.exif.or(Some(chunk.strip_prefix(b"Exif\0\0").unwrap_or(chunk)));
                    exif = false;
                }
                b"XMP " => {
                    self.xmp = self.xmp.or(Some(chunk));
                    xmp = false;
                }
                _ => {}
            }
            rest = body.get(length.checked_next_multiple_of(2)?..).unwrap_or_default();
        }
        self.needs_bytes = Some(u64::MAX);
        None
    }

    /// A TIFF is what EXIF is made of, and has the rest in tags (TIFF 6.0; XMP: part 3, 1.1.4).
    fn tiff(&mut self, head: &'a [u8]) {
        self.exif = Some(head);
        let tags = ifd::tags(head);
        let bytes = |tag| tags.get(Group::Image, tag).map(ifd::Entry::bytes);
        self.xmp = bytes(0x02bc);
        self.iptc = bytes(0x83bb).or_else(|| iptc::in_resources(bytes(0x8649)?));
        self.has_profile = bytes(0x8773).is_some();
        self.needs_bytes = tags.cut_off.then_some(u64::MAX);
    }
}

fn split_at_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let nul = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..nul], &bytes[nul + 1..]))
}

/// Pixels per inch of a `pHYs` chunk whose unit is the metre.
fn per_metre(chunk: &[u8]) -> Option<f64> {
    let [a, b, c, d, _, _, _, _, 1] = chunk else { return None };
    Some(f64::from(u32::from_be_bytes([*a, *b, *c, *d])) * METRES_PER_INCH).filter(|density| *density > 0.0)
}

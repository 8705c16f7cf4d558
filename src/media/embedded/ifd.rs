//! The tags of EXIF: directories of a TIFF structure (CIPA DC-008, 4.6.2; TIFF 6.0, section 2).
//!
//! Own code, because the crates that read EXIF decode each value whole, and thousands of entries of one small file may
//! all point to the same long one. Here an entry is a slice of the head until somebody asks for its value, and what
//! is asked for has a bound.

/// Directories of a camera have some sixty entries.
const ENTRIES_MAX: usize = 256;
/// Numbers in one value that are worth telling; longer ones are tables, such as where the strips of a picture begin.
const NUMBERS_MAX: usize = 64;

const EXIF_POINTER: u16 = 0x8769;
const GPS_POINTER: u16 = 0x8825;
const INTEROPERABILITY_POINTER: u16 = 0xa005;

/// The directory that a tag stands in; the same number means something else in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The first directory: the picture.
    Image,
    /// The second one: its thumbnail.
    Thumbnail,
    Exif,
    Gps,
    Interoperability,
}

/// A tag with its value, undecoded.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub group: Group,
    pub tag: u16,
    kind: u16,
    bytes: &'a [u8],
    little: bool,
}

/// The tags of a TIFF structure.
#[derive(Debug, Default)]
pub struct Tags<'a> {
    pub entries: Vec<Entry<'a>>,
    /// A directory or a value lies behind the end of the bytes.
    pub cut_off: bool,
}

/// Reads the directories of a picture, its thumbnail, EXIF, GPS and interoperability: five at most, each once. What is
/// broken is left out.
pub fn tags(tiff: &[u8]) -> Tags<'_> {
    let mut tags = Tags::default();
    let little = match tiff.get(..4) {
        Some(b"II\x2a\0") => true,
        Some(b"MM\0\x2a") => false,
        _ => return tags,
    };
    let reader = Reader { tiff, little };
    let Some(first) = reader.u32(4) else { return tags };
    let second = reader.directory(first, Group::Image, &mut tags);
    if let Some(exif) = tags.pointer(Group::Image, EXIF_POINTER) {
        reader.directory(exif, Group::Exif, &mut tags);
    }
    if let Some(gps) = tags.pointer(Group::Image, GPS_POINTER) {
        reader.directory(gps, Group::Gps, &mut tags);
    }
    if let Some(interoperability) = tags.pointer(Group::Exif, INTEROPERABILITY_POINTER) {
        reader.directory(interoperability, Group::Interoperability, &mut tags);
    }
    if let Some(second) = second.filter(|second| *second != first) {
        reader.directory(second, Group::Thumbnail, &mut tags);
    }
    tags
}

impl<'a> Tags<'a> {
    /// The first entry of a tag.
    pub fn get(&self, group: Group, tag: u16) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.group == group && entry.tag == tag)
    }

    /// Where another directory begins, in bytes from the beginning.
    fn pointer(&self, group: Group, tag: u16) -> Option<u32> {
        let at = *self.get(group, tag)?.numbers()?.first()?;
        // Not more than 32 bits are stored; zero is where the header is.
        (at > 0.0 && at.fract() == 0.0).then_some(at as u32)
    }
}

struct Reader<'a> {
    tiff: &'a [u8],
    little: bool,
}

impl<'a> Reader<'a> {
    /// Adds the entries of the directory at `start`, and tells where the next one is, if there is one.
    fn directory(&self, start: u32, group: Group, tags: &mut Tags<'a>) -> Option<u32> {
        let start = start as usize;
        let Some(count) = self.u16(start) else {
            tags.cut_off = true;
            return None;
        };
        let entries = start.checked_add(2)?;
        for index in 0..usize::from(count).min(ENTRIES_MAX) {
            let at = entries.checked_add(index * 12)?;
            let (Some(tag), Some(kind), Some(count)) = (self.u16(at), self.u16(at + 2), self.u32(at + 4)) else {
                tags.cut_off = true;
                return None;
            };
            let Some(bytes) = width_of(kind).and_then(|width| width.checked_mul(count as usize)) else { continue };
            // What does not fit into the field stands elsewhere, and the field says where.
            let from = if bytes <= 4 { Some(at + 8) } else { self.u32(at + 8).map(|at| at as usize) };
            match from.and_then(|from| self.tiff.get(from..from.checked_add(bytes)?)) {
                Some(bytes) => tags.entries.push(Entry { group, tag, kind, bytes, little: self.little }),
                None => tags.cut_off = true,
            }
        }
        self.u32(entries.checked_add(usize::from(count) * 12)?).filter(|next| *next != 0)
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.tiff.get(at..at.checked_add(2)?)?.first_chunk()?;
        Some(if self.little { u16::from_le_bytes(*bytes) } else { u16::from_be_bytes(*bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.tiff.get(at..at.checked_add(4)?)?.first_chunk()?;
        Some(if self.little { u32::from_le_bytes(*bytes) } else { u32::from_be_bytes(*bytes) })
    }
}

/// Bytes of one value of a type (TIFF 6.0, section 2).
fn width_of(kind: u16) -> Option<usize> {
    Some(match kind {
        BYTE | ASCII | SIGNED_BYTE | UNDEFINED => 1,
        SHORT | SIGNED_SHORT => 2,
        LONG | SIGNED_LONG | FLOAT | IFD => 4,
        RATIONAL | SIGNED_RATIONAL | DOUBLE => 8,
        _ => return None,
    })
}

const BYTE: u16 = 1;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const SIGNED_BYTE: u16 = 6;
const UNDEFINED: u16 = 7;
const SIGNED_SHORT: u16 = 8;
const SIGNED_LONG: u16 = 9;
const SIGNED_RATIONAL: u16 = 10;
const FLOAT: u16 = 11;
const DOUBLE: u16 = 12;
const IFD: u16 = 13;

impl<'a> Entry<'a> {
    /// The value as it stands in the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether the value is text; it may still be blank.
    pub fn is_text(&self) -> bool {
        self.kind == ASCII
    }

    /// The numbers of a value that consists of few; `None` for text, for many, and for a fraction over zero, which
    /// stands for what is not known.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        let width = width_of(self.kind)?;
        let count = self.bytes.len() / width;
        if self.kind == ASCII || count == 0 || count > NUMBERS_MAX {
            return None;
        }
        self.bytes.chunks_exact(width).map(|bytes| self.number(bytes).filter(|number| number.is_finite())).collect()
    }

    fn number(&self, bytes: &[u8]) -> Option<f64> {
        Some(match self.kind {
            BYTE | UNDEFINED => bytes.first().copied()?.into(),
            SIGNED_BYTE => bytes.first().copied()?.cast_signed().into(),
            SHORT => self.u16(bytes)?.into(),
            SIGNED_SHORT => self.u16(bytes)?.cast_signed().into(),
            LONG | IFD => self.u32(bytes)?.into(),
            SIGNED_LONG => self.u32(bytes)?.cast_signed().into(),
            RATIONAL => f64::from(self.u32(bytes)?) / f64::from(self.u32(bytes.get(4..)?)?),
            SIGNED_RATIONAL => {
                f64::from(self.u32(bytes)?.cast_signed()) / f64::from(self.u32(bytes.get(4..)?)?.cast_signed())
            }
            FLOAT => f32::from_bits(self.u32(bytes)?).into(),
            DOUBLE => {
                let bytes = *bytes.first_chunk()?;
                if self.little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) }
            }
            _ => return None,
        })
    }

    fn u16(&self, bytes: &[u8]) -> Option<u16> {
        let bytes = *bytes.first_chunk()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32(&self, bytes: &[u8]) -> Option<u32> {
        let bytes = *bytes.first_chunk()?;
        Some(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// Whether numbers and UTF-16 stand with their low byte first.
    pub fn is_little(&self) -> bool {
        self.little
    }
}

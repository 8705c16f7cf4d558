//! HEIC and AVIF: EXIF and XMP are items, and a table tells where their bytes are (ISO/IEC 14496-12, 8.11; ISO/IEC
//! 23008-12, annex A). Own code: the crates that read it look for EXIF alone.

use super::blocks::Blocks;

/// Boxes in a box that are looked at; a picture in tiles has hundreds of items.
const BOXES_MAX: usize = 10_000;

/// Adds what the items of a file are to `blocks`.
pub fn find<'a>(head: &'a [u8], blocks: &mut Blocks<'a>) {
    let Some(meta) = child(head, b"meta") else { return };
    // Version and flags.
    let Some(meta) = meta.get(4..) else { return };
    let (Some(infos), Some(places)) = (child(meta, b"iinf"), child(meta, b"iloc")) else { return };
    let store = child(meta, b"idat").unwrap_or_default();
    let properties = child(meta, b"iprp").and_then(|properties| child(properties, b"ipco")).unwrap_or_default();
    blocks.has_profile =
        boxes(properties).any(|(name, body)| name == b"colr" && matches!(body.get(..4), Some(b"prof" | b"rICC")));
    let Some(items) = items(infos) else { return };
    for (id, is_exif) in items {
        let Some(place) = place(places, id) else { continue };
        let (file, from) = if place.in_store { (store, place.from) } else { (head, place.from) };
        let Some(to) = from.checked_add(place.bytes) else { continue };
        let bytes = usize::try_from(from).ok().zip(usize::try_from(to).ok()).and_then(|(from, to)| file.get(from..to));
        match bytes {
            // Four bytes tell how far the TIFF structure is behind them.
            Some(bytes) if is_exif => {
                blocks.exif = blocks.exif.or_else(|| {
                    let (ahead, rest) = bytes.split_first_chunk()?;
                    rest.get(u32::from_be_bytes(*ahead) as usize..)
                })
            }
            Some(bytes) => blocks.xmp = blocks.xmp.or(Some(bytes)),
            None if place.in_store => {}
            None => blocks.needs_bytes = blocks.needs_bytes.max(Some(to)),
        }
    }
}

/// The boxes in a body: name and body of each. Ends at the first that is broken, cut off, or open-ended.
fn boxes(mut rest: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let next = move || {
        let (header, _) = rest.split_first_chunk::<8>()?;
        let length = u32::from_be_bytes(*header.first_chunk()?) as usize;
        let body = rest.get(8..length)?;
        let name = &rest[4..8];
        rest = &rest[length..];
        Some((name, body))
    };
    std::iter::from_fn(next).take(BOXES_MAX)
}

fn child<'a>(body: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(body).find(|(name, _)| name == wanted).map(|(_, body)| body)
}

/// Ids of the items that are EXIF (`true`) or XMP (`false`); the first of each.
fn items(infos: &[u8]) -> Option<Vec<(u32, bool)>> {
    let count_bytes = if *infos.first()? == 0 { 2 } else { 4 };
    let mut found = Vec::new();
    for (_, info) in boxes(infos.get(4 + count_bytes..)?).filter(|(name, _)| *name == b"infe") {
        let Some((id, kind)) = item(info) else { continue };
        let is_exif = kind.starts_with(b"Exif");
        let is_xmp = kind.starts_with(b"mime") && kind.windows(XMP_TYPE.len()).any(|window| window == XMP_TYPE);
        if (is_exif || is_xmp) && !found.iter().any(|(_, exif)| *exif == is_exif) {
            found.push((id, is_exif));
        }
    }
    Some(found)
}

const XMP_TYPE: &[u8] = b"application/rdf+xml";

/// Id of an item, and its type with what follows.
fn item(info: &[u8]) -> Option<(u32, &[u8])> {
    let mut fields = Fields(info);
    let version = fields.number(4)? >> 24;
    let id = fields.number(match version {
        2 => 2,
        3 => 4,
        _ => return None,
    })?;
    // Of its protection.
    fields.number(2)?;
    Some((u32::try_from(id).ok()?, fields.0))
}

/// Where an item's bytes are.
struct Place {
    /// In the metadata's own store, not in the file.
    in_store: bool,
    from: u64,
    bytes: u64,
}

/// The place of an item that is in one piece.
fn place(table: &[u8], wanted: u32) -> Option<Place> {
    let mut fields = Fields(table);
    let version = fields.number(4)? >> 24;
    let widths = fields.number(2)?;
    let width = |at: u32| ((widths >> at) & 0xf) as usize;
    let (offset, length, base) = (width(12), width(8), width(4));
    let index = if version == 0 { 0 } else { width(0) };
    let id_bytes = if version < 2 { 2 } else { 4 };
    let count = fields.number(id_bytes)?;
    for _ in 0..count.min(BOXES_MAX as u64) {
        let id = fields.number(id_bytes)?;
        let method = if version == 0 { 0 } else { fields.number(2)? & 0xf };
        // Which other file it is in.
        let other = fields.number(2)?;
        let from = fields.number(base)?;
        let extents = fields.number(2)?;
        if id == u64::from(wanted) {
            if extents != 1 || other != 0 || method > 1 {
                return None;
            }
            fields.number(index)?;
            let from = from.checked_add(fields.number(offset)?)?;
            return Some(Place { in_store: method == 1, from, bytes: fields.number(length)? });
        }
        fields.0 = fields.0.get((extents as usize).checked_mul(index + offset + length)?..)?;
    }
    None
}

/// Numbers one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The next number, of so many bytes, at most eight; of none it is zero.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        if bytes > 8 {
            return None;
        }
        let (number, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

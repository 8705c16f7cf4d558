//! Size and transparency of a TIFF, from its first directory (TIFF 6.0, section 2; BigTIFF for 64-bit offsets).
//!
//! Own code, because transparency stands in a tag that the size crates do not tell, and because the directory often
//! stands at the end of the file: then the caller must learn that more bytes help.

use super::Facts;

/// Entries looked at; the tags of interest come first, as entries are sorted, and directories have some twenty.
const ENTRIES_MAX: u64 = 1024;

const IMAGE_WIDTH: u16 = 256;
const IMAGE_LENGTH: u16 = 257;
/// The colour model; with the samples per pixel it betrays an alpha channel that some writers do not declare.
const PHOTOMETRIC: u16 = 262;
const SAMPLES_PER_PIXEL: u16 = 277;
/// One value per sample beyond the colours; 1 and 2 are alpha, premultiplied or not.
const EXTRA_SAMPLES: u16 = 338;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const LONG8: u16 = 16;

/// Samples per pixel that are colour, for the models that RGB and grey pictures use; unknown models have no alpha.
fn colours(model: Option<u32>) -> u32 {
    match model {
        // White is zero, black is zero, palette.
        Some(0 | 1 | 3) => 1,
        // RGB, YCbCr, Lab.
        Some(2 | 6 | 8) => 3,
        _ => u32::MAX,
    }
}

/// The layout of one file: byte order and width of offsets.
struct Layout<'a> {
    head: &'a [u8],
    little: bool,
    big: bool,
}

/// The facts in the first directory, as far as the head has it.
pub(super) fn facts(head: &[u8]) -> Facts {
    let layout =
        Layout { head, little: head.starts_with(b"II"), big: matches!(head.get(2..4), Some(b"\x2b\0" | b"\0\x2b")) };
    let mut facts = Facts::default();
    facts.cut_off = layout.directory(&mut facts).is_none();
    facts
}

impl Layout<'_> {
    /// Reads the directory; `None` when the head ends before it does.
    fn directory(&self, facts: &mut Facts) -> Option<()> {
        let (start, count_bytes, entry_bytes) = match self.big {
            true => (self.number(8, 8)?, 8, 20),
            false => (self.number(4, 4)?, 2, 12),
        };
        let count = self.number(start, count_bytes)?.min(ENTRIES_MAX);
        let (mut width, mut height) = (None, None);
        let (mut model, mut samples, mut extra) = (None, None, None);
        for index in 0..count {
            let entry = start.checked_add(count_bytes)?.checked_add(index * entry_bytes)?;
            match self.number(entry, 2)? as u16 {
                IMAGE_WIDTH => width = self.value(entry)?,
                IMAGE_LENGTH => height = self.value(entry)?,
                PHOTOMETRIC => model = self.value(entry)?,
                SAMPLES_PER_PIXEL => samples = self.value(entry)?,
                EXTRA_SAMPLES => extra = self.value(entry)?,
                _ => {}
            }
        }
        facts.pixels = width.zip(height);
        facts.alpha = Some(match extra {
            Some(meaning) => matches!(meaning, 1 | 2),
            None => samples.unwrap_or(1) > colours(model),
        });
        Some(())
    }

    /// The first value of an entry; the inner `None` is for types that no size has.
    fn value(&self, entry: u64) -> Option<Option<u32>> {
        let (count_at, count_bytes) = (entry.checked_add(4)?, if self.big { 8 } else { 4 });
        let width = match self.number(entry.checked_add(2)?, 2)? as u16 {
            SHORT => 2,
            LONG => 4,
            LONG8 => 8,
            _ => return Some(None),
        };
        let values = self.number(count_at, count_bytes)?;
        let field = count_at.checked_add(count_bytes)?;
        // Values that do not fit into the field stand elsewhere, and the field says where.
        let at = match values.saturating_mul(width) <= count_bytes {
            true => field,
            false => self.number(field, count_bytes)?,
        };
        Some(self.number(at, width)?.try_into().ok())
    }

    /// An unsigned number of `width` bytes at `at`, or `None` behind the end of the head.
    fn number(&self, at: u64, width: u64) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let bytes = self.head.get(at..at.checked_add(width as usize)?)?;
        let append = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.little {
            true => bytes.iter().rev().fold(0, append),
            false => bytes.iter().fold(0, append),
        })
    }
}

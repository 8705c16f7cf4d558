//! IPTC-IIM (version 4.2): the captions of press agencies, in JPEGs inside the resources that Photoshop writes, in
//! TIFFs in a tag. Own code: the crate for it prints to the console and joins keywords that were apart.
//!
//! Each data set has the name of the property of XMP that took its place (IPTC Core, "IIM mapping"), so that the two
//! can be merged.

use serde_json::{Map, Value};

use super::text;

/// Data sets that are looked at: a picture with hundreds of keywords has them.
const DATA_SETS_MAX: usize = 2000;
/// What stands before each data set.
const MARK: u8 = 0x1c;
/// Envelope: which character set is used.
const CHARACTER_SET: (u8, u8) = (1, 90);
/// "UTF-8 from here", as ISO 2022 writes it.
const UTF_8: &[u8] = b"\x1b%G";
/// Dates have their times in another data set.
const DATES: [(u8, u8, &str); 2] = [(55, 60, "DateCreated"), (62, 63, "DigitalCreationDate")];
const KEYWORDS: u8 = 25;

/// Name of a data set of the application record, and whether there may be several.
fn name(number: u8) -> Option<(&'static str, bool)> {
    Some(match number {
        5 => ("Title", false),
        10 => ("Urgency", false),
        12 => ("SubjectCode", true),
        15 => ("Category", false),
        20 => ("SupplementalCategories", true),
        KEYWORDS => ("Keywords", true),
        40 => ("Instructions", false),
        80 => ("Creator", true),
        85 => ("AuthorsPosition", false),
        90 => ("City", false),
        92 => ("Location", false),
        95 => ("State", false),
        100 => ("CountryCode", false),
        101 => ("Country", false),
        103 => ("TransmissionReference", false),
        105 => ("Headline", false),
        110 => ("Credit", false),
        115 => ("Source", false),
        116 => ("Rights", false),
        120 => ("Description", false),
        122 => ("CaptionWriter", false),
        _ => return None,
    })
}

/// The data sets of a record, by name.
pub fn told(iim: &[u8]) -> Map<String, Value> {
    let mut told = Map::new();
    let mut is_utf_8 = false;
    let mut dates: [[Option<String>; 2]; 2] = Default::default();
    for (record, number, bytes) in DataSets(iim).take(DATA_SETS_MAX) {
        if (record, number) == CHARACTER_SET {
            is_utf_8 = bytes == UTF_8;
        }
        if record != 2 {
            continue;
        }
        let value = || match is_utf_8 {
            true => text::clean(&String::from_utf8_lossy(&bytes[..bytes.len().min(text::TEXT_BYTES_MAX)])),
            false => text::decoded(bytes),
        };
        for (at, (day, time, _)) in DATES.iter().enumerate() {
            if number == *day {
                dates[at][0] = value();
            } else if number == *time {
                dates[at][1] = value();
            }
        }
        let Some((name, repeats)) = name(number) else { continue };
        let Some(value) = value() else { continue };
        match told.get_mut(name) {
            None if repeats => drop(told.insert(name.into(), Value::from(vec![value]))),
            None if number == 10 => {
                drop(told.insert(name.into(), value.parse().map_or(value.into(), |n: u8| n.into())))
            }
            None => drop(told.insert(name.into(), value.into())),
            Some(Value::Array(values)) => values.push(value.into()),
            Some(_) => {}
        }
    }
    for ((.., name), [day, time]) in DATES.into_iter().zip(dates) {
        if let Some(instant) = day.and_then(|day| instant(&day, time.as_deref())) {
            told.insert(name.into(), instant.into());
        }
    }
    told
}

/// `CCYYMMDD` and `HHMMSS±HHMM` (IIM 4.2, 2:55 and 2:60).
fn instant(day: &str, time: Option<&str>) -> Option<String> {
    let day = format!("{}-{}-{}", day.get(..4)?, day.get(4..6)?, day.get(6..8)?);
    let with_time = time.and_then(|time| {
        let clock = format!("{day}T{}:{}:{}", time.get(..2)?, time.get(2..4)?, time.get(4..6)?);
        text::instant(&format!("{clock}{}", time.get(6..)?)).or_else(|| text::instant(&clock))
    });
    with_time.or_else(|| text::instant(&day))
}

/// Record, number and bytes of each data set, up to the first broken one.
struct DataSets<'a>(&'a [u8]);

impl<'a> Iterator for DataSets<'a> {
    type Item = (u8, u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([mark, record, number, high, low], rest) = self.0.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // Lengths above 32,767 bytes are written in another form, which no text has.
        if *mark != MARK || length > 0x7fff {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*record, *number, bytes))
    }
}

/// The IPTC record among Photoshop's image resources (Adobe Photoshop file formats, "Image resource blocks").
pub fn in_resources(mut resources: &[u8]) -> Option<&[u8]> {
    const IPTC: u16 = 0x0404;
    loop {
        let rest = resources.strip_prefix(b"8BIM")?;
        let (id, rest) = rest.split_first_chunk()?;
        // A name with its length before it, and everything padded to an even length.
        let name_bytes = 1 + usize::from(*rest.first()?);
        let rest = rest.get(name_bytes.next_multiple_of(2)..)?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = u32::from_be_bytes(*length) as usize;
        if u16::from_be_bytes(*id) == IPTC {
            // Some writers say more than there is.
            return Some(&rest[..length.min(rest.len())]);
        }
        resources = rest.get(length.checked_next_multiple_of(2)?..)?;
    }
}

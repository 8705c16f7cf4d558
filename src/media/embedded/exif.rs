//! What EXIF says, in two forms: merged with the rest as exiftool tells it ([`told`]), and by directory with the values
//! as they stand in the file ([`by_group`], for the older form of the API's metadata).

use serde_json::{Map, Value, json};

use super::ifd::{Entry, Group, Tags};
use super::names::{self, Form};
use super::text;

/// Bytes in front of a comment that name its characters (CIPA DC-008, table 9).
const CHARACTER_CODE_BYTES: usize = 8;
/// Coordinates are told to about a centimetre.
const COORDINATE_SCALE: f64 = 1e7;
/// Powers of two beyond these are no exposure.
const POWER_MAX: f64 = 64.0;

/// The tags of picture, EXIF and GPS by exiftool's names: dates in UTC, angles in degrees with south and west below zero,
/// exposures in seconds and apertures as f-numbers.
pub fn told(tags: &Tags<'_>) -> Map<String, Value> {
    let mut told = Map::new();
    for entry in &tags.entries {
        if matches!(entry.group, Group::Thumbnail | Group::Interoperability) {
            continue;
        }
        let Some((name, form)) = names::of(entry.group, entry.tag) else { continue };
        if let Some(value) = value_told(tags, entry, name, form) {
            told.entry(name).or_insert(value);
        }
    }
    with_depth(&mut told);
    told
}

/// Metres below the sea are below zero.
pub fn with_depth(told: &mut Map<String, Value>) {
    if told.get("GPSAltitudeRef").and_then(Value::as_f64) == Some(1.0)
        && let Some(metres) = told.get("GPSAltitude").and_then(Value::as_f64)
    {
        told.insert("GPSAltitude".into(), number(-metres.abs()));
    }
}

fn value_told(tags: &Tags<'_>, entry: &Entry<'_>, name: &str, form: Form) -> Option<Value> {
    let first = || entry.numbers().and_then(|numbers| numbers.first().copied());
    match form {
        Form::Offset => None,
        Form::Date => date(tags, entry, name).map(Value::from),
        Form::Shutter => power_of_two(-first()?),
        Form::Aperture => power_of_two(first()? / 2.0),
        Form::Angle => {
            let [degrees, minutes, seconds] = entry.numbers()?.try_into().ok()?;
            let angle = degrees + minutes / 60.0 + seconds / 3600.0;
            // Each angle's direction is the tag before it.
            let direction = tags.get(entry.group, entry.tag - 1).and_then(|entry| entry.bytes().first());
            let sign = if matches!(direction, Some(b'S' | b's' | b'W' | b'w')) { -1.0 } else { 1.0 };
            (0.0..=180.0).contains(&angle).then(|| number(rounded(sign * angle)))
        }
        Form::Clock => {
            let [hours, minutes, seconds] = entry.numbers()?.try_into().ok()?;
            let in_range =
                (0.0..24.0).contains(&hours) && (0.0..60.0).contains(&minutes) && (0.0..61.0).contains(&seconds);
            let seconds = format!("{seconds:06.3}");
            let seconds = seconds.trim_end_matches('0').trim_end_matches('.');
            in_range.then(|| format!("{hours:02.0}:{minutes:02.0}:{seconds}").into())
        }
        Form::Code => first().map(number),
        Form::Plain | Form::Version | Form::Comment | Form::Wide => plain(entry, form),
    }
}

/// What an exposure is that is stored as its logarithm.
pub fn power_of_two(power: f64) -> Option<Value> {
    (power.abs() <= POWER_MAX).then(|| number(power.exp2()))
}

/// To about a centimetre, which is more than a receiver knows.
pub fn rounded(degrees: f64) -> f64 {
    (degrees * COORDINATE_SCALE).round() / COORDINATE_SCALE
}

/// A date with the fraction and the offset that stand in tags of their own.
fn date(tags: &Tags<'_>, entry: &Entry<'_>, name: &str) -> Option<String> {
    let mut date = ascii(entry.bytes())?;
    if let Some((fraction, offset)) = names::date_parts(name) {
        let part =
            |tag| tags.get(Group::Exif, tag).filter(|entry| entry.is_text()).and_then(|part| ascii(part.bytes()));
        let digits = part(fraction).filter(|digits| digits.len() < 10 && digits.bytes().all(|c| c.is_ascii_digit()));
        let plain = date.len();
        if let Some(digits) = digits {
            date = format!("{date}.{digits}");
        }
        if let Some(offset) = part(offset) {
            let with_offset = format!("{date}{offset}");
            return text::instant(&with_offset).or_else(|| text::instant(&date));
        }
        return text::instant(&date).or_else(|| text::instant(&date[..plain]));
    }
    text::instant(&date)
}

/// Values by directory, under all six names of the contract: as they stand in the file, dates and versions as text.
/// Maker notes are not read, each maker has a form of its own.
pub fn by_group(tags: &Tags<'_>) -> Value {
    let group = |group| {
        let entries = tags.entries.iter().filter(|entry| entry.group == group);
        let mut object = Map::new();
        for entry in entries {
            let Some((name, form)) = names::of(group, entry.tag) else { continue };
            if let Some(value) = plain(entry, form) {
                object.entry(name).or_insert(value);
            }
        }
        Value::from(object)
    };
    json!({
        "image": group(Group::Image),
        "thumbnail": group(Group::Thumbnail),
        "exif": group(Group::Exif),
        "gps": group(Group::Gps),
        "interoperability": group(Group::Interoperability),
        "makernote": {},
    })
}

/// The value as it stands in the file: a text, a number, or an array of numbers.
fn plain(entry: &Entry<'_>, form: Form) -> Option<Value> {
    match form {
        Form::Version => ascii(entry.bytes().get(..4)?).map(Value::from),
        Form::Comment => comment(entry).map(Value::from),
        Form::Wide => text::wide(entry.bytes(), true).map(Value::from),
        Form::Code => entry.numbers()?.first().map(|code| code.to_string().into()),
        _ if entry.is_text() => ascii(entry.bytes()).map(Value::from),
        _ => match entry.numbers()?.as_slice() {
            [one] => Some(number(*one)),
            many => Some(many.iter().copied().map(number).collect()),
        },
    }
}

/// Text up to its NUL.
fn ascii(bytes: &[u8]) -> Option<String> {
    text::decoded(bytes.split(|byte| *byte == 0).next()?)
}

fn comment(entry: &Entry<'_>) -> Option<String> {
    let (code, comment) = entry.bytes().split_at_checked(CHARACTER_CODE_BYTES)?;
    match code {
        b"UNICODE\0" => text::wide(comment, entry.is_little()),
        // No crate of ours knows the Japanese one.
        b"JIS\0\0\0\0\0" => None,
        b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0" => ascii(comment),
        _ => ascii(entry.bytes()),
    }
}

/// A whole number without a fraction.
pub fn number(number: f64) -> Value {
    // Up to here every whole number is one in a float too.
    if number.fract() == 0.0 && number.abs() < 9e15 { Value::from(number as i64) } else { Value::from(number) }
}

//! Dates as they are sent: ISO 8601 in the forms that clients write, down to what `Date.toJSON` and
//! `isoformat` give. What has no time is midnight, what has no zone is UTC.

use chrono::{DateTime, Datelike, Utc};

use crate::model::time::Millis;

/// Longest text that can be a date: nine digits of a second's fraction and a zone.
const DATE_BYTES_MAX: usize = "2026-01-31T12:00:00.000000000+00:00".len();

/// The moment that a text tells, to the millisecond; `None` when it is no date between the years 0 and 9999,
/// which are those that the wire form can tell.
pub fn parse(text: &str) -> Option<Millis> {
    if text.len() > DATE_BYTES_MAX {
        return None;
    }
    let moment = DateTime::parse_from_rfc3339(&in_full(text)?).ok()?.with_timezone(&Utc);
    (0..=9999).contains(&moment.year()).then(|| Millis(moment.timestamp_millis()))
}

/// The date with the parts that may be left out.
fn in_full(text: &str) -> Option<String> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len()));
    let seconds = if time.len() == "12:00".len() { ":00" } else { "" };
    let zone = match (zone.len(), zone.get(..3), zone.get(3..)) {
        (0, ..) => "Z".to_owned(),
        (3, Some(hours), _) => format!("{hours}:00"),
        (5, Some(hours), Some(minutes)) => format!("{hours}:{minutes}"),
        _ => zone.to_owned(),
    };
    Some(format!("{date}T{time}{seconds}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_date_is_read() {
        for (text, wire) in [
            ("2022-11-30", "2022-11-30T00:00:00.000Z"),
            ("2022-11-30T10:11", "2022-11-30T10:11:00.000Z"),
            ("2022-11-30T10:11:12", "2022-11-30T10:11:12.000Z"),
            ("2022-11-30 10:11:12", "2022-11-30T10:11:12.000Z"),
            ("2022-11-30t10:11:12z", "2022-11-30T10:11:12.000Z"),
            ("2022-11-30T10:11Z", "2022-11-30T10:11:00.000Z"),
            ("2022-11-30T10:11:12.494Z", "2022-11-30T10:11:12.494Z"),
            ("2022-11-30T10:11:12.4", "2022-11-30T10:11:12.400Z"),
            ("2022-11-30T10:11:12.123456+00:00", "2022-11-30T10:11:12.123Z"),
            ("2022-11-30T10:11:12+05:30", "2022-11-30T04:41:12.000Z"),
            ("2022-11-30T10:11:12-0800", "2022-11-30T18:11:12.000Z"),
            ("2022-11-30T23:00:00-02", "2022-12-01T01:00:00.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("0000-01-01", "0000-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(parse(text).map(|moment| moment.to_string()).as_deref(), Some(wire), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "yesterday",
            "2022",
            "2022-11",
            "2022-13-01",
            "2023-02-29",
            "2022-1-1",
            "22-11-30",
            "2022/11/30",
            "30-11-2022",
            "20221130",
            "2022-11-30T",
            "2022-11-30T10",
            "2022-11-30T24:11:12Z",
            "2022-11-30T10:61Z",
            "2022-11-30T10:11:12.Z",
            "2022-11-30T10:11:12+",
            "2022-11-30T10:11:12+1",
            "2022-11-30T10:11:12+25:00",
            "2022-11-30T10:11:12Zulu",
            "2022-11-30T10:11:12Z ",
            " 2022-11-30",
            "+02022-11-30T10:11:12Z",
            "-0022-11-30",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "２０２２-11-30",
            "2022-11-3é",
            "Wed Nov 30 2022 10:11:12 GMT+0000",
            "2022-11-30T10:11:12.00000000000000000000000000000001Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

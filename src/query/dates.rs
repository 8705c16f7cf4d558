//! Dates as queries write them, absolute or relative to now, and as metadata stores them.

use chrono::{DateTime, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use crate::model::time::Millis;

/// The instant a query's value stands for: ISO, or `2d` for the instant two days before `now`.
pub fn read(text: &str, now: Millis) -> Option<Millis> {
    let text = text.trim();
    relative(text, now).or_else(|| instant(text))
}

/// An absolute date: a day is its first millisecond, a time without zone is UTC. The form of EXIF,
/// `2020:01:31 12:00:00`, is read too.
pub fn instant(text: &str) -> Option<Millis> {
    let mut bytes = text.trim().as_bytes().to_vec();
    if let [_, _, _, _, first @ b':', _, _, second @ b':', _, _, ..] = bytes.as_mut_slice() {
        (*first, *second) = (b'-', b'-');
    }
    if let Some(between @ (b't' | b' ')) = bytes.get_mut(10) {
        *between = b'T';
    }
    let mut text = String::from_utf8(bytes).ok()?;
    if text.len() == 10 {
        return NaiveDate::parse_from_str(&text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)
            .map(|day| millis(day.and_utc()));
    }
    if text.ends_with(['Z', 'z']) {
        text.replace_range(text.len() - 1.., "+00:00");
    }
    // Where the time begins at the eleventh byte the year has four digits, which keeps times in range.
    text.get(10..11).filter(|between| *between == "T")?;
    let zoned = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
    let plain = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let zoned = zoned.iter().find_map(|form| DateTime::parse_from_str(&text, form).ok()).map(|date| date.to_utc());
    zoned
        .or_else(|| plain.iter().find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok()).map(|d| d.and_utc()))
        .map(millis)
}

/// `now` less a number of hours, days, weeks, months or years; a month ends on its last day at the latest.
fn relative(text: &str, now: Millis) -> Option<Millis> {
    let unit = text.chars().next_back().filter(char::is_ascii_alphabetic)?;
    let count = &text[..text.len() - 1];
    let count: u32 = count.parse().ok().filter(|_| count.bytes().all(|c| c.is_ascii_digit()))?;
    let now = DateTime::from_timestamp_millis(now.0)?;
    let then = match unit {
        'h' => now.checked_sub_signed(TimeDelta::hours(count.into())),
        'd' => now.checked_sub_days(Days::new(count.into())),
        'w' => now.checked_sub_days(Days::new(u64::from(count) * 7)),
        'm' => now.checked_sub_months(Months::new(count)),
        'y' => now.checked_sub_months(Months::new(count.checked_mul(12)?)),
        _ => None,
    };
    then.map(millis)
}

fn millis(date: DateTime<Utc>) -> Millis {
    Millis(date.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-03-31T12:00:00.500Z
    const NOW: Millis = Millis(1_711_886_400_500);

    #[test]
    fn dates_are_read() {
        for (text, expected) in [
            ("2020-01-31", "2020-01-31T00:00:00.000Z"),
            ("2020-01-31T10:20:30", "2020-01-31T10:20:30.000Z"),
            ("2020-01-31 10:20:30", "2020-01-31T10:20:30.000Z"),
            ("2020-01-31T10:20", "2020-01-31T10:20:00.000Z"),
            ("2020-01-31T10:20:30.1239Z", "2020-01-31T10:20:30.123Z"),
            ("2020-01-31T10:20:30.5+02:00", "2020-01-31T08:20:30.500Z"),
            ("2020-01-31T10:20-0130", "2020-01-31T11:50:00.000Z"),
            ("2020:01:31 10:20:30", "2020-01-31T10:20:30.000Z"),
            ("0h", "2024-03-31T12:00:00.500Z"),
            ("36h", "2024-03-30T00:00:00.500Z"),
            ("7d", "2024-03-24T12:00:00.500Z"),
            ("2w", "2024-03-17T12:00:00.500Z"),
            ("1m", "2024-02-29T12:00:00.500Z"),
            ("13m", "2023-02-28T12:00:00.500Z"),
            ("1y", "2023-03-31T12:00:00.500Z"),
        ] {
            assert_eq!(read(text, NOW).map(|date| date.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "yesterday",
            "",
            "7",
            "d",
            "-7d",
            "+7d",
            "7 d",
            "7D",
            "7x",
            "1.5d",
            "2020-13-01",
            "2020-02-30",
            "2020-1-1",
            "20200101",
            "2020-01-01T",
            "2020-01-01T25:00:00",
            "2020-01-01T10:00:00+99:99",
            "99999999999999d",
            "4294967295y",
            "é020-01-01",
            "2020-01-3é",
            "+12020-01-01T00:00:00",
        ] {
            assert_eq!(read(text, NOW), None, "{text}");
        }
    }
}

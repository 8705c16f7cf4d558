//! The one clock. Everything else takes the time as an argument or asks for it here.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// UTC milliseconds since 1970, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// The time of this machine's clock.
    #[allow(clippy::disallowed_methods)] // the one place that may ask
    pub fn now() -> Millis {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// As the times of files are told.
    pub fn system(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.max(0).cast_unsigned())
    }

    /// A time as in RFC 3339, such as the wire form.
    pub fn parse(text: &str) -> Option<Millis> {
        chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| Millis(time.timestamp_millis()))
    }

    fn utc(self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// The form of the `Last-Modified` header: `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn http_date(self) -> String {
        httpdate::fmt_http_date(self.system())
    }
}

/// The wire form: `2026-01-31T12:00:00.000Z`.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.utc().format("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_form_has_milliseconds_and_z() {
        assert_eq!(Millis(1_767_225_600_007).to_string(), "2026-01-01T00:00:00.007Z");
        assert_eq!(Millis::parse("2026-01-01T00:00:00.007Z"), Some(Millis(1_767_225_600_007)));
        assert_eq!(Millis::parse("2026-01-01T01:00:00+01:00"), Some(Millis(1_767_225_600_000)));
        for bad in ["", "2026-01-01", "2026-13-01T00:00:00Z", "tomorrow"] {
            assert_eq!(Millis::parse(bad), None, "{bad}");
        }
        assert_eq!(Millis(784_111_777_000).http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}

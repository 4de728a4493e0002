//! Timestamps of the contract.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::text::{json_string, string_schema};

/// A point in time in whole milliseconds, UTC, from the year 1970 to 9999.
///
/// Written as [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339) with exactly three decimals and `Z`, for example
/// `2026-11-22T20:00:00.123Z`, so that lexical order is chronological order. Parses any RFC 3339 time and truncates it
/// to milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    unix_ms: i64,
}

/// The text is not an RFC 3339 time, or the time is before 1970 or after 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an RFC 3339 time from 1970 to 9999, such as 2026-11-22T20:00:00.123Z")]
pub struct InvalidTimestamp;

const MILLISECONDS_UTC: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// 9999-12-31T23:59:59.999Z.
const UNIX_MS_MAX: i64 = 253_402_300_799_999;

impl Timestamp {
    /// Returns the system clock's time.
    pub fn now() -> Self {
        let unix_ms = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        Self { unix_ms: i64::try_from(unix_ms).unwrap_or(UNIX_MS_MAX).clamp(0, UNIX_MS_MAX) }
    }

    /// Returns the time `unix_ms` milliseconds after 1970-01-01T00:00:00Z. Fails before that time and after the year
    /// 9999.
    pub fn from_unix_ms(unix_ms: i64) -> Result<Self, InvalidTimestamp> {
        if !(0..=UNIX_MS_MAX).contains(&unix_ms) {
            return Err(InvalidTimestamp);
        }
        Ok(Self { unix_ms })
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_ms(self) -> i64 {
        self.unix_ms
    }

    /// Returns the milliseconds since `earlier`, or 0 if `earlier` is later, because the clocks of two machines differ.
    pub fn ms_since(self, earlier: Self) -> u64 {
        u64::try_from(self.unix_ms.saturating_sub(earlier.unix_ms)).unwrap_or(0)
    }

    /// Returns the time `ms` milliseconds later, at most the end of the year 9999.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        let ms = i64::try_from(ms).unwrap_or(UNIX_MS_MAX);
        Self { unix_ms: self.unix_ms.saturating_add(ms).min(UNIX_MS_MAX) }
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        // Not by way of a date in UTC, which is in the year 10000 for some offsets of the last day of 9999.
        let unix_ms = time.unix_timestamp_nanos().div_euclid(1_000_000);
        Self::from_unix_ms(i64::try_from(unix_ms).map_err(|_| InvalidTimestamp)?)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.unix_ms).saturating_mul(1_000_000);
        let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).map_err(|_| fmt::Error)?;
        f.write_str(&time.format(MILLISECONDS_UTC).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

json_string!(Timestamp);
// Describes the output. Parsing accepts any RFC 3339 time, to tolerate other producers.
string_schema!(Timestamp, {
    "description": "RFC 3339, UTC, in milliseconds, from 1970 to 9999.",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
    "examples": ["2026-11-22T20:00:00.123Z"],
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_written_in_milliseconds_utc() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().to_string();
        assert_eq!(at("2026-11-22T20:00:00.123Z"), "2026-11-22T20:00:00.123Z");
        assert_eq!(at("2026-11-22T22:00:00+02:00"), "2026-11-22T20:00:00.000Z");
        assert_eq!(at("2026-11-22T20:00:00.1239999Z"), "2026-11-22T20:00:00.123Z");
        assert_eq!(Timestamp::from_unix_ms(UNIX_MS_MAX).unwrap().to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(at("1970-01-01T00:00:00-23:59"), "1970-01-01T23:59:00.000Z");
        assert_eq!(at("9999-12-31T23:59:59.999+23:59"), "9999-12-31T00:00:59.999Z");
    }

    #[test]
    fn text_that_is_not_a_time_from_1970_to_9999_is_refused() {
        for bad in ["", "now", "2026-11-22", "2026-11-22T20:00:00", "2026-13-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(bad.parse::<Timestamp>(), Err(InvalidTimestamp), "{bad:?}");
        }
        // Just outside by its offset alone.
        for bad in ["9999-12-31T23:59:59.999-00:01", "1970-01-01T00:00:00+00:01", "0000-01-01T00:00:00+23:59"] {
            assert_eq!(bad.parse::<Timestamp>(), Err(InvalidTimestamp), "{bad:?}");
        }
        assert_eq!(Timestamp::from_unix_ms(UNIX_MS_MAX + 1), Err(InvalidTimestamp));
    }

    #[test]
    fn an_age_is_never_negative() {
        let early = Timestamp::from_unix_ms(1_000).unwrap();
        let late = Timestamp::from_unix_ms(1_250).unwrap();
        assert_eq!(late.ms_since(early), 250);
        assert_eq!(early.ms_since(late), 0);
    }

    proptest! {
        #[test]
        fn lexical_order_is_chronological_order(a in 0..=UNIX_MS_MAX, b in 0..=UNIX_MS_MAX) {
            let (a, b) = (Timestamp::from_unix_ms(a).unwrap(), Timestamp::from_unix_ms(b).unwrap());
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
            prop_assert_eq!(a.to_string().parse::<Timestamp>(), Ok(a));
        }
    }
}

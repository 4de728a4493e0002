//! Clock of a scenario: milliseconds since the start of its measured window. It is anchored in system time as well, so
//! that timestamps of the services can be converted.

use std::time::{Duration, Instant};

use payment_events::Timestamp;

/// Start of a scenario's measured window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    instant: Instant,
    unix_ms: i64,
}

impl Mark {
    /// Creates a mark for a window that starts after this time.
    pub(crate) fn in_(time: Duration) -> Self {
        let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Self { instant: Instant::now() + time, unix_ms: Timestamp::now().unix_ms().saturating_add(ms) }
    }

    /// Returns the instant this long before the start of the window.
    pub(crate) fn before(&self, time: Duration) -> Instant {
        self.instant.checked_sub(time).unwrap_or(self.instant)
    }

    /// Returns the instant this long after the start of the window.
    pub(crate) fn after(&self, time: Duration) -> Instant {
        self.instant + time
    }

    /// Returns the current time in milliseconds since the start of the window.
    pub(crate) fn now_ms(&self) -> i64 {
        self.ms(Timestamp::now())
    }

    /// Converts an instant to milliseconds since the start of the window.
    pub(crate) fn ms_at(&self, instant: Instant) -> i64 {
        let after = instant.saturating_duration_since(self.instant).as_millis();
        let before = self.instant.saturating_duration_since(instant).as_millis();
        i64::try_from(after).unwrap_or(i64::MAX) - i64::try_from(before).unwrap_or(i64::MAX)
    }

    /// Converts a service's timestamp to milliseconds since the start of the window.
    pub(crate) fn ms(&self, at: Timestamp) -> i64 {
        at.unix_ms() - self.unix_ms
    }
}

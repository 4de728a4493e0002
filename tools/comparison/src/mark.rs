//! A clock for what is measured: milliseconds since the window that is measured began, which is also a point in time, so
//! that what the services noted by the system's clock falls into place.

use std::time::{Duration, Instant};

use payment_events::Timestamp;

/// Where a scenario's window begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    instant: Instant,
    unix_ms: i64,
}

impl Mark {
    /// The window begins in so long.
    pub(crate) fn in_(time: Duration) -> Self {
        let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Self { instant: Instant::now() + time, unix_ms: Timestamp::now().unix_ms().saturating_add(ms) }
    }

    /// So long before the window begins.
    pub(crate) fn before(&self, time: Duration) -> Instant {
        self.instant.checked_sub(time).unwrap_or(self.instant)
    }

    /// So long after the window begins.
    pub(crate) fn after(&self, time: Duration) -> Instant {
        self.instant + time
    }

    /// Now, in milliseconds since the window began.
    pub(crate) fn now_ms(&self) -> i64 {
        self.ms(Timestamp::now())
    }

    /// A point in time, in milliseconds since the window began.
    pub(crate) fn ms_at(&self, instant: Instant) -> i64 {
        let after = instant.saturating_duration_since(self.instant).as_millis();
        let before = self.instant.saturating_duration_since(instant).as_millis();
        i64::try_from(after).unwrap_or(i64::MAX) - i64::try_from(before).unwrap_or(i64::MAX)
    }

    /// A time that was noted, in milliseconds since the window began.
    pub(crate) fn ms(&self, at: Timestamp) -> i64 {
        at.unix_ms() - self.unix_ms
    }
}

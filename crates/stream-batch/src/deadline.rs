//! Deadline of an invocation.

use std::time::{Duration, SystemTime};

/// Returns a [`Limits::may_begin`](crate::Limits::may_begin) that is true until `margin` before `deadline`.
///
/// The margin must be long enough to handle one record and return the response.
pub fn before(deadline: SystemTime, margin: Duration) -> impl Fn() -> bool {
    let begin_until = deadline.checked_sub(margin).unwrap_or(SystemTime::UNIX_EPOCH);
    move || SystemTime::now() < begin_until
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_record_begins_within_the_margin() {
        let in_an_hour = SystemTime::now() + Duration::from_hours(1);
        assert!(before(in_an_hour, Duration::from_mins(1))());
        assert!(!before(in_an_hour, Duration::from_hours(2))());
        assert!(!before(SystemTime::UNIX_EPOCH, Duration::from_secs(1))());
    }
}

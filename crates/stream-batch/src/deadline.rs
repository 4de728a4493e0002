//! Time that is left.

use std::time::{Duration, SystemTime};

/// A [`Limits::may_begin`](crate::Limits::may_begin) that says yes until `margin` before `deadline`.
///
/// The margin is what one lane may take, and the answer to get out: what is begun just in time must still be finished.
pub fn before(deadline: SystemTime, margin: Duration) -> impl Fn() -> bool {
    let begin_until = deadline.checked_sub(margin).unwrap_or(SystemTime::UNIX_EPOCH);
    move || SystemTime::now() < begin_until
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_is_kept_free() {
        let in_an_hour = SystemTime::now() + Duration::from_hours(1);
        assert!(before(in_an_hour, Duration::from_mins(1))());
        assert!(!before(in_an_hour, Duration::from_hours(2))());
        assert!(!before(SystemTime::UNIX_EPOCH, Duration::from_secs(1))());
    }
}

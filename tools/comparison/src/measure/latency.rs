//! Latencies, as percentiles of a histogram of high dynamic range.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Latencies are counted in microseconds, up to a minute, to three digits.
const LATENCY_US_MAX: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// How long things took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many there were. Above 1 - 1 / count, percentiles are the largest value.
    pub count: u64,
    /// Half took at most this.
    pub p50: f64,
    /// 90 % took at most this.
    pub p90: f64,
    /// 99 % took at most this.
    pub p99: f64,
    /// 99.9 % took at most this.
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

impl Latency {
    /// Of these durations. What took longer than a minute counts as a minute.
    #[expect(clippy::cast_precision_loss, reason = "a minute in microseconds fits")]
    pub fn of(durations: impl IntoIterator<Item = Duration>) -> Self {
        // These bounds are valid, which is all that can be wrong.
        let Ok(mut histogram) = Histogram::<u64>::new_with_bounds(1, LATENCY_US_MAX, DIGITS) else {
            return Self::default();
        };
        for duration in durations {
            histogram.saturating_record(u64::try_from(duration.as_micros()).unwrap_or(LATENCY_US_MAX));
        }
        if histogram.is_empty() {
            return Self::default();
        }
        let ms = |us: u64| us as f64 / 1_000.0;
        let at = |percentile| ms(histogram.value_at_percentile(percentile).min(histogram.max()));
        Self {
            count: histogram.len(),
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            p99_9: at(99.9),
            max: ms(histogram.max()),
        }
    }
}

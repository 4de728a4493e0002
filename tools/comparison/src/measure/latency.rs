//! Latency percentiles, from an HDR histogram.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Histogram range of one minute in microseconds, with three significant digits.
const LATENCY_US_MAX: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// Percentiles of durations, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Number of durations. Percentiles above 1 - 1 / count equal the maximum.
    pub count: u64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p99_9: f64,
    /// Maximum.
    pub max: f64,
}

impl Latency {
    /// Computes the percentiles. A duration above one minute counts as one minute.
    #[expect(clippy::cast_precision_loss, reason = "a minute in microseconds fits")]
    pub fn of(durations: impl IntoIterator<Item = Duration>) -> Self {
        // Cannot fail: these bounds are valid.
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

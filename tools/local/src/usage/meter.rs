//! Usage counters of an environment.

use std::time::Duration;

use parking_lot::Mutex;

use super::{FunctionUsage, StreamUsage, TableUsage, Usage, route};

/// Usage since the environment started or the last reset.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Usage>);

impl Meter {
    /// Counts a request that matched a route, for the API and for the function that made it, if one did.
    pub(crate) fn request(&self, api: &str, method: &str, path: &str, caller: Option<&str>) {
        *self.0.lock().apis.entry(api.to_owned()).or_default().entry(route(method, path)).or_default() += 1;
        if let Some(function) = caller {
            self.function(function, |usage| usage.api_requests += 1);
        }
    }

    /// Counts an invocation that ran in a sandbox, and its duration.
    pub(crate) fn invocation(&self, function: &str, memory_mb: i64, took: Duration) {
        self.function(function, |usage| {
            usage.memory_mb = memory_mb.unsigned_abs();
            usage.invocations += 1;
            usage.billed_ms += billed_ms(took);
        });
    }

    /// Counts the init time of a sandbox: the time until it requested its first event.
    pub(crate) fn init(&self, function: &str, memory_mb: i64, took: Duration) {
        self.function(function, |usage| {
            usage.memory_mb = memory_mb.unsigned_abs();
            usage.init_ms += billed_ms(took);
        });
    }

    pub(crate) fn table(&self, function: &str, table: &str, units: TableUsage) {
        self.function(function, |usage| *usage.dynamodb.entry(table.to_owned()).or_default() += units);
    }

    pub(crate) fn stream(&self, function: &str, stream: &str, units: StreamUsage) {
        self.function(function, |usage| *usage.kinesis.entry(stream.to_owned()).or_default() += units);
    }

    pub(crate) fn all(&self) -> Usage {
        self.0.lock().clone()
    }

    pub(crate) fn reset(&self) {
        *self.0.lock() = Usage::default();
    }

    fn function(&self, function: &str, count: impl FnOnce(&mut FunctionUsage)) {
        count(self.0.lock().functions.entry(function.to_owned()).or_default());
    }
}

/// Rounds up to a whole millisecond, as Lambda bills it.
fn billed_ms(took: Duration) -> u64 {
    u64::try_from(took.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_up_to_whole_milliseconds() {
        for (took, billed) in [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2)] {
            assert_eq!(billed_ms(Duration::from_nanos(took)), billed);
        }
    }
}

//! Usage metering: the units that AWS would bill, by function and service.
//!
//! [`dynamodb`] reads request units from the emulator's `ConsumedCapacity`, and [`kinesis`] computes units from record
//! sizes. The function pools count invocations and their durations, and the gateway counts API requests.

pub(crate) mod dynamodb;
pub(crate) mod kinesis;
mod meter;

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

pub(crate) use meter::Meter;

/// Usage since the environment started or the last reset. Unused resources are absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Requests by API (logical id) and route: `GET /payments/{payment_id}`.
    pub apis: BTreeMap<String, BTreeMap<String, u64>>,
    /// Usage of each function, by its logical id.
    pub functions: BTreeMap<String, FunctionUsage>,
}

/// Usage of one function.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionUsage {
    /// Number of invocations that ran in a sandbox, failed ones included.
    pub invocations: u64,
    /// Duration of the invocations, each rounded up to a whole millisecond.
    pub billed_ms: u64,
    /// Init time of sandboxes, until they request their first event, each rounded up. Lambda bills it as well.
    pub init_ms: u64,
    /// Memory size of the function.
    pub memory_mb: u64,
    /// Number of API requests that the function made itself. They are included in [`Usage::apis`], where AWS bills
    /// them.
    #[serde(default)]
    pub api_requests: u64,
    /// Request units of each table, by its physical name.
    pub dynamodb: BTreeMap<String, TableUsage>,
    /// Records put on each stream, by its physical name.
    pub kinesis: BTreeMap<String, StreamUsage>,
}

/// Request units of one table and its indexes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TableUsage {
    /// Read request units: 4 KB each, strongly consistent.
    pub read_units: f64,
    /// Write request units: 1 KB each.
    pub write_units: f64,
}

/// Records put on one stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamUsage {
    /// Number of records.
    pub records: u64,
    /// PUT payload units: 25 KB of a record each. Billed with provisioned shards, in addition to the shards.
    pub payload_units: u64,
    /// Kilobytes, each record rounded up. Billed in on-demand mode.
    pub kilobytes: u64,
}

impl Usage {
    /// Returns the usage since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        for (api, routes) in &mut since.apis {
            let before = earlier.apis.get(api);
            for (route, requests) in routes.iter_mut() {
                *requests -= before.and_then(|routes| routes.get(route)).copied().unwrap_or_default().min(*requests);
            }
            routes.retain(|_, requests| *requests > 0);
        }
        since.apis.retain(|_, routes| !routes.is_empty());
        for (name, function) in &mut since.functions {
            if let Some(before) = earlier.functions.get(name) {
                function.take(before);
            }
        }
        since.functions.retain(|_, function| !function.is_nothing());
        since
    }

    /// Number of requests to a route of an API, as the template spells it: `GET`, `/payments/{payment_id}`.
    pub fn requests(&self, api: &str, method: &str, path: &str) -> u64 {
        self.apis.get(api).and_then(|routes| routes.get(&route(method, path))).copied().unwrap_or_default()
    }

    /// Usage of a function; zero if it is absent.
    pub fn function(&self, logical_id: &str) -> FunctionUsage {
        self.functions.get(logical_id).cloned().unwrap_or_default()
    }
}

impl FunctionUsage {
    /// Memory size multiplied by duration, init time included: billed by Lambda in addition to requests.
    #[expect(clippy::cast_precision_loss, reason = "no function runs for 2^52 ms")]
    pub fn gb_seconds(&self) -> f64 {
        (self.billed_ms + self.init_ms) as f64 / 1_000.0 * self.memory_mb as f64 / 1_024.0
    }

    /// Sum of the request units of all tables.
    pub fn table_units(&self) -> TableUsage {
        let mut all = TableUsage::default();
        self.dynamodb.values().for_each(|table| all += *table);
        all
    }

    /// Sum of the records put on all streams.
    pub fn stream_units(&self) -> StreamUsage {
        let mut all = StreamUsage::default();
        self.kinesis.values().for_each(|stream| all += *stream);
        all
    }

    fn take(&mut self, before: &Self) {
        self.invocations = self.invocations.saturating_sub(before.invocations);
        self.billed_ms = self.billed_ms.saturating_sub(before.billed_ms);
        self.init_ms = self.init_ms.saturating_sub(before.init_ms);
        self.api_requests = self.api_requests.saturating_sub(before.api_requests);
        for (name, table) in &mut self.dynamodb {
            let before = before.dynamodb.get(name).copied().unwrap_or_default();
            table.read_units = (table.read_units - before.read_units).max(0.0);
            table.write_units = (table.write_units - before.write_units).max(0.0);
        }
        self.dynamodb.retain(|_, table| *table != TableUsage::default());
        for (name, stream) in &mut self.kinesis {
            let before = before.kinesis.get(name).copied().unwrap_or_default();
            stream.records = stream.records.saturating_sub(before.records);
            stream.payload_units = stream.payload_units.saturating_sub(before.payload_units);
            stream.kilobytes = stream.kilobytes.saturating_sub(before.kilobytes);
        }
        self.kinesis.retain(|_, stream| *stream != StreamUsage::default());
    }

    fn is_nothing(&self) -> bool {
        *self == Self { memory_mb: self.memory_mb, ..Self::default() }
    }
}

impl AddAssign for TableUsage {
    fn add_assign(&mut self, other: Self) {
        self.read_units += other.read_units;
        self.write_units += other.write_units;
    }
}

impl AddAssign for StreamUsage {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.payload_units += other.payload_units;
        self.kilobytes += other.kilobytes;
    }
}

fn route(method: &str, path: &str) -> String {
    format!("{method} {path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(times: u64) -> Usage {
        let table = TableUsage { read_units: 0.5, write_units: 2.0 };
        let stream = StreamUsage { records: times, payload_units: 2 * times, kilobytes: 26 * times };
        let function = FunctionUsage {
            invocations: times,
            billed_ms: 500 * times,
            init_ms: 0,
            memory_mb: 512,
            api_requests: 3 * times,
            dynamodb: (0..times).map(|n| (format!("table-{n}"), table)).collect(),
            kinesis: [("stream".to_owned(), stream)].into(),
        };
        let routes = [("GET /payments".to_owned(), times), ("POST /payments".to_owned(), 1)];
        Usage { apis: [("Api".to_owned(), routes.into())].into(), functions: [("F".to_owned(), function)].into() }
    }

    #[test]
    fn usage_since_a_reading_is_the_difference() {
        let since = used(3).since(&used(1));
        assert_eq!((since.requests("Api", "GET", "/payments"), since.requests("Api", "POST", "/payments")), (2, 0));
        let function = since.function("F");
        assert_eq!((function.invocations, function.billed_ms, function.api_requests), (2, 1_000, 6));
        assert_eq!(function.stream_units().kilobytes, 52);
        assert_eq!(function.table_units(), TableUsage { read_units: 1.0, write_units: 4.0 });
        assert!((function.gb_seconds() - 0.5).abs() < 1e-9);
        assert_eq!(used(3).since(&used(3)), Usage::default());
        assert_eq!(used(3).since(&Usage::default()), used(3));
    }
}

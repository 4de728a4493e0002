//! Metrics in the `CloudWatch` embedded metric format: log lines, without API calls and without an agent.
//!
//! Source:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// Namespace of every metric.
pub const METRICS_NAMESPACE: &str = "Paystream";

/// Maximum number of values of one metric per line, by the specification of the format.
pub const VALUES_A_LINE_MAX: usize = 100;

/// Writer of one function's metrics, with the dimension `FunctionName`.
#[derive(Clone)]
pub struct Metrics {
    function_name: Arc<str>,
    write: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Metrics {
    /// Creates a writer to standard output, which Lambda sends to `CloudWatch` Logs.
    pub fn to_stdout(function_name: &str) -> Self {
        Self::new(function_name, |line| {
            // A closed standard output leaves no place to report the error.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        })
    }

    /// Creates a writer that passes each line to `write`, without a line end.
    pub fn new(function_name: &str, write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { function_name: function_name.into(), write: Arc::new(write) }
    }

    /// Writes counts by metric name, in one line. Omits those that are 0.
    pub fn count(&self, counts: &[(&str, usize)]) {
        let counts: Vec<_> = counts.iter().filter(|(_, count)| *count > 0).collect();
        if !counts.is_empty() {
            let metrics = counts.iter().map(|(name, count)| (*name, "Count", Value::from(*count)));
            self.write_line(metrics);
        }
    }

    /// Writes values of one metric, in milliseconds, from which `CloudWatch` computes percentiles. A line holds up to
    /// [`VALUES_A_LINE_MAX`] values.
    pub fn milliseconds(&self, name: &str, values: &[u64]) {
        for values in values.chunks(VALUES_A_LINE_MAX) {
            self.write_line([(name, "Milliseconds", Value::from(values))]);
        }
    }

    fn write_line<'a>(&self, metrics: impl IntoIterator<Item = (&'a str, &'a str, Value)>) {
        let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut line = Map::from_iter([("FunctionName".to_owned(), json!(&*self.function_name))]);
        let mut named = Vec::new();
        for (name, unit, value) in metrics {
            named.push(json!({"Name": name, "Unit": unit}));
            line.insert(name.to_owned(), value);
        }
        let directive = json!({"Namespace": METRICS_NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": named});
        let timestamp = u64::try_from(unix_ms).unwrap_or(u64::MAX);
        line.insert("_aws".to_owned(), json!({"Timestamp": timestamp, "CloudWatchMetrics": [directive]}));
        (self.write)(&Value::Object(line).to_string());
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("function_name", &self.function_name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn lines(record: impl FnOnce(&Metrics)) -> Vec<Value> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&lines);
        record(&Metrics::new("payments-dev", move |line| {
            into.lock().unwrap().push(serde_json::from_str(line).unwrap());
        }));
        let lines = lines.lock().unwrap();
        lines.clone()
    }

    #[test]
    fn counts_are_one_line_in_the_embedded_metric_format() {
        let lines = lines(|metrics| metrics.count(&[("Published", 3), ("Deferred", 0), ("Replayed", 1)]));
        let [line] = lines.as_slice() else { panic!("one line: {lines:?}") };
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Paystream");
        let named = json!([{"Name": "Published", "Unit": "Count"}, {"Name": "Replayed", "Unit": "Count"}]);
        assert_eq!(directive["Metrics"], named);
        assert_eq!((&line["Published"], &line["Replayed"]), (&json!(3), &json!(1)));
        // A dimension names a member of the line.
        assert_eq!(directive["Dimensions"], json!([["FunctionName"]]));
        assert_eq!(line["FunctionName"], "payments-dev");
        assert!(line["_aws"]["Timestamp"].as_u64().is_some_and(|unix_ms| unix_ms > 1_700_000_000_000));
    }

    #[test]
    fn zero_counts_and_empty_values_write_no_line() {
        assert_eq!(lines(|metrics| metrics.count(&[("Published", 0)])), Vec::<Value>::new());
        assert_eq!(lines(|metrics| metrics.milliseconds("Lag", &[])), Vec::<Value>::new());
    }

    #[test]
    fn every_value_is_written_in_lines_of_a_hundred() {
        let values: Vec<u64> = (0..250).collect();
        let lines = lines(|metrics| metrics.milliseconds("Lag", &values));
        let lengths: Vec<_> = lines.iter().map(|line| line["Lag"].as_array().unwrap().len()).collect();
        assert_eq!(lengths, [100, 100, 50]);
        let written =
            lines.iter().flat_map(|line| line["Lag"].as_array().unwrap()).map(|value| value.as_u64().unwrap());
        assert_eq!(written.collect::<Vec<_>>(), values);
        let metrics = &lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"];
        assert_eq!(*metrics, json!([{"Name": "Lag", "Unit": "Milliseconds"}]));
    }
}

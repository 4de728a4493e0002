//! Structured logs on standard output, where Lambda collects them.

use std::str::FromStr;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// Least severe level that is logged: `error`, `warn`, `info`, `debug` or `trace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLevel(LevelFilter);

/// The text is not a log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be error, warn, info, debug or trace")]
pub struct UnknownLogLevel;

impl LogLevel {
    /// Default level.
    pub const INFO: Self = Self(LevelFilter::INFO);
}

impl FromStr for LogLevel {
    type Err = UnknownLogLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLogLevel> {
        let level = match text {
            "error" => LevelFilter::ERROR,
            "warn" => LevelFilter::WARN,
            "info" => LevelFilter::INFO,
            "debug" => LevelFilter::DEBUG,
            "trace" => LevelFilter::TRACE,
            _ => return Err(UnknownLogLevel),
        };
        Ok(Self(level))
    }
}

/// Starts the log. Each line is a JSON object with `timestamp`, `level`, `target`, `message` and the event's fields at
/// the top level. `spans` lists the enclosing spans: the invocation with its `requestId`, and the payment with its
/// `trace_id`.
///
/// Dependencies log at `warn` or above, whatever the level: below `warn`, the SDK logs whole requests, which contain
/// data that must not be logged.
///
/// A second call has no effect.
pub fn init_logs(level: LogLevel) {
    // Fails only if a log was started before.
    let _ = subscriber(level, std::io::stdout).try_init();
}

fn subscriber<W>(level: LogLevel, write_to: W) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let ours = OWN_TARGETS.into_iter().map(|target| (target, level.0));
    let filter = Targets::new()
        .with_default(level.0.min(LevelFilter::WARN))
        .with_targets(ours)
        .with_target(INVOCATIONS, LevelFilter::INFO);
    let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    tracing_subscriber::registry().with(json.with_writer(write_to).with_filter(filter))
}

/// Target of `lambda_runtime`'s span of an invocation. It has no events.
const INVOCATIONS: &str = "lambda_runtime::layers::trace";

/// This project's crates, which log at the configured level. A name stands for all names that begin with it.
const OWN_TARGETS: [&str; 14] = [
    "outbox_relay",
    "aws_secrets",
    "payment_api",
    "payment_recovery",
    "payment_relay",
    "order_projector",
    "order_api",
    "payments",
    "payments_aws",
    "orders",
    "orders_aws",
    "stream_batch",
    "aws_connection",
    "http_problems",
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Write};
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_its_request_id_and_trace_id_and_dependencies_log_only_warnings() {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(subscriber(LogLevel::INFO, move || writer.clone()), || {
            let invocation = tracing::info_span!(target: INVOCATIONS, "Lambda runtime invoke", requestId = "r-1");
            let _invoked = invocation.enter();
            let payment = tracing::info_span!(target: "order_projector", "payment", trace_id = "t-1");
            let _stored = payment.enter();
            tracing::info!(target: "orders", payment_id = "pay_1", order_id = "ord-1", "payment is stored");
            tracing::info!(target: "aws_smithy_runtime", "a whole request");
        });
        let lines = lines.0.lock().unwrap();
        let line: Value = serde_json::from_slice(&lines).unwrap();
        assert_eq!((&line["payment_id"], &line["order_id"]), (&json!("pay_1"), &json!("ord-1")));
        assert_eq!((&line["level"], &line["message"]), (&json!("INFO"), &json!("payment is stored")));
        assert_eq!(line["spans"][0], json!({"name": "Lambda runtime invoke", "requestId": "r-1"}));
        assert_eq!(line["spans"][1], json!({"name": "payment", "trace_id": "t-1"}));
    }

    #[test]
    fn every_crate_that_logs_below_warn_is_listed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let packages = ["functions", "crates"].map(|folder| fs::read_dir(root.join(folder)).unwrap());
        let mut logging = 0;
        for package in packages.into_iter().flatten().map(|entry| entry.unwrap().path()) {
            // Not a package, or one without a module that logs.
            let Ok(modules) = fs::read_dir(package.join("src")) else { continue };
            let sources = modules.filter_map(|module| fs::read_to_string(module.unwrap().path()).ok());
            let logs = |source: String| ["info!(", "debug!(", "trace!("].iter().any(|it| source.contains(it));
            if sources.into_iter().any(logs) {
                let target = package.file_name().unwrap().to_string_lossy().replace('-', "_");
                let is_listed = OWN_TARGETS.iter().any(|own| target.starts_with(own)) || target == "telemetry";
                assert!(is_listed, "{target} is missing in OWN_TARGETS");
                logging += 1;
            }
        }
        assert!(logging > 5, "{logging} crates log below warn");
    }

    #[test]
    fn levels_parse_from_lower_case_names() {
        assert_eq!("info".parse(), Ok(LogLevel::INFO));
        for bad in ["", "INFO", "verbose"] {
            assert_eq!(bad.parse::<LogLevel>(), Err(UnknownLogLevel), "{bad:?}");
        }
    }
}

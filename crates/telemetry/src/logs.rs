//! Structured logs on standard output, where Lambda collects them.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;

/// The least severe level that is logged: `error`, `warn`, `info`, `debug` or `trace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLevel(LevelFilter);

/// The text names no log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be error, warn, info, debug or trace")]
pub struct UnknownLogLevel;

impl LogLevel {
    /// What is logged where nothing else is asked for.
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

/// Logs from here on, as JSON with `timestamp`, `level`, `target`, `message` and each field at the top level.
///
/// Dependencies log from `warn` on, whatever the level: below it the SDK writes out requests, and a request holds what
/// no log may.
///
/// A second call changes nothing.
pub fn init_logs(level: LogLevel) {
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::prelude::*;

    let ours = OWN_TARGETS.into_iter().map(|target| (target, level.0));
    let filter = Targets::new().with_default(level.0.min(LevelFilter::WARN)).with_targets(ours);
    let json =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    // An error says that a log was started before, which is what is wanted.
    let _ = tracing_subscriber::registry().with(json.with_filter(filter)).try_init();
}

/// The crates whose lines follow the chosen level: ours.
const OWN_TARGETS: [&str; 10] = [
    "payment_api",
    "payment_relay",
    "order_projector",
    "order_api",
    "payments",
    "payments_aws",
    "orders",
    "orders_aws",
    "stream_batch",
    "http_problems",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_by_name() {
        assert_eq!("info".parse(), Ok(LogLevel::INFO));
        for bad in ["", "INFO", "verbose"] {
            assert_eq!(bad.parse::<LogLevel>(), Err(UnknownLogLevel), "{bad:?}");
        }
    }
}

//! `paystream compare`: asynchronous and synchronous mode measured with the same orders.

mod hubs;
mod interrupts;
mod place;
mod progress;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use payment_events::Timestamp;
use paystream_comparison::{
    ComparisonReport, LoadSettings, Machine, ReportError, Scenario, ScenarioError, ScenarioResult, SkippedScenario,
};

use crate::local::{LocalArguments, LocalError};
use crate::output::{self, OutputError};
use crate::target::TargetError;
use crate::tell;
use interrupts::Interrupts;
use place::Place;
use progress::Bar;

/// Exit code if something was lost or duplicated, or an order is not in the state that its payment implies.
const WRONG: u8 = 1;
/// Exit code if a measurement failed.
const INCOMPLETE: u8 = 2;
/// Reason for skipping scenarios after Ctrl-C.
const INTERRUPTED: &str = "interrupted";
/// Accepted rates, in orders per second. Below, there is nothing to measure; above, a single machine does not keep up.
const RATE: std::ops::RangeInclusive<f64> = 0.1..=1_000.0;
/// Accepted durations, in seconds.
const SECONDS: std::ops::RangeInclusive<f64> = 1.0..=3_600.0;
/// Scenarios of `--quick`.
const QUICK: [Scenario; 4] =
    [Scenario::Healthy, Scenario::Payments200Ms, Scenario::PaymentsDown, Scenario::KinesisDown];
const QUICK_SECONDS: f64 = 6.0;
const QUICK_RATE: f64 = 5.0;
/// High enough that processors do not sleep between orders. At half of it, the median rises by their wake-up time.
const FULL_RATE: f64 = 40.0;
const FULL_SECONDS: f64 = 30.0;
/// Warm-up before the measurement, as a fraction of the scenario's duration.
const WARM_UP_PART: f64 = 0.25;
/// Maximum warm-up, in seconds.
const WARM_UP_MAX: f64 = 3.0;

/// Arguments of `paystream compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Scenario to run; repeatable [default: all; --help lists them]
    ///
    /// healthy, payments-200ms, payments-2s, payments-errors, payments-down, kinesis-down, consumer-down,
    /// poison-record, order-first, payment-voided, voided-unheard
    #[arg(long = "scenario", value_name = "NAME")]
    scenarios: Vec<Scenario>,
    /// Run four scenarios, for 6 s each: about a minute. With --hub, one round with phases of 6 s
    #[arg(long, conflicts_with = "scenarios")]
    quick: bool,
    /// Orders per second in each mode [default: 40, or 5 with --quick]; with --hub, payments per second [default: 10, or
    /// 5 with --quick]
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Duration of each scenario, in seconds [default: 30, or 6 with --quick]; with --hub, of each phase [default: 15]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    duration: Option<f64>,
    /// Random seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    hubs: hubs::HubArguments,
    /// Write report.md, report.json and plots to this directory; with --hub, hubs.md, hubs.json and hubs.svg
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    local: LocalArguments,
    /// Measure a deployed stack instead, in the scenarios without faults. FILE is the output of `sam list stack-outputs
    /// --output json`; - reads standard input. Creates payments and orders in that stack
    #[arg(long, value_name = "FILE", conflicts_with_all = ["template", "release", "log"])]
    stack_outputs: Option<PathBuf>,
}

/// Error of `paystream compare`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("the stack outputs in {} have no {name}: they must be those of a Paystream stack", path.display())]
    NoUrl { path: PathBuf, name: &'static str },
    #[error("{scenario}: {source}")]
    Run { scenario: Scenario, source: ScenarioError },
    #[error(transparent)]
    Hubs(#[from] hubs::HubsError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("interrupted before anything was measured")]
    Interrupted,
    #[error("{0}")]
    Output(#[from] OutputError),
}

/// Runs the scenarios. Exits with 0, with [`WRONG`] or with [`INCOMPLETE`].
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, CompareError> {
    if !arguments.hubs.hubs.is_empty() {
        return hubs::run(arguments).await;
    }
    let place = Place::find(arguments.local.clone(), arguments.stack_outputs.as_deref()).await?;
    let load = arguments.load(FULL_RATE, FULL_SECONDS);
    let mut report = ComparisonReport {
        command: command(),
        begun_at: Timestamp::now(),
        machine: Machine::this(),
        target: place.name(),
        rate: load.rate,
        duration_s: load.duration.as_secs_f64(),
        seed: load.seed,
        scenarios: Vec::new(),
        skipped: Vec::new(),
        costs: None,
    };
    let interrupts = Interrupts::listen();
    let bar = Bar::new();
    let scenarios = scenarios(&arguments);
    let mut failed = None;
    for (number, scenario) in scenarios.iter().copied().enumerate() {
        let interrupted = || interrupts.stop.is_cancelled().then(|| INTERRUPTED.to_owned());
        if let Some(reason) = place.skips(scenario).or_else(interrupted) {
            report.skipped.push(SkippedScenario { scenario, reason });
            continue;
        }
        bar.begin(scenario, number, scenarios.len());
        let run = Box::pin(place.run(scenario, &load, &interrupts.stop, &bar));
        match interrupts.unless_aborted(run).await {
            Some(Ok(result)) if has_orders(&result) => report.scenarios.push(result),
            Some(Ok(_)) | None => report.skipped.push(SkippedScenario { scenario, reason: INTERRUPTED.to_owned() }),
            // Earlier results are kept.
            Some(Err(error)) => {
                report.skipped.push(SkippedScenario { scenario, reason: error.to_string() });
                failed.get_or_insert(error);
            }
        }
    }
    if arguments.scenarios.is_empty() && !arguments.quick && !report.scenarios.is_empty() {
        bar.counting();
        match interrupts.unless_aborted(Box::pin(place.costs(&load, &interrupts.stop))).await {
            Some(Ok(costs)) => report.costs = costs,
            Some(Err(error)) => failed = failed.or(Some(error)),
            None => {}
        }
    }
    bar.finish();
    if report.scenarios.is_empty() {
        match failed {
            Some(error) => return Err(error),
            None if interrupts.stop.is_cancelled() => return Err(CompareError::Interrupted),
            None => {}
        }
    }
    if let Some(directory) = &arguments.output {
        report.write(directory)?;
        tell(&format!("report written to {}", directory.display()));
    }
    let text = if arguments.json { report.json()? } else { report.table()? };
    output::line(text.trim_end())?;
    if let Some(error) = &failed {
        tell(&format!("the measurement is incomplete: {error}"));
    }
    Ok(match (report.is_right(), failed) {
        (false, _) => ExitCode::from(WRONG),
        (true, Some(_)) => ExitCode::from(INCOMPLETE),
        (true, None) => ExitCode::SUCCESS,
    })
}

impl Arguments {
    /// Returns the load, with these defaults of a run without `--quick`.
    fn load(&self, full_rate: f64, full_seconds: f64) -> LoadSettings {
        let (rate, seconds) = if self.quick { (QUICK_RATE, QUICK_SECONDS) } else { (full_rate, full_seconds) };
        let duration = self.duration.unwrap_or(seconds);
        LoadSettings {
            rate: self.rate.unwrap_or(rate),
            duration: Duration::from_secs_f64(duration),
            warm_up: Duration::from_secs_f64((duration * WARM_UP_PART).min(WARM_UP_MAX)),
            seed: self.seed,
        }
    }
}

fn has_orders(result: &ScenarioResult) -> bool {
    result.asynchronous.offered + result.synchronous.offered > 0
}

fn scenarios(arguments: &Arguments) -> Vec<Scenario> {
    if arguments.quick {
        QUICK.to_vec()
    } else if arguments.scenarios.is_empty() {
        Scenario::ALL.to_vec()
    } else {
        arguments.scenarios.clone()
    }
}

/// Returns a command line that runs this comparison again.
fn command() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let release = if cfg!(debug_assertions) { "" } else { " --release" };
    format!("cargo run{release} -- {}", arguments.join(" "))
}

fn rate(text: &str) -> Result<f64, String> {
    within(text, RATE)
}

fn seconds(text: &str) -> Result<f64, String> {
    within(text, SECONDS)
}

fn within(text: &str, bounds: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    number.ok_or_else(|| format!("must be a number from {} to {}", bounds.start(), bounds.end()))
}

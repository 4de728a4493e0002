//! `paystream chaos`: a random workload under random faults in its own environment, and a consistency check.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressStyle};
use paystream_chaos::{ChaosError, Findings, PublishModeName, Report};
use paystream_hubs::{Subscriber, SubscriberError, connect, own_names};
use paystream_local::{Hub, HubKind, HubUrl, Options};

use crate::local::{LocalArguments, LocalError};
use crate::output::{self, OutputError};

/// Exit code if the check found differences.
const FOUND: u8 = 1;
/// Maximum number of findings of each kind that are printed.
const SHOWN_MAX: usize = 10;

/// Arguments of `paystream chaos`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Number of payments to make
    #[arg(long, default_value_t = 2_000)]
    payments: u64,
    /// Random seed [default: a new one each time, which is printed]
    #[arg(long)]
    seed: Option<u64>,
    /// Publish mode of the system: direct, or stream [default: direct over Kinesis, and stream over other hubs, which have
    /// no other]
    #[arg(long, value_name = "MODE")]
    publish_mode: Option<PublishModeName>,
    /// Hub of the system: kinesis, kafka or rabbitmq
    #[arg(long, value_name = "HUB", default_value = "kinesis")]
    hub: HubKind,
    /// Broker of the hub, [USER:PASSWORD@]HOST:PORT, for kafka and rabbitmq. The run has a topic, or an exchange and a
    /// queue, of its own
    #[arg(long, value_name = "ADDRESS")]
    hub_url: Option<HubUrl>,
    #[command(flatten)]
    local: LocalArguments,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Error of `paystream chaos`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChaosCommandError {
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("--hub {0} needs --hub-url HOST:PORT; start a broker with `hubs/host/{0} start`")]
    NoHubUrl(HubKind),
    #[error("--hub-url is for --hub kafka and --hub rabbitmq: Kinesis is embedded")]
    UrlOfKinesis,
    #[error("--hub {0} has the publish mode stream only")]
    OtherMode(HubKind),
    #[error(transparent)]
    Hub(#[from] paystream_hubs::HubError),
    #[error(transparent)]
    Subscriber(#[from] SubscriberError),
    #[error("with seed {seed}: {source}")]
    Chaos { seed: u64, source: ChaosError },
    #[error("interrupted; the seed was {0}")]
    Interrupted(u64),
    #[error("{0}")]
    Output(#[from] OutputError),
}

/// Runs the workload and the check. Exits with 0 without findings, and with 1 with findings.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, ChaosCommandError> {
    let seed = arguments.seed.unwrap_or_else(new_seed);
    // With the defaults, most of the time would be spent waiting for payment leases and for the relay's batching
    // window.
    let mode = arguments.mode()?;
    let hub = arguments.hub().await?;
    let mut parameters = own_names(arguments.hub);
    let fixed = [
        ("PublishMode", mode.as_str()),
        ("PaymentLeaseMs", "500"),
        ("RelayWindowSeconds", "0"),
        ("Hub", arguments.hub.as_str()),
    ];
    parameters.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let built = arguments.local.clone().build_over(hub.clone(), parameters.clone()).await?;
    let environment = built.start(Options::default()).await?;
    let subscriber = subscriber(hub.as_ref(), &parameters).await?;
    let bar = progress_bar(arguments.payments, seed);
    let report = tokio::select! {
        report = paystream_chaos::run(&environment, subscriber, arguments.payments, seed, mode, |made| bar.set_position(made)) => report,
        _ = tokio::signal::ctrl_c() => return Err(ChaosCommandError::Interrupted(seed)),
    };
    bar.finish_and_clear();
    environment.shutdown().await;
    let report = report.map_err(|source| ChaosCommandError::Chaos { seed, source })?;
    tell(&report, arguments.json)?;
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

impl Arguments {
    fn mode(&self) -> Result<PublishModeName, ChaosCommandError> {
        match (self.hub, self.publish_mode) {
            (HubKind::Kinesis, mode) => Ok(mode.unwrap_or(PublishModeName::Direct)),
            (_, None | Some(PublishModeName::Stream)) => Ok(PublishModeName::Stream),
            (hub, Some(PublishModeName::Direct)) => Err(ChaosCommandError::OtherMode(hub)),
        }
    }

    /// Connects to the hub; `None` for Kinesis.
    async fn hub(&self) -> Result<Option<Hub>, ChaosCommandError> {
        match (self.hub, self.hub_url.clone()) {
            (HubKind::Kinesis, None) => Ok(None),
            (HubKind::Kinesis, Some(_)) => Err(ChaosCommandError::UrlOfKinesis),
            (hub, None) => Err(ChaosCommandError::NoHubUrl(hub)),
            (hub, Some(url)) => Ok(Some(connect(hub, url).await?)),
        }
    }
}

/// Subscribes to the hub, unless it is Kinesis.
async fn subscriber(
    hub: Option<&Hub>,
    parameters: &BTreeMap<String, String>,
) -> Result<Option<(HubKind, Subscriber)>, SubscriberError> {
    let Some(hub) = hub else { return Ok(None) };
    Ok(Some((hub.kind(), Subscriber::new(hub, parameters).await?)))
}

fn new_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| u64::from(since.subsec_nanos()))
}

/// Progress on standard error; hidden if that is not a terminal.
fn progress_bar(payments: u64, seed: u64) -> ProgressBar {
    let bar = ProgressBar::new(payments).with_message(format!("seed {seed}"));
    let style = ProgressStyle::with_template("{msg}  {wide_bar} {pos}/{len} payments, {per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn tell(report: &Report, as_json: bool) -> Result<(), OutputError> {
    if as_json {
        return output::json_line(report);
    }
    let Report { seed, payments, orders, disturbances, worked_ms, settled_ms, findings } = report;
    output::line(&format!("seed {seed}: {payments} payments and {orders} orders"))?;
    output::line(&format!(
        "disturbances: {} faults, {} outages, {} kills, {} repeated events, {} invalid records, {} reshards",
        disturbances.faults,
        disturbances.outages,
        disturbances.kills,
        disturbances.repeated_events,
        disturbances.poison_records,
        disturbances.reshards
    ))?;
    output::line(&format!("workload {} s, settled after {} s", seconds(*worked_ms), seconds(*settled_ms)))?;
    for (what, found) in kinds(findings) {
        output::line(&format!("  {what:<12} {}", found.len()))?;
        for finding in found.iter().take(SHOWN_MAX) {
            output::line(&format!("    {finding}"))?;
        }
    }
    Ok(())
}

fn kinds(findings: &Findings) -> [(&'static str, &[String]); 9] {
    [
        ("lost", &findings.lost),
        ("invented", &findings.invented),
        ("unpublished", &findings.unpublished),
        ("disordered", &findings.disordered),
        ("copies", &findings.copies),
        ("stuck", &findings.stuck),
        ("quarantine", &findings.quarantine),
        ("discarded", &findings.given_up),
        ("unreadable", &findings.unreadable),
    ]
}

/// Formats seconds with one decimal.
fn seconds(ms: u64) -> String {
    format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
}

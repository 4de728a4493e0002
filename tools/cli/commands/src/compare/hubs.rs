//! `paystream compare --hub`: the same payments over several hubs.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::str::FromStr;

use payment_events::Timestamp;
use paystream_comparison::hubs::{HubError, HubReport, HubResult, HubSamples, HubSystem, Observations, run_hub};
use paystream_comparison::{LoadSettings, Machine};
use paystream_hubs::{connect, own_names};
use paystream_local::{Hub, HubKind, HubUrl, Options, Profile};
use tokio_util::sync::CancellationToken;

use super::interrupts::Interrupts;
use super::place::built_as;
use super::progress::Bar;
use super::{CompareError, INCOMPLETE, WRONG, command};
use crate::local::LocalArguments;
use crate::output;
use crate::tell;

const FULL_RATE: f64 = 10.0;
const FULL_SECONDS: f64 = 15.0;
const FULL_ROUNDS: usize = 3;
/// Concurrent sandboxes of a function. At a rate of 10, a few are busy at a time.
const SANDBOXES_MAX: usize = 20;

/// Arguments of a comparison of hubs.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct HubArguments {
    /// Compare these hubs instead: kinesis, kafka, rabbitmq, separated by commas
    ///
    /// Makes the same payments over each, measures publish and projection lag, repeated and out-of-order deliveries, the
    /// recovery from an outage of the hub and of the consumer, and billed units. Kinesis also runs in direct mode
    #[arg(
        long = "hub",
        value_name = "HUBS",
        value_delimiter = ',',
        conflicts_with_all = ["scenarios", "stack_outputs"]
    )]
    pub(super) hubs: Vec<HubKind>,
    /// Broker of a hub, HUB=[USER:PASSWORD@]HOST:PORT; repeatable. Without it, the variable that
    /// `hubs/host/HUB start` prints names the broker
    #[arg(long = "hub-url", value_name = "HUB=ADDRESS", requires = "hubs")]
    urls: Vec<NamedUrl>,
    /// Rounds in which every hub is measured, with --hub [default: 3, or 1 with --quick]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100), requires = "hubs")]
    rounds: Option<u8>,
}

/// Address of the broker of a hub.
#[derive(Debug, Clone)]
struct NamedUrl {
    hub: HubKind,
    url: HubUrl,
}

impl FromStr for NamedUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (hub, url) = text.split_once('=').ok_or("must be HUB=HOST:PORT, such as kafka=127.0.0.1:9092")?;
        let hub =
            hub.parse().map_err(|_| format!("{hub:?} has no broker: use kafka=HOST:PORT or rabbitmq=HOST:PORT"))?;
        if hub == HubKind::Kinesis {
            return Err("is for kafka and rabbitmq: Kinesis is embedded".to_owned());
        }
        Ok(Self { hub, url: url.parse().map_err(|error| format!("{error}"))? })
    }
}

/// Error of a comparison of hubs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HubsError {
    #[error(
        "--hub {0} needs the address of a broker: --hub-url {0}=HOST:PORT, or the variable {variable}; start one with \
         `hubs/host/{0} start`",
        variable = variable(*.0)
    )]
    NoUrl(HubKind),
    #[error("the variable {variable}: {reason}")]
    Variable { variable: String, reason: String },
    #[error(transparent)]
    Hub(#[from] paystream_hubs::HubError),
    #[error("{system}: {source}", system = .system.title())]
    Run { system: HubSystem, source: HubError },
}

/// Measures every hub in each round. Exits with 0, with [`WRONG`] or with [`INCOMPLETE`].
pub(super) async fn run(arguments: super::Arguments) -> Result<ExitCode, CompareError> {
    let load = arguments.load(FULL_RATE, FULL_SECONDS);
    let brokers = arguments.hubs.brokers().await?;
    let rounds = arguments.hubs.rounds.map_or(if arguments.quick { 1 } else { FULL_ROUNDS }, usize::from);
    let mut hubs = arguments.hubs.hubs.clone();
    hubs.sort_unstable();
    hubs.dedup();
    let systems: Vec<_> = hubs.iter().flat_map(|hub| HubSystem::of(*hub)).copied().collect();
    let profile = if arguments.local.release { Profile::Release } else { Profile::own() };
    let mut report = HubReport {
        command: command(),
        begun_at: Timestamp::now(),
        machine: Machine::this(),
        target: format!("the local environment, one for each hub and round, with the functions {}", built_as(profile)),
        rate: load.rate,
        duration_s: load.duration.as_secs_f64(),
        rounds,
        seed: load.seed,
        systems: Vec::new(),
        is_interrupted: false,
    };
    let (interrupts, bar) = (Interrupts::listen(), Bar::new());
    let mut samples: BTreeMap<HubSystem, Vec<HubSamples>> = BTreeMap::new();
    let mut failed = None;
    for (number, system) in rotated(&systems, rounds).enumerate() {
        if interrupts.stop.is_cancelled() {
            break;
        }
        bar.begin_hub(system, number, systems.len() * rounds);
        let broker = brokers.get(&system.hub());
        let run = Box::pin(measure(&arguments.local, system, broker, &load, &interrupts.stop, &bar));
        match interrupts.unless_aborted(run).await {
            Some(Ok(of_round)) if of_round.healthy.versions > 0 => samples.entry(system).or_default().push(of_round),
            Some(Ok(_)) | None => {}
            // The other hubs are measured nevertheless.
            Some(Err(error)) => {
                failed.get_or_insert(error);
            }
        }
    }
    bar.finish();
    report.is_interrupted = interrupts.stop.is_cancelled();
    report.systems = samples.iter().map(|(system, rounds)| HubResult::of(*system, rounds)).collect();
    if report.systems.is_empty() {
        return Err(failed.unwrap_or(CompareError::Interrupted));
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

/// Every system in each round. Each round begins with another one.
fn rotated(systems: &[HubSystem], rounds: usize) -> impl Iterator<Item = HubSystem> {
    (0..rounds).flat_map(|round| {
        let turned = systems.iter().cycle().skip(round % systems.len().max(1));
        turned.take(systems.len()).copied()
    })
}

/// Measures one system in a new environment, with a topic, or an exchange and a queue, of its own.
async fn measure(
    local: &LocalArguments,
    system: HubSystem,
    broker: Option<&Hub>,
    load: &LoadSettings,
    stop: &CancellationToken,
    bar: &Bar,
) -> Result<HubSamples, CompareError> {
    let mut parameters = own_names(system.hub());
    parameters.extend(system.parameters().map(|(name, value)| (name.to_owned(), value.to_owned())));
    let built = local.clone().build_over(broker.cloned(), parameters).await?;
    let observations = Observations::default();
    let options = Options {
        warm: true,
        sandboxes_max: SANDBOXES_MAX,
        observer: Some(observations.observer()),
        ..Options::default()
    };
    let environment = built.start(options).await?;
    let progress = {
        let bar = bar.clone();
        move |progress| bar.show_hub(progress)
    };
    let run = run_hub(&environment, &observations, system, load, stop, progress).await;
    environment.shutdown().await;
    Ok(run.map_err(|source| HubsError::Run { system, source })?)
}

impl HubArguments {
    /// Connects to the broker of each hub.
    async fn brokers(&self) -> Result<BTreeMap<HubKind, Hub>, HubsError> {
        let mut brokers = BTreeMap::new();
        for hub in self.hubs.iter().copied().filter(|hub| *hub != HubKind::Kinesis) {
            brokers.insert(hub, connect(hub, self.url(hub)?).await?);
        }
        Ok(brokers)
    }

    fn url(&self, hub: HubKind) -> Result<HubUrl, HubsError> {
        if let Some(named) = self.urls.iter().find(|named| named.hub == hub) {
            return Ok(named.url.clone());
        }
        let variable = variable(hub);
        let address = std::env::var(&variable).map_err(|_| HubsError::NoUrl(hub))?;
        address.parse().map_err(|error| HubsError::Variable { variable, reason: format!("{error}") })
    }
}

/// Variable with the address of a broker, which `hubs/host/HUB start` prints.
fn variable(hub: HubKind) -> String {
    format!("PAYSTREAM_{}", hub.as_str().to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_measures_each_system_and_begins_with_another_one() {
        let systems = [HubSystem::Kinesis, HubSystem::Kafka, HubSystem::Rabbitmq];
        let order: Vec<_> = rotated(&systems, 4).collect();
        for (number, round) in order.chunks(3).enumerate() {
            assert_eq!(round[0], systems[number % 3]);
            assert!(systems.iter().all(|system| round.contains(system)), "{round:?}");
        }
        assert_eq!(order.len(), 12);
    }
}

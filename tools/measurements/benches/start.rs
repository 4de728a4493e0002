//! Init time of the functions, from execution to the first poll for an event, compared with a function that does
//! nothing.
//!
//! `cargo bench -p paystream-measurements --bench start` builds the functions and prints the figures;
//! docs/performance.md has them. `-- --tls` includes TLS handshakes with services. `-- --binaries .aws-sam/build`
//! measures the output of `sam build` instead.
//!
//! The relays of Kafka and RabbitMQ are measured until they connect to a hub, which never answers. With
//! `-- --kafka HOST:PORT` and `-- --rabbitmq HOST:PORT`, they also connect to this broker, until the first poll.
#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use paystream_measurements::{
    BenchArguments, Binaries, FUNCTIONS, Function, HELLO_WORLD, HUB_RELAYS, HubRelay, Instrument, RuntimeApi, Sandbox,
    Services, ended, machine,
};
use tokio::net::TcpListener;

/// Maximum init time of a function, as a multiple of the baseline.
const BUDGET: f64 = 1.5;
/// Bound on the wait for a connection, far above every start.
const CONNECTS_MAX: Duration = Duration::from_secs(10);

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: BenchArguments,
    /// Starts of each function, in turns.
    #[arg(long, default_value_t = 200)]
    rounds: usize,
    /// Uses TLS for connections to services, so that handshakes count.
    #[arg(long)]
    tls: bool,
    /// Kafka broker without encryption and authentication, to connect its relay to.
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// `RabbitMQ` broker without encryption, with the credentials guest, to connect its relay to.
    #[arg(long, value_name = "HOST:PORT")]
    rabbitmq: Option<String>,
}

/// Measurement of one start.
struct Start {
    took: Duration,
    /// Connections to services made until the first poll.
    connections: usize,
}

/// Process to start, and the moment at which it counts as started.
enum Until<'a> {
    /// Its first poll for an event.
    Polls(&'a Function),
    /// Its connection to a hub, which never answers.
    Connects(HubRelay),
    /// Its first poll, after the handshake with the hub at this address.
    PollsConnected(HubRelay, String),
}

/// All starts of one function.
struct Starts<'a> {
    name: String,
    binary: PathBuf,
    until: Until<'a>,
    took: Vec<Duration>,
    connections_max: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure(Arguments::parse()).await)
}

async fn measure(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let binaries = Binaries::of_functions(arguments.common.binaries.as_deref())?.and_hub_relays()?.and(HELLO_WORLD)?;
    let starts_of = |name: &str, binary, until| Starts {
        name: name.to_owned(),
        binary,
        until,
        took: Vec::new(),
        connections_max: 0,
    };
    let mut all = vec![starts_of("hello world", binaries.built(HELLO_WORLD), Until::Polls(&FUNCTIONS[0]))];
    for function in &FUNCTIONS {
        all.push(starts_of(function.logical_id, binaries.of(function), Until::Polls(function)));
    }
    for (relay, broker) in HUB_RELAYS.into_iter().zip([arguments.kafka, arguments.rabbitmq]) {
        let (name, binary) = (relay.function.logical_id, binaries.of(&relay.function));
        all.push(starts_of(name, binary.clone(), Until::Connects(relay)));
        if let Some(address) = broker {
            all.push(starts_of(&format!("{name}, connected"), binary, Until::PollsConnected(relay, address)));
        }
    }
    let directory = tempfile::tempdir()?;
    let certificate = arguments.tls.then(|| directory.path().join("certificate.pem"));
    let machine = machine();
    // Round 0 does not count: it reads the binaries from disk.
    for round in 0..=arguments.rounds {
        for starts in &mut all {
            let Start { took, connections } = start(&starts.binary, &starts.until, certificate.as_deref()).await?;
            if round > 0 {
                starts.took.push(took);
            }
            starts.connections_max = starts.connections_max.max(connections);
        }
    }
    let over = if arguments.tls { "TLS" } else { "plain TCP" };
    println!("time from execution to the first poll for an event, connections over {over} on loopback,");
    println!("{} starts each, in turns ({machine}):", arguments.rounds);
    println!("  {:<31} {:>10} {:>10} {:>10} {:>12}", "", "median", "least", "ratio", "connections");
    let baseline = median(&mut all[0].took);
    for starts in &mut all {
        let median = median(&mut starts.took);
        let least = starts.took.first().copied().unwrap_or_default();
        let ratio = median.as_secs_f64() / baseline.as_secs_f64();
        let connections = starts.connections_max;
        println!("  {:<31} {:>7.2} ms {:>7.2} ms {ratio:>10.2} {connections:>12}", starts.name, ms(median), ms(least));
    }
    println!("  (budget: ratio of medians at most {BUDGET} over plain TCP; connections: made until the first poll)");
    Ok(())
}

/// Starts one process, waits until it counts as started, and kills it.
async fn start(binary: &Path, until: &Until<'_>, certificate: Option<&Path>) -> Result<Start, Box<dyn Error>> {
    let services = Services::start_over(certificate).await?;
    let mut api = RuntimeApi::start(Vec::new()).await?;
    let hub = TcpListener::bind("127.0.0.1:0").await?;
    let (function, hub_address) = match until {
        Until::Polls(function) => (*function, None),
        Until::Connects(relay) => (&relay.function, Some((relay.address, hub.local_addr()?.to_string()))),
        Until::PollsConnected(relay, address) => (&relay.function, Some((relay.address, address.clone()))),
    };
    let mut environment = function.environment(api.address(), services.url());
    environment.extend(hub_address);
    environment.extend(services.trusted());
    let sandbox = Sandbox::start(binary, &[], &environment, Instrument::None)?;
    let begun = sandbox.begun;
    if let Until::Connects(_) = until {
        let _connection = tokio::time::timeout(CONNECTS_MAX, hub.accept()).await??;
        let took = begun.elapsed();
        sandbox.kill().await?;
        return Ok(Start { took, connections: services.connections() });
    }
    let (sandbox, idle) = sandbox.until_idle(&mut api).await?;
    let connections = services.connections();
    sandbox.kill().await?;
    Ok(Start { took: idle.asked.duration_since(begun), connections })
}

/// Median. Sorts the durations.
fn median(durations: &mut [Duration]) -> Duration {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied().unwrap_or_default()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

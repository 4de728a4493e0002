//! Init time of the functions, from execution to the first poll for an event, compared with a function that does
//! nothing.
//!
//! `cargo bench -p paystream-measurements --bench start` builds the functions and prints the figures;
//! docs/performance.md has them. `-- --tls` includes TLS handshakes with services. `-- --binaries .aws-sam/build`
//! measures the output of `sam build` instead.
#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use paystream_measurements::{
    BenchArguments, Binaries, FUNCTIONS, Function, HELLO_WORLD, Instrument, RuntimeApi, Sandbox, Services, ended,
    machine,
};

/// Maximum init time of a function, as a multiple of the baseline.
const BUDGET: f64 = 1.5;

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
}

/// Measurement of one start.
struct Start {
    took: Duration,
    /// Connections to services made until the first poll.
    connections: usize,
}

/// All starts of one function.
struct Starts<'a> {
    name: &'static str,
    binary: PathBuf,
    function: &'a Function,
    took: Vec<Duration>,
    connections_max: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure(Arguments::parse()).await)
}

async fn measure(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let binaries = Binaries::of_functions(arguments.common.binaries.as_deref())?.and(HELLO_WORLD)?;
    let starts_of = |name, binary, function| Starts { name, binary, function, took: Vec::new(), connections_max: 0 };
    let mut all = vec![starts_of("hello world", binaries.built(HELLO_WORLD), &FUNCTIONS[0])];
    all.extend(FUNCTIONS.iter().map(|function| starts_of(function.logical_id, binaries.of(function), function)));
    let directory = tempfile::tempdir()?;
    let certificate = arguments.tls.then(|| directory.path().join("certificate.pem"));
    let machine = machine();
    // Round 0 does not count: it reads the binaries from disk.
    for round in 0..=arguments.rounds {
        for starts in &mut all {
            let Start { took, connections } = start(&starts.binary, starts.function, certificate.as_deref()).await?;
            if round > 0 {
                starts.took.push(took);
            }
            starts.connections_max = starts.connections_max.max(connections);
        }
    }
    let over = if arguments.tls { "TLS" } else { "plain TCP" };
    println!("time from execution to the first poll for an event, connections over {over} on loopback,");
    println!("{} starts each, in turns ({machine}):", arguments.rounds);
    println!("  {:<16} {:>10} {:>10} {:>10} {:>12}", "", "median", "least", "ratio", "connections");
    let baseline = median(&mut all[0].took);
    for starts in &mut all {
        let median = median(&mut starts.took);
        let least = starts.took.first().copied().unwrap_or_default();
        let ratio = median.as_secs_f64() / baseline.as_secs_f64();
        let connections = starts.connections_max;
        println!("  {:<16} {:>7.2} ms {:>7.2} ms {ratio:>10.2} {connections:>12}", starts.name, ms(median), ms(least));
    }
    println!("  (budget: ratio of medians at most {BUDGET} over plain TCP; connections: made until the first poll)");
    Ok(())
}

/// Starts one process, waits until it polls for an event, and kills it.
async fn start(binary: &Path, function: &Function, certificate: Option<&Path>) -> Result<Start, Box<dyn Error>> {
    let services = Services::start_over(certificate).await?;
    let mut api = RuntimeApi::start(Vec::new()).await?;
    let mut environment = function.environment(api.address(), services.url());
    environment.extend(services.trusted());
    let sandbox = Sandbox::start(binary, &[], &environment, Instrument::None)?;
    let begun = sandbox.begun;
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

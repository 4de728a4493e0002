//! Processor time of the functions per record or request, and the throughput of a sandbox that follows from it: a
//! sandbox gets a share of a processor in proportion to its memory.
//!
//! `cargo bench -p paystream-measurements --bench processor` builds the functions and prints the figures;
//! docs/performance.md has them. The stand-ins for AWS services use TLS. Each function runs twice, with more events the
//! second time; the difference excludes start and connections. `-- --binaries .aws-sam/build` measures the output of
//! `sam build` instead. Time is read from `/proc`, on Linux only.
#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use paystream_measurements::{BenchArguments, Binaries, Instrument, LOADS, Load, Part, Run, ended, machine};

/// Memory in MB at which a function has one processor. The share is proportional to memory:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
const ONE_PROCESSOR_MB: f64 = 1_769.0;
/// Memory sizes in MB for which throughput is printed.
const MEMORY_MB: [u16; 4] = [256, 512, 1_024, 1_769];

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: BenchArguments,
    /// Measurements of each function, in turns.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Number of events, as a multiple of the number used to count instructions.
    #[arg(long, default_value_t = 16)]
    events: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure(Arguments::parse()).await)
}

async fn measure(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let binaries = Binaries::of_functions(arguments.common.binaries.as_deref())?;
    let directory = tempfile::tempdir()?;
    let certificate = directory.path().join("certificate.pem");
    let machine = machine();
    let mut measured = LOADS.map(|load| (load, Vec::new()));
    for _ in 0..arguments.rounds {
        for (load, times) in &mut measured {
            times.push(one(load, &binaries.of(load.function), &certificate, load.more * arguments.events).await?);
        }
    }
    println!("processor time, median of {} rounds in turns, over TLS ({machine});", arguments.rounds);
    println!("and throughput per second of a sandbox by memory, if Lambda's processor is as fast as this one:");
    let sizes = MEMORY_MB.map(|size| format!("{size:>8} MB")).concat();
    println!("  {:<24} {:<8} {:>10} {:>10} {sizes}", "", "per", "median", "least");
    for (load, times) in &mut measured {
        times.sort_unstable();
        let (median, least) = (times[times.len() / 2], times[0]);
        let rates = MEMORY_MB.map(|size| f64::from(size) / ONE_PROCESSOR_MB / median.as_secs_f64());
        let rates = rates.map(|rate| format!("{rate:>11.0}")).concat();
        let (name, unit) = (load.floor, load.unit);
        println!("  {name:<24} {unit:<8} {:>7.0} µs {:>7.0} µs {rates}", us(median), us(least));
    }
    Ok(())
}

/// Processor time per unit of the load.
async fn one(load: &Load, binary: &Path, certificate: &Path, more: usize) -> Result<Duration, Box<dyn Error>> {
    let mut took = Vec::new();
    for events in [1, 1 + more] {
        let run = Run {
            binary,
            part: Part::Function,
            load,
            events,
            instrument: Instrument::None,
            certificate: Some(certificate),
        };
        took.push(run.once().await?.processor);
    }
    Ok(took[1].saturating_sub(took[0]) / u32::try_from(more * load.units)?)
}

fn us(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000_000.0
}

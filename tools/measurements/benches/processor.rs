//! How long a function is on a processor for each record or request, and so how many of them a sandbox can do a second, which
//! has a share of a processor by its memory.
//!
//! `cargo bench -p paystream-measurements --bench processor` builds what is measured and prints the figures; docs/performance.md
//! has them. Services speak TLS, as those of AWS do. Each function is run twice, with more events the second time, so that
//! starting and connecting do not count. With `-- --binaries .aws-sam/build` it takes the functions that `sam build` made.
//! Time is read from `/proc`, so on Linux only.
#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use paystream_measurements::{BenchArguments, Binaries, Instrument, LOADS, Load, Part, Run, ended, machine};

/// At this much memory, in MB, a function has one processor, and in proportion to it otherwise:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>.
const ONE_PROCESSOR_MB: f64 = 1_769.0;
/// Sizes to reckon for, in MB.
const MEMORY_MB: [u16; 4] = [256, 512, 1_024, 1_769];

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: BenchArguments,
    /// How often each is measured; all take turns.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How many times as many events each is given as for counting its instructions.
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
    let mut taken = LOADS.map(|load| (load, Vec::new()));
    for _ in 0..arguments.rounds {
        for (load, times) in &mut taken {
            times.push(one(load, &binaries.of(load.function), &certificate, load.more * arguments.events).await?);
        }
    }
    println!("processor time for each, median of {} in turns, over TLS ({machine});", arguments.rounds);
    println!(
        "and how many a second a sandbox of so many MB can do by its share of a processor, if its processor is this one:"
    );
    let sizes = MEMORY_MB.map(|size| format!("{size:>8} MB")).concat();
    println!("  {:<24} {:<8} {:>10} {:>10} {sizes}", "", "for each", "median", "least");
    for (load, times) in &mut taken {
        times.sort_unstable();
        let (median, least) = (times[times.len() / 2], times[0]);
        let rates = MEMORY_MB.map(|size| f64::from(size) / ONE_PROCESSOR_MB / median.as_secs_f64());
        let rates = rates.map(|rate| format!("{rate:>11.0}")).concat();
        let (name, unit) = (load.floor, load.unit);
        println!("  {name:<24} {unit:<8} {:>7.0} µs {:>7.0} µs {rates}", us(median), us(least));
    }
    Ok(())
}

/// For each unit of the load.
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

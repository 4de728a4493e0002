//! Instructions of the functions per record or request, compared with baselines, and peak memory.
//!
//! `cargo bench -p paystream-measurements --bench work` builds the functions and prints the figures;
//! docs/performance.md has them. `valgrind` counts the instructions of two runs: one with a small event only, one
//! with further events. The difference excludes the start. `-- --binaries .aws-sam/build` measures the output of `sam build` instead. It fails
//! if a function is over budget. Counts are the same on every machine, so .ci/work can check them.
#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use paystream_measurements::{
    BenchArguments, Binaries, FLOORS, Instrument, LOADS, Load, Part, ResourceUse, Run, RunError, ended, given,
    instructions, machine, valgrind,
};

/// Attempts for a run that fails.
const TRIES_MAX: usize = 10;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: BenchArguments,
    /// Uses this binary of tools/measurements/baselines instead of building it.
    #[arg(long, value_name = "FILE")]
    floors: Option<PathBuf>,
    /// Measures only this function package, or only the load printed under this name.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Also measures the baseline without sending, which has no budget.
    #[arg(long)]
    unsent: bool,
    /// Keeps the output of callgrind in this folder, for `callgrind_annotate`.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure(Arguments::parse()).await)
}

async fn measure(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    valgrind()?;
    let kept = tempfile::tempdir()?;
    let counts = arguments.keep.as_deref().map_or_else(|| kept.path().to_owned(), given);
    let baselines = match &arguments.floors {
        Some(built) => given(built),
        None => Binaries::default().and(FLOORS)?.built(FLOORS),
    };
    let baselines = Binary { path: &baselines, counts: &counts };
    let functions = Binaries::of_functions(arguments.common.binaries.as_deref())?;
    println!("instructions of the function and of its baseline, and peak memory ({}):", machine());
    println!(
        "  {:<24} {:<8} {:>10} {:>10} {:>8} {:>10}{}",
        "",
        "per",
        "function",
        "baseline",
        "ratio",
        "memory",
        if arguments.unsent { "  baseline without sending" } else { "" }
    );
    let mut above = Vec::new();
    let wanted = |load: &&Load| {
        arguments.only.as_ref().is_none_or(|only| [load.function.package, load.floor].contains(&only.as_str()))
    };
    for load in LOADS.iter().filter(wanted) {
        let path = functions.of(load.function);
        let function = Binary { path: &path, counts: &counts };
        let own = function.instructions(load, Part::Function).await?;
        let baseline = baselines.instructions(load, Part::Floor).await?;
        let unsent = if arguments.unsent {
            format!("{:>26.0}", baselines.instructions(load, Part::FloorUnsent).await?)
        } else {
            String::new()
        };
        let (name, unit, memory_mb) = (load.floor, load.unit, function.peak_mb(load).await?);
        let ratio = own / baseline;
        println!(
            "  {name:<24} {unit:<8} {own:>10.0} {baseline:>10.0} {ratio:>6.2} of {} {memory_mb:>7.1} MB{unsent}",
            load.ratio_max
        );
        if ratio > load.ratio_max {
            above.push(name);
        }
    }
    println!("  (ratio of the function to its baseline, and the maximum)");
    if above.is_empty() {
        Ok(())
    } else {
        Err(format!("ratio to the baseline over budget: {}", above.join(", ")).into())
    }
}

/// A binary to be measured.
struct Binary<'a> {
    path: &'a Path,
    /// Folder for the output of callgrind.
    counts: &'a Path,
}

impl Binary<'_> {
    /// Instructions per unit of the load.
    #[allow(clippy::cast_precision_loss)]
    async fn instructions(&self, load: &Load, part: Part) -> Result<f64, Box<dyn Error>> {
        let name = format!("{}.{part:?}", load.floor);
        let mut totals = Vec::new();
        for events in [0, load.more] {
            let counts = self.counts.join(format!("{name}.{events}.callgrind"));
            self.run(load, part, events, Instrument::Callgrind(&counts)).await?;
            totals.push(instructions(&counts)?);
        }
        Ok((totals[1] - totals[0]) as f64 / (load.more * load.units) as f64)
    }

    /// Peak memory of the process.
    async fn peak_mb(&self, load: &Load) -> Result<f64, Box<dyn Error>> {
        let ran = self.run(load, Part::Function, load.more, Instrument::None).await?;
        Ok(f64::from(ran.peak_kib) / 1_024.0)
    }

    /// Runs a process with this many events.
    ///
    /// On a busy machine, calls may time out under `valgrind` and be retried. Such a run fails and is repeated.
    async fn run(
        &self,
        load: &Load,
        part: Part,
        events: usize,
        instrument: Instrument<'_>,
    ) -> Result<ResourceUse, RunError> {
        let run = Run { binary: self.path, part, load, events, instrument, certificate: None };
        let mut tries = 1;
        loop {
            match run.once().await {
                Err(_) if tries < TRIES_MAX => tries += 1,
                done => return done,
            }
        }
    }
}

//! How many instructions a function takes for each record or request, against the least that its calls take; and how much
//! memory it has at most.
//!
//! `cargo bench -p paystream-measurements --bench work` builds what is measured and prints the figures; docs/performance.md has
//! them. Instructions are counted by `valgrind`: twice for each, with more events the second time, so that starting does not
//! count. With `-- --binaries .aws-sam/build` it takes the functions that `sam build` made. It fails where a budget is exceeded:
//! counts come out the same on every machine, so .ci/work holds them.
#![allow(missing_docs, clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use paystream_measurements::{
    BenchArguments, Binaries, FLOORS, Instrument, LARGER_CALLS, LOADS, Load, Part, ResourceUse, Run, RunError, ended,
    given, instructions, machine, valgrind,
};

/// How often a run is tried that does not go as it should.
const TRIES_MAX: usize = 5;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    common: BenchArguments,
    /// Takes the floors from this binary of tools/measurements/floors, instead of building it.
    #[arg(long, value_name = "FILE")]
    floors: Option<PathBuf>,
    /// Measures what is asked of this function only, or what is printed under this name.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Keeps what callgrind wrote in this folder, for `callgrind_annotate`.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Measures what the projector's writes would take in larger calls, instead.
    #[arg(long)]
    larger_calls: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    ended(measure(Arguments::parse()).await)
}

async fn measure(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    valgrind()?;
    let kept = tempfile::tempdir()?;
    let counts = arguments.keep.as_deref().map_or_else(|| kept.path().to_owned(), given);
    let floors = match &arguments.floors {
        Some(built) => given(built),
        None => Binaries::default().and(FLOORS)?.built(FLOORS),
    };
    let floors = Binary { path: &floors, counts: &counts };
    if arguments.larger_calls {
        return larger_calls(&floors).await;
    }
    let functions = Binaries::of_functions(arguments.common.binaries.as_deref())?;
    println!(
        "instructions of the function, of its floor, of that without sending, and the function's memory ({}):",
        machine()
    );
    println!(
        "  {:<24} {:<8} {:>10} {:>10} {:>10} {:>8} {:>10}",
        "", "for each", "function", "floor", "unsent", "ratio", "memory"
    );
    let mut above = Vec::new();
    let wanted = |load: &&Load| {
        arguments.only.as_ref().is_none_or(|only| [load.function.package, load.floor].contains(&only.as_str()))
    };
    for load in LOADS.iter().filter(wanted) {
        let path = functions.of(load.function);
        let function = Binary { path: &path, counts: &counts };
        let own = function.instructions(load, Part::Function).await?;
        let floor = floors.instructions(load, Part::Floor).await?;
        let unsent = floors.instructions(load, Part::FloorUnsent).await?;
        let (name, unit, memory_mb) = (load.floor, load.unit, function.peak_mb(load).await?);
        let ratio = own / floor;
        println!(
            "  {name:<24} {unit:<8} {own:>10.0} {floor:>10.0} {unsent:>10.0} {ratio:>6.2} of {} {memory_mb:>7.1} MB",
            load.ratio_max
        );
        if ratio > load.ratio_max {
            above.push(name);
        }
    }
    println!("  (the ratio is of the function to its floor, and the most that it is to be)");
    if above.is_empty() { Ok(()) } else { Err(format!("more than may be, to the floor: {}", above.join(", ")).into()) }
}

/// What a thousand writes take in calls of one, and of several.
async fn larger_calls(floors: &Binary<'_>) -> Result<(), Box<dyn Error>> {
    println!(
        "instructions for each payment that is stored and whose order is looked for, by the calls it is stored with:"
    );
    for load in &LARGER_CALLS {
        println!("  {:<32} {:>10.0}", load.floor, floors.instructions(load, Part::Floor).await?);
    }
    Ok(())
}

/// A binary to be measured.
struct Binary<'a> {
    path: &'a Path,
    /// The folder for what callgrind writes.
    counts: &'a Path,
}

impl Binary<'_> {
    /// Instructions for each unit of the load.
    #[allow(clippy::cast_precision_loss)]
    async fn instructions(&self, load: &Load, part: Part) -> Result<f64, Box<dyn Error>> {
        let name = format!("{}.{part:?}", load.floor);
        let mut totals = Vec::new();
        for events in [1, 1 + load.more] {
            let counts = self.counts.join(format!("{name}.{events}.callgrind"));
            self.run(load, part, events, Instrument::Callgrind(&counts)).await?;
            totals.push(instructions(&counts)?);
        }
        Ok((totals[1] - totals[0]) as f64 / (load.more * load.units) as f64)
    }

    /// The most memory of the process.
    async fn peak_mb(&self, load: &Load) -> Result<f64, Box<dyn Error>> {
        let ran = self.run(load, Part::Function, 1 + load.more, Instrument::None).await?;
        Ok(f64::from(ran.peak_kib) / 1_024.0)
    }

    /// Runs a process through so many events.
    ///
    /// On a machine that is busy with other things calls take too long under `valgrind`, and are made again. Such a run does not
    /// count.
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

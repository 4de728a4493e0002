//! Renders the report and its plots again from the figures of an earlier run, after a change of the template:
//! `cargo run -p paystream-comparison --example render -- docs/comparison`.

use std::error::Error;
use std::path::PathBuf;

use paystream_comparison::ComparisonReport;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: render DIRECTORY")?);
    let report: ComparisonReport = serde_json::from_slice(&std::fs::read(directory.join("report.json"))?)?;
    Ok(report.write(&directory)?)
}

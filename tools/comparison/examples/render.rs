//! Renders the reports and their plots again from the figures of earlier runs, after a change of the template:
//! `cargo run -p paystream-comparison --example render -- docs/comparison`.

use std::error::Error;
use std::path::PathBuf;

use paystream_comparison::ComparisonReport;
use paystream_comparison::hubs::HubReport;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: render DIRECTORY")?);
    let report: ComparisonReport = serde_json::from_slice(&std::fs::read(directory.join("report.json"))?)?;
    report.write(&directory)?;
    let hubs: HubReport = serde_json::from_slice(&std::fs::read(directory.join("hubs.json"))?)?;
    Ok(hubs.write(&directory)?)
}

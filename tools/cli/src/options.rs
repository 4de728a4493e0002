//! Command-line options of `paystream up`.

use std::path::PathBuf;

use clap::Args;
use paystream_local::{HubUrl, LocalProcessor};

/// Options of `paystream up`.
#[derive(Debug, Clone, Args)]
pub struct Up {
    /// Port of both APIs; 0 picks a free one
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Keep the tables in this directory across restarts, not in memory
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Template to run [default: template.yaml, here or in a parent directory]
    #[arg(long, value_name = "PATH")]
    pub template: Option<PathBuf>,
    /// Override the default of a template parameter; repeatable
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub parameters: Vec<(String, String)>,
    /// Address of the hub, for --parameter Hub=kafka or Hub=rabbitmq
    #[arg(long, value_name = "[USER:PASSWORD@]HOST:PORT")]
    pub hub_url: Option<HubUrl>,
    /// Payment processor on this machine, instead of the simulator (docs/processor.md)
    #[arg(long, value_name = "http://127.0.0.1:PORT")]
    pub processor: Option<LocalProcessor>,
    /// Build the functions in release mode, as they deploy
    #[arg(long)]
    pub release: bool,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

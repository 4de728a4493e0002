//! Description of the machine of a run.

use serde::{Deserialize, Serialize};

/// Hardware and load of a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Name of the processor.
    pub processor: String,
    /// Hardware threads available to the process.
    pub cores: usize,
    /// Memory in gibibytes, if known.
    pub memory_gib: Option<u64>,
    /// Operating system and its version.
    pub system: String,
    /// One-minute load average, if known. Above the number of cores, other processes have distorted the figures.
    pub load: Option<f64>,
}

impl Machine {
    /// Describes the current machine.
    pub fn this() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let kilobytes = field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let release: String = release.trim().chars().take_while(|char| char.is_ascii_digit() || *char == '.').collect();
        let system = format!("{} {release}", std::env::consts::OS);
        let memory_gib = kilobytes.map(|kilobytes| kilobytes.div_ceil(1024 * 1024));
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        let load = load.and_then(|text| text.split(' ').next()?.parse().ok());
        Self { processor, cores, memory_gib, system: system.trim().to_owned(), load }
    }
}

/// Returns the value of the first line `name : value` of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

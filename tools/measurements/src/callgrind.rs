//! Instruction counts from `valgrind`, which do not depend on the load of the machine.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Error of counting instructions.
#[derive(Debug, thiserror::Error)]
pub enum CallgrindError {
    /// `valgrind` cannot be run.
    #[error("cannot run valgrind, which counts instructions ({0}): install it (Debian: apt-get install valgrind)")]
    NoValgrind(io::Error),
    /// The process wrote no count.
    #[error("callgrind wrote no total to {}", .0.display())]
    NoTotal(std::path::PathBuf),
}

/// Checks that `valgrind` can be run.
pub fn valgrind() -> Result<(), CallgrindError> {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.map(|_| ()).map_err(CallgrindError::NoValgrind)
}

/// Returns the total of a callgrind output file.
pub fn instructions(counts: &Path) -> Result<u64, CallgrindError> {
    let text = std::fs::read_to_string(counts).unwrap_or_default();
    total(&text).ok_or_else(|| CallgrindError::NoTotal(counts.to_owned()))
}

fn total(text: &str) -> Option<u64> {
    let lines = text.lines().rev();
    lines
        .filter_map(|line| line.strip_prefix("totals:"))
        .find_map(|total| total.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_from_the_end_of_the_file() {
        assert_eq!(total("events: Ir\nsummary: 12\n\nfn=(1) main\n16 400\n\ntotals: 4500\n"), Some(4_500));
        assert_eq!(total("events: Ir\n"), None);
    }
}

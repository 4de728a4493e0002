//! Output formats of a run: table, JSON, Markdown and plots.

mod plots;
mod render;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::path::{Path, PathBuf};

use crate::results::ComparisonReport;
pub use plots::PlotError;
pub(crate) use plots::{Bar, Bars};
pub(crate) use render::environment;
use render::{ReportForm, render};

/// The report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be written.
    #[error("cannot write {}: {reason}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        reason: io::Error,
    },
    /// A plot could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A template could not be rendered.
    #[error("cannot render the report: {0:#}")]
    Template(#[from] minijinja::Error),
    /// The figures could not be serialized.
    #[error("cannot write the figures as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl ComparisonReport {
    /// Renders tables for a terminal.
    pub fn table(&self) -> Result<String, ReportError> {
        Ok(render(self, ReportForm::Table)?)
    }

    /// Renders pretty-printed JSON.
    pub fn json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Renders Markdown, which embeds the plots written beside it.
    pub fn markdown(&self) -> Result<String, ReportError> {
        Ok(render(self, ReportForm::Markdown)?)
    }

    /// Writes `report.json`, `report.md` and the plots into a directory, and creates it if necessary.
    pub fn write(&self, directory: &Path) -> Result<(), ReportError> {
        let mut files = vec![("report.json", self.json()?)];
        files.extend(plots::plots(self)?);
        files.push(("report.md", self.markdown()?));
        write_all(directory, &files)
    }
}

/// Writes files into a directory, and creates it if necessary.
pub(crate) fn write_all(directory: &Path, files: &[(&str, String)]) -> Result<(), ReportError> {
    std::fs::create_dir_all(directory).map_err(|reason| ReportError::File { path: directory.to_owned(), reason })?;
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|reason| ReportError::File { path, reason })?;
    }
    Ok(())
}

//! The template to run, and the cargo workspace whose functions it names.

use std::path::{Path, PathBuf};

const TEMPLATE: &str = "template.yaml";

/// Neither the current directory nor one above it has a template.
#[derive(Debug, thiserror::Error)]
#[error("there is no {TEMPLATE} in {} or above: go to the workspace, or name one with --template PATH", .0.display())]
pub struct NoTemplate(PathBuf);

/// Returns the template of the current directory or of one above; else that of the workspace this program was built in.
pub fn find_template() -> Result<PathBuf, NoTemplate> {
    let here = std::env::current_dir().unwrap_or_default();
    let program = std::env::current_exe().unwrap_or_default();
    let above = |path: &Path| path.ancestors().map(|directory| directory.join(TEMPLATE)).find(|file| file.is_file());
    above(&here).or_else(|| above(&program)).ok_or(NoTemplate(here))
}

/// Returns the directory of a template. Cargo finds the workspace from any directory in it.
pub fn workspace_of(template: &Path) -> PathBuf {
    match template.parent() {
        Some(directory) if directory != Path::new("") => directory.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_where_the_template_is() {
        assert_eq!(workspace_of(Path::new("template.yaml")), Path::new("."));
        assert_eq!(workspace_of(Path::new("a/b/template.yaml")), Path::new("a/b"));
    }
}

//! The template to run, and the cargo workspace whose functions it names.

use std::path::{Path, PathBuf};

const TEMPLATE: &str = "template.yaml";

/// Neither the current directory nor one above it has a template.
#[derive(Debug, thiserror::Error)]
#[error("there is no {TEMPLATE} in {} or above: go to the workspace, or name one with --template PATH", .0.display())]
pub struct NoTemplate(PathBuf);

/// Returns the template that is given; else that of the current directory or of one above; else that of the workspace this
/// program was built in.
pub fn find_template(given: Option<PathBuf>) -> Result<PathBuf, NoTemplate> {
    if let Some(template) = given {
        return Ok(template);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let program = std::env::current_exe().unwrap_or_default();
    match directory_with(TEMPLATE, [&*here, &*program]) {
        Some(directory) => Ok(directory.join(TEMPLATE)),
        None => Err(NoTemplate(here)),
    }
}

/// Returns the first directory that has this file, of these paths and those above each.
pub fn directory_with<'p>(file: &str, paths: [&'p Path; 2]) -> Option<&'p Path> {
    paths.into_iter().flat_map(Path::ancestors).find(|directory| directory.join(file).is_file())
}

/// Returns the directory of a template. Cargo finds the workspace from any directory in it.
pub(crate) fn workspace_of(template: &Path) -> PathBuf {
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

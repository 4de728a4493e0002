//! Lookup of the template to run and of the cargo workspace around it.

use std::path::{Path, PathBuf};

const TEMPLATE: &str = "template.yaml";

/// No template in the current directory or its parents.
#[derive(Debug, thiserror::Error)]
#[error("no {TEMPLATE} in {} or its parent directories: change to the workspace or pass --template PATH", .0.display())]
pub struct NoTemplate(PathBuf);

/// Returns the given template, or the one of the current directory or its nearest parent, or the one of the workspace
/// that this program was built in.
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

/// Returns the first directory that contains this file, among the paths and their ancestors.
pub fn directory_with<'p>(file: &str, paths: [&'p Path; 2]) -> Option<&'p Path> {
    paths.into_iter().flat_map(Path::ancestors).find(|directory| directory.join(file).is_file())
}

/// Returns the directory of a template, from which cargo finds the workspace.
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
    fn the_workspace_is_found_from_the_directory_of_the_template() {
        assert_eq!(workspace_of(Path::new("template.yaml")), Path::new("."));
        assert_eq!(workspace_of(Path::new("a/b/template.yaml")), Path::new("a/b"));
    }
}

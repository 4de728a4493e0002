//! Release rules: the version that a change of the contracts requires.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::compatibility::{self, Breaking};
use crate::version::Version;

/// Documents by their paths below the repository root.
pub type Documents = BTreeMap<String, Value>;

/// Reason why documents cannot replace the released ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The change is breaking, and the version does not permit that.
    Breaks {
        /// Path of the document.
        path: String,
        /// The breaking change.
        breaking: Breaking,
    },
    /// The document has changed under the version that was released.
    SameVersion {
        /// Path of the document.
        path: String,
        /// Released version.
        released: String,
    },
    /// The version is malformed or lower than the released one.
    Version(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breaks { path, breaking } => write!(f, "{path}: {breaking}"),
            Self::SameVersion { path, released } => write!(f, "{path}: has changed since version {released}"),
            Self::Version(reason) => f.write_str(reason),
        }
    }
}

/// Returns the obstacles to replacing `released` with `generated`, whose version is `version`.
///
/// Any difference needs a higher version. A change that breaks callers of an API needs a higher major version. No
/// version permits a change that breaks consumers of events: all consumers share one stream, so a changed event gets a
/// new type.
pub fn obstacles(released: &Documents, generated: &Documents, version: &str) -> Vec<Obstacle> {
    let version_was = released.values().find_map(|document| document["info"]["version"].as_str());
    let Some(version_was) = version_was else {
        return vec![Obstacle::Version("there are no released documents".to_owned())];
    };
    let (was, is) = match (version_was.parse::<Version>(), version.parse::<Version>()) {
        (Ok(was), Ok(is)) if is >= was => (was, is),
        _ => return vec![Obstacle::Version(format!("version {version} cannot follow {version_was}"))],
    };
    let mut found = Vec::new();
    for (path, old) in released {
        let breaks = match generated.get(path) {
            Some(new) => compatibility::breaking(old, new),
            None => vec![Breaking { part: "the document".to_owned(), change: "was removed".to_owned() }],
        };
        let of_api = old.get("openapi").is_some();
        if !(of_api && is.major > was.major) {
            found.extend(breaks.into_iter().map(|breaking| Obstacle::Breaks { path: path.clone(), breaking }));
        }
    }
    if is == was {
        let same = |path: &String| released.get(path).map(unversioned) == generated.get(path).map(unversioned);
        let paths = released.keys().chain(generated.keys().filter(|path| !released.contains_key(*path)));
        let released = version_was.to_owned();
        let other = |path: &String| Obstacle::SameVersion { path: path.clone(), released: released.clone() };
        found.extend(paths.filter(|path| !same(path)).map(other));
    }
    found
}

/// Returns the document without its version, which is the same in all documents.
fn unversioned(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(version) = document.pointer_mut("/info/version") {
        version.take();
    }
    document
}

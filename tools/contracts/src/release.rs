//! What may be released after what: the rule by which versions are told apart.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::compatibility::{self, Breaking};
use crate::version::Version;

/// Documents by their paths below the repository.
pub type Documents = BTreeMap<String, Value>;

/// What keeps documents from being relied on in the place of the released ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It breaks who relies on what was released, and the version does not say so.
    Breaks {
        /// Which document.
        path: String,
        /// What of it.
        breaking: Breaking,
    },
    /// It is not what was released under that version, and says that it is.
    SameVersion {
        /// Which document.
        path: String,
        /// What was released.
        released: String,
    },
    /// A version is none, or lower than the one that was released.
    Version(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breaks { path, breaking } => write!(f, "{path}: {breaking}"),
            Self::SameVersion { path, released } => write!(f, "{path}: is not what was released as {released}"),
            Self::Version(told) => f.write_str(told),
        }
    }
}

/// What keeps `generated`, whose version is `version`, from taking the place of `released`.
///
/// Whatever differs needs a higher version, and what breaks who calls an API a higher major one. No version makes up for what
/// breaks who reads events: they lie in a stream that has one version, and an event that must change gets a new type.
pub fn obstacles(released: &Documents, generated: &Documents, version: &str) -> Vec<Obstacle> {
    let version_was = released.values().find_map(|document| document["info"]["version"].as_str());
    let Some(version_was) = version_was else { return vec![Obstacle::Version("nothing is released".to_owned())] };
    let (was, is) = match (version_was.parse::<Version>(), version.parse::<Version>()) {
        (Ok(was), Ok(is)) if is >= was => (was, is),
        _ => return vec![Obstacle::Version(format!("version {version} cannot come after {version_was}"))],
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

/// A document without its version, which all documents get at once.
fn unversioned(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(version) = document.pointer_mut("/info/version") {
        version.take();
    }
    document
}

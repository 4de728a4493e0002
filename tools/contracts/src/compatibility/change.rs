//! Breaking changes.

use std::fmt;

/// A breaking change: a part of the contract and how it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaking {
    /// Changed part of the contract.
    pub part: String,
    /// Description of the change.
    pub change: String,
}

impl fmt::Display for Breaking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.part, self.change)
    }
}

pub(super) fn broken(found: &mut Vec<Breaking>, part: impl Into<String>, change: impl Into<String>) {
    let breaking = Breaking { part: part.into(), change: change.into() };
    // Operations share schemas, so a comparison can find the same change more than once.
    if !found.contains(&breaking) {
        found.push(breaking);
    }
}

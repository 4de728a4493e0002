//! Changes that break somebody.

use std::fmt;

/// A change that breaks somebody: what of the contract, and how it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaking {
    /// Which part of the contract.
    pub part: String,
    /// What became of it.
    pub change: String,
}

impl fmt::Display for Breaking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.part, self.change)
    }
}

pub(super) fn broken(found: &mut Vec<Breaking>, part: impl Into<String>, change: impl Into<String>) {
    let breaking = Breaking { part: part.into(), change: change.into() };
    // One schema is met in several places of a document, and in one of them twice where it refers to itself.
    if !found.contains(&breaking) {
        found.push(breaking);
    }
}

//! Preconditions on the version of a payment.

/// Set of versions that a precondition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// Every version.
    All,
    /// These versions.
    Listed(Vec<u64>),
}

impl Versions {
    /// Returns true if the set contains this version.
    pub fn contains(&self, version: u64) -> bool {
        match self {
            Self::All => true,
            Self::Listed(versions) => versions.contains(&version),
        }
    }
}

/// Preconditions of a request on the payment's current version. By default, every version meets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preconditions {
    /// The payment must have one of these versions (`If-Match`).
    pub only: Versions,
    /// The payment must have none of these versions (`If-None-Match`).
    pub except: Versions,
}

impl Default for Preconditions {
    fn default() -> Self {
        Self { only: Versions::All, except: Versions::Listed(Vec::new()) }
    }
}

impl Preconditions {
    /// Returns true if a payment with this version meets both preconditions.
    pub fn allow(&self, version: u64) -> bool {
        self.only.contains(version) && !self.except.contains(version)
    }
}

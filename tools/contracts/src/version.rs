//! The version of the contracts.

use std::str::FromStr;

/// Version of the contracts, stated in all documents. The first change after a release raises it, as
/// [`obstacles`](crate::release::obstacles) requires.
pub const VERSION: &str = "2.0.0";

/// A version such as `1.2.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) patch: u32,
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[major, minor, patch]) => Ok(Self { major, minor, patch }),
            _ => Err(()),
        }
    }
}

//! The port of a hub.

use std::collections::BTreeMap;
use std::error::Error;

/// Any error.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Positions by shard or partition, as text.
pub(crate) type Positions = BTreeMap<String, String>;

/// A record of the hub.
pub(crate) struct Record {
    /// Place of the record on the hub, for people.
    pub(crate) place: String,
    pub(crate) data: Vec<u8>,
}

/// The next records. Those of one key are in order.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    /// Positions after the records. `None` if the hub keeps the position itself, or nothing has changed.
    pub(crate) positions: Option<Positions>,
    /// True if the hub had no further records.
    pub(crate) is_latest: bool,
}

/// A subscription.
pub(crate) trait Source {
    /// Returns the next records, or none after about a second.
    async fn next(&mut self) -> Result<Batch, BoxError>;

    /// Tells the hub that the effects of the last batch are stored.
    async fn confirm(&mut self) -> Result<(), BoxError>;
}

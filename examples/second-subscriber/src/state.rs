//! The state of the subscriber: one file, replaced as a whole. A service would use a transaction of its database.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use payment_events::{PaymentEvent, Timestamp};
use serde::{Deserialize, Serialize};

use crate::move_money::Ledger;
use crate::source::{BoxError, Positions, Record};

/// Maximum number of unreadable records kept. The subscriber stops at the next one: it must not lose it.
const UNREADABLE_MAX: usize = 100;

/// Ledger and position, which are stored in one write.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(skip)]
    path: PathBuf,
    pub(crate) positions: Positions,
    ledger: Ledger,
    /// Quarantine: records that are not events of payments, so that they block no others.
    unreadable: Vec<Unreadable>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Unreadable {
    place: String,
    error: String,
    data: Vec<u8>,
}

impl State {
    /// Starts a state. Transitions from before `since` move nothing.
    pub(crate) fn new(path: &Path, since: Timestamp) -> Self {
        let ledger = Ledger { since, progress: BTreeMap::new(), movements: Vec::new() };
        Self { path: path.to_owned(), positions: Positions::new(), ledger, unreadable: Vec::new() }
    }

    /// Reads the state. Returns `None` on the first run, before a state was stored.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, BoxError> {
        if !fs::exists(path)? {
            return Ok(None);
        }
        let state: Self = serde_json::from_slice(&fs::read(path)?)
            .map_err(|error| format!("{} is not a state of this program: {error}", path.display()))?;
        Ok(Some(Self { path: path.to_owned(), ..state }))
    }

    /// Takes a record into the ledger, and returns lines that say so.
    pub(crate) fn receive(&mut self, record: &Record) -> Result<Vec<String>, BoxError> {
        let Record { place, data } = record;
        let event = match PaymentEvent::decode(data) {
            Ok(event) => event,
            Err(error) => return self.quarantine(record, error.to_string()),
        };
        let known = self.ledger.movements.len();
        self.ledger.receive(&event);
        let mut lines = vec![format!("received {} at {place}", event.id())];
        for movement in &self.ledger.movements[known..] {
            let (action, minor) = (movement.transition.action, movement.transition.amount_minor);
            lines.push(format!("movement {}: {action} {minor} {}", movement.event_id, movement.currency));
        }
        Ok(lines)
    }

    fn quarantine(&mut self, record: &Record, error: String) -> Result<Vec<String>, BoxError> {
        let Record { place, data } = record;
        if self.unreadable.iter().any(|known| known.data == *data) {
            return Ok(Vec::new());
        }
        if self.unreadable.len() == UNREADABLE_MAX {
            let path = self.path.display();
            return Err(format!("{path} has {UNREADABLE_MAX} unreadable records; handle and remove them first").into());
        }
        let line = format!("unreadable record at {place} was quarantined: {error}");
        self.unreadable.push(Unreadable { place: place.clone(), error, data: data.clone() });
        Ok(vec![line])
    }

    /// Replaces the file. After an error or a crash it has the old state or the new one.
    pub(crate) fn store(&self) -> Result<(), BoxError> {
        let new = self.path.with_added_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        Ok(fs::rename(new, &self.path)?)
    }
}

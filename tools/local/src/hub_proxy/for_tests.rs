//! The fault proxy on its own, for adapter tests against a real broker.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Broker, HubProxy, OpenEntrance};
use crate::faults::{Caller, Callers, Calls, Fault, FaultId, Faults, InjectedFault, InvalidFault};
use crate::log::LogSink;

/// Fault proxy before a broker, without an environment. It stops when this is dropped.
///
/// Each caller gets an address of its own. There are no processes, so `kill` is not a valid effect.
pub struct BrokerProxy {
    proxy: HubProxy,
    entrances: Mutex<BTreeMap<String, OpenEntrance>>,
    /// Dropping it ends the connections.
    _stop: DropGuard,
}

impl BrokerProxy {
    /// Creates a proxy before the broker, or the brokers, at `HOST:PORT[,HOST:PORT]…`.
    pub fn new(broker: Broker, addresses: &str) -> Self {
        let stop = CancellationToken::new();
        let faults = Arc::new(Faults::new(Callers::Everybody, LogSink::discard()));
        let proxy = HubProxy::new(broker, addresses, faults, stop.clone());
        Self { proxy, entrances: Mutex::default(), _stop: stop.drop_guard() }
    }

    /// Returns the address for a caller: `127.0.0.1:PORT`, or one for each of the broker's addresses.
    pub fn address_for(&self, caller: &str) -> io::Result<String> {
        let mut entrances = self.entrances.lock();
        if let Some(entrance) = entrances.get(caller) {
            return Ok(entrance.addresses.clone());
        }
        let entrance = self.proxy.open(Caller::named(caller))?;
        let addresses = entrance.addresses.clone();
        entrances.insert(caller.to_owned(), entrance);
        Ok(addresses)
    }

    /// Injects a fault. Its `from` is the name of a caller.
    pub fn inject(&self, fault: Fault) -> Result<FaultId, InvalidFault> {
        self.proxy.faults.inject_one(fault)
    }

    /// Returns the injected faults and how often each one applied.
    pub fn faults(&self) -> Vec<InjectedFault> {
        self.proxy.faults.all()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.proxy.faults.clear();
    }

    /// Returns the counts of calls that reached the broker, by caller.
    pub fn calls(&self) -> Calls {
        self.proxy.faults.calls()
    }
}

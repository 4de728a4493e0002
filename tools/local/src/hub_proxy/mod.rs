//! Fault proxy before the broker of the hub.
//!
//! Each caller has an [`Entrance`]: its own ports on 127.0.0.1, one for each address of the brokers, by which the proxy
//! knows who calls. Each [`connection`] reads the protocol ([`kafka`], [`amqp`]), applies the injected faults to each
//! request, and otherwise passes all bytes on. It sees plaintext only: bytes that it does not know, such as TLS, pass
//! unchanged, and only their `Connect` can be struck.

mod amqp;
mod connection;
mod for_tests;
mod kafka;
mod kafka_operations;
mod metadata;
mod stream;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use for_tests::BrokerProxy;

use crate::emulators::Service;
use crate::faults::{Caller, Ending, Faults, Moment};
use crate::hubs::{Hub, HubKind};
use crate::loopback::bind_loopback;

/// Operation of a new TCP connection, of either broker.
pub(crate) const CONNECT: &str = "Connect";
/// Open connections of all callers. Further ones wait.
const CONNECTIONS_MAX: usize = 512;
/// Addresses of brokers that one caller can have. A cluster of more brokers is not proxied.
const ADDRESSES_MAX: usize = 64;

/// Host of all of the proxy's own addresses.
const OWN_HOST: &str = "127.0.0.1";

/// Kind of broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    /// Apache Kafka.
    Kafka,
    /// RabbitMQ.
    RabbitMq,
}

/// Names of the operations of Kafka.
pub(crate) fn kafka_operations() -> impl Iterator<Item = &'static str> {
    kafka_operations::operations().chain([CONNECT])
}

/// Names of the operations of RabbitMQ.
pub(crate) fn amqp_operations() -> impl Iterator<Item = &'static str> {
    crate::amqp::operations().chain([CONNECT])
}

/// Proxy of one environment before one broker, or cluster of brokers.
pub(crate) struct HubProxy {
    broker: Broker,
    /// Address of the broker, or bootstrap addresses of a cluster: `HOST:PORT[,HOST:PORT]…`.
    addresses: String,
    faults: Arc<Faults>,
    connections: Arc<Semaphore>,
    /// Ends all connections.
    stop: CancellationToken,
}

impl Broker {
    pub(crate) fn service(self) -> Service {
        match self {
            Self::Kafka => Service::Kafka,
            Self::RabbitMq => Service::RabbitMq,
        }
    }
}

impl HubProxy {
    /// Creates a proxy before the broker with these addresses. It listens once a caller has an entrance.
    pub(crate) fn new(broker: Broker, addresses: &str, faults: Arc<Faults>, stop: CancellationToken) -> Self {
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        Self { broker, addresses: addresses.to_owned(), faults, connections, stop }
    }

    /// Creates the proxy of an environment; `None` if its hub is not a broker.
    pub(crate) fn of_hub(hub: &Hub, faults: &Arc<Faults>, stop: &CancellationToken) -> Option<Self> {
        let broker = match hub.kind() {
            HubKind::Kinesis => return None,
            HubKind::Kafka => Broker::Kafka,
            HubKind::RabbitMq => Broker::RabbitMq,
        };
        Some(Self::new(broker, &hub.url.address(), Arc::clone(faults), stop.clone()))
    }

    /// Opens an entrance for a caller, with a port for each address of the broker.
    pub(crate) fn open(&self, caller: Caller) -> io::Result<OpenEntrance> {
        let listening = self.stop.child_token();
        let entrance = Arc::new(Entrance {
            broker: self.broker,
            caller,
            faults: Arc::clone(&self.faults),
            connections: Arc::clone(&self.connections),
            ports: Mutex::default(),
            listening: listening.clone(),
            stop: self.stop.clone(),
        });
        let own = |address: &str| Ok(format!("{OWN_HOST}:{}", entrance.port_of(address.trim())?));
        let addresses: io::Result<Vec<String>> = self.addresses.split(',').map(own).collect();
        Ok(OpenEntrance { addresses: addresses?.join(","), _listening: listening.drop_guard() })
    }

    /// Replaces the broker's addresses by those of an entrance, wherever they are the whole value of a variable.
    pub(crate) fn replace_addresses(&self, variables: &mut BTreeMap<String, String>, entrance: &OpenEntrance) {
        for value in variables.values_mut().filter(|value| **value == self.addresses) {
            value.clone_from(&entrance.addresses);
        }
    }
}

/// An entrance that accepts connections until this is dropped. Its connections continue: a request that has arrived is
/// passed on, even if its caller is gone.
pub(crate) struct OpenEntrance {
    /// Addresses to use instead of the broker's: `127.0.0.1:PORT[,127.0.0.1:PORT]…`.
    pub(crate) addresses: String,
    _listening: DropGuard,
}

/// Ports of one caller.
struct Entrance {
    broker: Broker,
    caller: Caller,
    faults: Arc<Faults>,
    connections: Arc<Semaphore>,
    /// Own port for each address of a broker.
    ports: Mutex<BTreeMap<String, u16>>,
    listening: CancellationToken,
    stop: CancellationToken,
}

/// Decision about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    /// Pass the request on, and cut instead of returning the response.
    CutAfter(Cut),
    /// Cut, and do not pass the request on.
    CutBefore(Cut),
}

/// Way in which a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Reset,
    /// The caller is killed first.
    Kill,
}

impl Entrance {
    /// Returns the port of the proxy for an address of a broker, and listens on it if that is new.
    fn port_of(self: &Arc<Self>, broker: &str) -> io::Result<u16> {
        let mut ports = self.ports.lock();
        if let Some(port) = ports.get(broker) {
            return Ok(*port);
        }
        if ports.len() == ADDRESSES_MAX {
            return Err(io::Error::other(format!("the proxy serves at most {ADDRESSES_MAX} brokers")));
        }
        let listener = bind_loopback(0)?;
        let port = listener.local_addr()?.port();
        ports.insert(broker.to_owned(), port);
        tokio::spawn(connection::accept(listener, Arc::clone(self), broker.to_owned()));
        Ok(port)
    }

    /// Applies the faults of a call: waits for its latency, and returns the decision.
    async fn judge(&self, operation: &str) -> Verdict {
        match self.faults.apply_to_call(self.broker.service(), operation, self.caller.name()).await {
            Some(Ending::Reset(Moment::Before)) => Verdict::CutBefore(Cut::Reset),
            Some(Ending::Reset(Moment::After)) => Verdict::CutAfter(Cut::Reset),
            Some(Ending::Kill(Moment::Before)) => Verdict::CutBefore(Cut::Kill),
            Some(Ending::Kill(Moment::After)) => Verdict::CutAfter(Cut::Kill),
            // A fault of a broker cannot have another effect: injecting it is an error.
            Some(Ending::Error(_) | Ending::Throttle | Ending::Partial(_) | Ending::Reorder(_)) | None => Verdict::Pass,
        }
    }

    /// Counts a call that is passed on to the broker.
    fn count(&self, operation: &str) {
        self.faults.count(self.caller.name(), self.broker.service(), operation);
    }

    fn warn(&self, message: &str) {
        self.faults.log().warn(&format!("{}: {message}", self.caller.name()));
    }

    async fn kill_caller(&self) {
        self.faults.kill(Some(&self.caller)).await;
    }
}

//! Environments over the brokers that `PAYSTREAM_KAFKA` and `PAYSTREAM_RABBITMQ` name (`HOST:PORT`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use paystream_hubs::{Message, Subscriber, connect, own_names};
use paystream_local::{Hub, HubKind, Options};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::Paystream;
use crate::environment::workspace;
use crate::target::current_hub;

/// Broker of an environment, with everything that another subscriber has read from it.
pub(crate) struct Broker {
    kind: HubKind,
    read: Mutex<(Subscriber, Vec<Message>)>,
}

impl Broker {
    /// Subscribes to the topic or the exchange that these template parameters name.
    ///
    /// # Panics
    /// If it does not exist.
    pub(crate) async fn reach(hub: &Hub, parameters: &BTreeMap<String, String>) -> Self {
        let subscriber = Subscriber::new(hub, parameters).await.unwrap_or_else(|error| panic!("{error}"));
        Self { kind: hub.kind(), read: Mutex::new((subscriber, Vec::new())) }
    }

    pub(crate) fn kind(&self) -> HubKind {
        self.kind
    }

    /// Writes messages, each under its own key, in order.
    ///
    /// # Panics
    /// If the hub does not take one.
    pub(crate) async fn write(&self, messages: Vec<(String, Vec<u8>)>) {
        let read = self.read.lock().await;
        for (key, value) in messages {
            read.0.write(&key, value).await.unwrap_or_else(|error| panic!("{error}"));
        }
    }

    /// Returns all events, in order for each key.
    ///
    /// # Panics
    /// If the hub cannot be read, or a message is not JSON.
    pub(crate) async fn events(&self) -> Vec<Value> {
        self.messages().await.iter().map(event).collect()
    }

    async fn messages(&self) -> Vec<Message> {
        let mut read = self.read.lock().await;
        let (subscriber, messages) = &mut *read;
        messages.extend(subscriber.read().await.unwrap_or_else(|error| panic!("{error}")));
        messages.clone()
    }

    /// Adds a partition to the topic.
    ///
    /// # Panics
    /// For RabbitMQ, or if Kafka refuses.
    pub(crate) async fn add_partition(&self) {
        let added = self.read.lock().await.0.add_partition().await.unwrap_or_else(|error| panic!("{error}"));
        assert!(added, "only Kafka has partitions");
    }
}

impl Paystream {
    /// Starts a local environment with these template parameters over the hub that `PAYSTREAM_HUB` selects.
    ///
    /// # Panics
    /// If no variable names the broker, it does not answer, the functions do not build, or the environment does not start.
    pub async fn of_hub(parameters: &[(&str, &str)]) -> Self {
        let hub = current_hub();
        if hub == HubKind::Kinesis {
            return Self::start_with_parameters(parameters).await;
        }
        let started = Self::start_on(hub, parameters).await;
        started.unwrap_or_else(|| panic!("PAYSTREAM_HUB is {hub}, but no variable names its broker"))
    }

    /// Starts a local environment over a hub, with a topic, or an exchange and a queue, of its own. Returns `None` if no
    /// variable names a broker: the test is skipped, and says so.
    ///
    /// # Panics
    /// If the broker does not answer, the functions do not build, or the environment does not start.
    pub async fn start_on(hub: HubKind, parameters: &[(&str, &str)]) -> Option<Self> {
        Self::start_on_with(hub, parameters, |options| options).await
    }

    /// Starts a local environment over a hub with changed options, as [`Paystream::start_on`] does.
    ///
    /// # Panics
    /// If the broker does not answer, the functions do not build, or the environment does not start.
    pub async fn start_on_with(
        hub: HubKind,
        parameters: &[(&str, &str)],
        change: impl FnOnce(Options) -> Options,
    ) -> Option<Self> {
        if hub == HubKind::Kinesis {
            return Some(Self::start_with_options(change(options_of(None, hub, BTreeMap::new(), parameters))).await);
        }
        let address = broker(hub)?;
        Some(Self::start_at(hub, &address, parameters, change).await)
    }

    /// Does the same over the broker at this address, `HOST:PORT`.
    ///
    /// # Panics
    /// If the broker does not answer, the functions do not build, or the environment does not start.
    pub async fn start_at(
        hub: HubKind,
        address: &str,
        parameters: &[(&str, &str)],
        change: impl FnOnce(Options) -> Options,
    ) -> Self {
        let url = address.parse().unwrap_or_else(|error| panic!("{error}"));
        let connected = connect(hub, url).await.unwrap_or_else(|error| panic!("{error}"));
        let options = options_of(Some(connected), hub, own_names(hub), parameters);
        Self::start_with_options(change(options)).await
    }

    /// Returns the address of the broker that a variable names. Without one, says that the test is skipped.
    pub fn broker_of(hub: HubKind) -> Option<String> {
        broker(hub)
    }

    /// Adds a partition to the topic of a Kafka environment. Keys move to other partitions.
    ///
    /// # Panics
    /// Over another hub, or if Kafka refuses.
    pub async fn add_partition(&self) {
        self.broker().unwrap_or_else(|| panic!("only Kafka has partitions")).add_partition().await;
    }
}

impl Paystream {
    /// Returns the partitions that have events of each payment, by payment id.
    ///
    /// # Panics
    /// Without a broker, or if a message is not an event.
    pub async fn partitions_of_payments(&self) -> BTreeMap<String, BTreeSet<i32>> {
        let broker = self.broker().unwrap_or_else(|| panic!("only Kafka has partitions"));
        let mut partitions: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
        for message in broker.messages().await {
            let payment_id = event(&message)["subject"].as_str().unwrap_or_default().to_owned();
            partitions.entry(payment_id).or_default().insert(message.partition);
        }
        partitions
    }
}

/// Returns options for a stack over a hub. The names come before the parameters, which may name others.
fn options_of(
    connected: Option<Hub>,
    hub: HubKind,
    names: BTreeMap<String, String>,
    parameters: &[(&str, &str)],
) -> Options {
    let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let chosen = ("Hub".to_owned(), hub.to_string());
    let parameters = names.into_iter().chain(given).chain([chosen]).collect();
    Options { template: workspace().join("template.yaml"), parameters, hub: connected, ..Options::default() }
}

fn event(message: &Message) -> Value {
    serde_json::from_slice(&message.value).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the address of a broker that a variable names.
fn broker(hub: HubKind) -> Option<String> {
    let variable = format!("PAYSTREAM_{}", hub.as_str().to_ascii_uppercase());
    let address = std::env::var(&variable).ok();
    if address.is_none() {
        // Not with `eprintln!`, whose output the test runner shows for failing tests only.
        let _ = writeln!(std::io::stderr(), "skipped: {variable} is not set; hubs/host/{hub} start sets it");
    }
    address
}

//! Environments over the brokers that `PAYSTREAM_KAFKA` and `PAYSTREAM_RABBITMQ` name (`HOST:PORT`).

use std::io::Write;

use paystream_hubs::connect;
use paystream_local::{HubKind, Options};

use crate::Paystream;
use crate::environment::workspace;

impl Paystream {
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
        let mut all = own_names(hub);
        all.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        all.push(("Hub".to_owned(), hub.to_string()));
        let hub = match hub {
            HubKind::Kinesis => None,
            other => {
                let url = broker(other)?.parse().unwrap_or_else(|error| panic!("{error}"));
                Some(connect(other, url).await.unwrap_or_else(|error| panic!("{error}")))
            }
        };
        let (template, parameters) = (workspace().join("template.yaml"), all.into_iter().collect());
        Some(Self::start_with_options(change(Options { template, parameters, hub, ..Options::default() })).await)
    }
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

/// Returns names that no other test uses, so that all tests run at once on one broker.
fn own_names(hub: HubKind) -> Vec<(String, String)> {
    let own: String = std::iter::repeat_with(fastrand::lowercase).take(12).collect();
    let names: &[&str] = match hub {
        HubKind::Kinesis => &[],
        HubKind::Kafka => &["KafkaTopic", "KafkaConsumerGroup"],
        HubKind::RabbitMq => &["RabbitMqExchange", "RabbitMqQueue"],
    };
    names.iter().map(|name| ((*name).to_owned(), format!("test-{own}-{}", name.to_ascii_lowercase()))).collect()
}

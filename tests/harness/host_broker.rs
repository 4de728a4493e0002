//! Brokers of tests that stop, block or change their broker, started by `hubs/host/*`. Tests that only use a broker share
//! the one that `PAYSTREAM_KAFKA` or `PAYSTREAM_RABBITMQ` names.

use std::process::Stdio;
use std::time::Duration;

use paystream_local::HubKind;
use tokio::process::Command;

use crate::Ran;
use crate::environment::workspace;

/// Limit of a script. A broker starts within seconds, and within a minute on a busy machine.
const SCRIPT_TIMEOUT: Duration = Duration::from_mins(3);
/// RabbitMQ's default share of the memory above which it blocks publishers.
const RABBITMQ_MEMORY_SHARE: &str = "0.4";

/// A broker of one test, or of tests that run one after the other, on a port of its own. It keeps running when this is
/// dropped: only [`HostBroker::stop`] ends it.
#[derive(Debug)]
pub struct HostBroker {
    hub: HubKind,
    port: u16,
}

impl HostBroker {
    /// Starts a broker. The script says which further ports it uses. Does nothing if the broker runs already.
    ///
    /// # Panics
    /// If it does not start, or for Kinesis, which has no broker.
    pub async fn start(hub: HubKind, port: u16) -> Self {
        let broker = Self { hub, port };
        broker.restart().await;
        broker
    }

    /// Address of the broker: `HOST:PORT`, plaintext.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts the broker again, with its data.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn restart(&self) {
        self.run(&["start"], &[]).await;
    }

    /// Ends the broker, and returns when it has ended. Its data stays.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn stop(&self) {
        self.run(&["stop"], &[]).await;
    }

    /// Makes a memory alarm block all publishers of RabbitMQ: it confirms nothing until [`HostBroker::unblock`].
    ///
    /// # Panics
    /// For Kafka, which has no such alarm, or if the broker does not take the setting.
    pub async fn block(&self) {
        self.set_memory_share("0").await;
    }

    /// Ends the alarm of [`HostBroker::block`].
    ///
    /// # Panics
    /// As [`HostBroker::block`].
    pub async fn unblock(&self) {
        self.set_memory_share(RABBITMQ_MEMORY_SHARE).await;
    }

    async fn set_memory_share(&self, share: &str) {
        assert_eq!(self.hub, HubKind::RabbitMq, "only RabbitMQ has memory alarms");
        self.run(&["ctl"], &["set_vm_memory_high_watermark", share]).await;
    }

    /// Adds partitions to a topic of Kafka, up to `count`. Keys move to other partitions.
    ///
    /// # Panics
    /// For RabbitMQ, or if Kafka refuses.
    pub async fn add_partitions(&self, topic: &str, count: u32) {
        assert_eq!(self.hub, HubKind::Kafka, "only Kafka has partitions");
        self.run(&["topics"], &["--alter", "--topic", topic, "--partitions", &count.to_string()]).await;
    }

    /// Runs the script of the hub, with the port between command and options.
    async fn run(&self, command: &[&str], options: &[&str]) -> Ran {
        let (script, port) = (format!("hubs/host/{}", self.hub), self.port.to_string());
        // Kafka's script takes the port before, RabbitMQ's after its command.
        let arguments = match (self.hub, options.is_empty()) {
            (HubKind::Kafka, false) => [&["--port", port.as_str()], command, options].concat(),
            _ => [command, &["--port", port.as_str()], options].concat(),
        };
        let mut process = Command::new(workspace().join(&script));
        process.args(&arguments).current_dir(workspace()).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(SCRIPT_TIMEOUT, process.output()).await;
        let output = output.unwrap_or_else(|_| panic!("{script} {arguments:?} did not end in time"));
        let output = output.unwrap_or_else(|error| panic!("{script}: {error}"));
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{script} {arguments:?}: {stderr}");
        Ran { code: output.status.code().unwrap_or_default(), stdout: output.stdout, stderr }
    }
}

//! Faults of the broker as a whole. They need one of their own, ten ports above that of the other tests.

use std::path::Path;
use std::process::Stdio;

use payments_rabbitmq::{Message, RabbitMqPublisher};
use tokio::process::Command;

use crate::support::{Hub, broker, failed, message, no_secrets, rejected};

/// A broker that ends with the test.
struct Own {
    port: u16,
}

impl Own {
    async fn start(shared: &str) -> Self {
        let port = shared.rsplit_once(':').unwrap().1.parse::<u16>().unwrap() + 10;
        let own = Self { port };
        own.script(&["start"], &[]).await;
        own
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    async fn script(&self, command: &[&str], arguments: &[&str]) {
        let output = script(self.port, command, arguments).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn ctl(&self, arguments: &[&str]) {
        self.script(&["ctl"], arguments).await;
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let mut stop = script(self.port, &["stop"], &[]);
        let _ = stop.as_std_mut().stdout(Stdio::null()).status();
    }
}

fn script(port: u16, command: &[&str], arguments: &[&str]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hubs/host/rabbitmq");
    let mut process = Command::new(script);
    process.args(command).args(["--port", &port.to_string()]).args(arguments);
    process
}

fn body(id: &str, bytes: usize) -> Message {
    Message { body: vec![b'x'; bytes], ..message(id, id, id) }
}

/// One test, because the faults share a broker that takes seconds to start.
#[tokio::test]
async fn faults_of_the_broker_lose_nothing() {
    let Some(shared) = broker() else { return };
    let own = Own::start(&shared).await;
    a_message_that_is_too_large_is_rejected_and_holds_up_no_other(&own).await;
    a_broker_that_blocks_publishers_fails_the_call_in_time(&own).await;
    a_broker_that_stops_and_starts_is_found_again(&own).await;
}

async fn a_message_that_is_too_large_is_rejected_and_holds_up_no_other(own: &Own) {
    let hub = Hub::new(&own.address()).await;
    own.ctl(&["eval", "application:set_env(rabbit, max_message_size, 1000)."]).await;
    let publisher = hub.publisher();
    let messages = [body("a", 1_000), body("b", 1_001), body("c", 10), body("d", 2_000), body("e", 20)];
    let results = publisher.publish_messages(&messages).await;
    for (place, result) in results.iter().enumerate() {
        if [1, 3].contains(&place) {
            let error = rejected(result);
            assert!(error.contains("message size") && error.contains("max_message_size"), "{error}");
        } else {
            assert!(result.is_ok(), "{place}: {result:?}");
        }
    }
    let ids = hub.ids_by_key().await;
    assert_eq!(ids.into_keys().collect::<Vec<_>>(), ["a", "c", "e"]);
    own.ctl(&["eval", "application:set_env(rabbit, max_message_size, 134217728)."]).await;
    hub.delete().await;
}

async fn a_broker_that_blocks_publishers_fails_the_call_in_time(own: &Own) {
    let hub = Hub::new(&own.address()).await;
    own.ctl(&["set_vm_memory_high_watermark", "0"]).await;
    let publisher = hub.publisher();
    // The broker blocks a connection when the first message arrives over it, and still confirms that one.
    let messages = ["1", "2", "3", "4"].map(|id| message("ord-1", "pay_1", id));
    let results = publisher.publish_messages(&messages).await;
    let stored = results.iter().take_while(|result| result.is_ok()).count();
    assert!(stored < messages.len());
    let error = failed(&results[stored]);
    assert!(error.contains("no confirm within 10s; a memory or disk alarm may block publishers"), "{error}");
    assert!(results[stored..].iter().all(Result::is_err), "none after the first that failed");

    own.ctl(&["set_vm_memory_high_watermark", "0.4"]).await;
    assert!(publisher.publish_messages(&messages[stored..]).await.iter().all(Result::is_ok));
    let mut ids = hub.ids_by_key().await.remove("ord-1").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    assert_eq!(ids, ["1", "2", "3", "4"], "first appearances are in order");
    hub.delete().await;
}

async fn a_broker_that_stops_and_starts_is_found_again(own: &Own) {
    let hub = Hub::new(&own.address()).await;
    let publisher = RabbitMqPublisher::new(hub.settings(), no_secrets());
    assert!(publisher.publish_messages(&[message("ord-1", "pay_1", "1")]).await[0].is_ok());
    own.script(&["stop"], &[]).await;
    let error = failed(&publisher.publish_messages(&[message("ord-1", "pay_1", "2")]).await[0]);
    assert!(error.contains("no connection") && error.contains(&own.address()), "{error}");
    own.script(&["start"], &[]).await;
    assert!(publisher.publish_messages(&[message("ord-1", "pay_1", "2")]).await[0].is_ok());
    let hub = Hub::connect(&own.address(), &hub.name).await;
    assert_eq!(hub.ids_by_key().await["ord-1"], ["1", "2"], "durable and persistent");
    hub.delete().await;
}

//! Connections that fail: nothing is lost and nothing is reordered.

use std::sync::Arc;

use payments_rabbitmq::{Message, RabbitMqPublisher};

use crate::proxy::Proxy;
use crate::support::{Hub, broker, failed, message, no_secrets};

fn batch() -> Vec<Message> {
    let keys = ["ord-1", "ord-2", "ord-3"];
    (0..3).flat_map(|n| keys.map(|key| message(key, key, &format!("{key}-{n}")))).collect()
}

/// Checks that every message is there, that first appearances are in order, and returns the number of messages.
async fn checked(hub: &Hub) -> usize {
    let mut number = 0;
    for (key, ids) in hub.ids_by_key().await {
        number += ids.len();
        let mut first = ids.clone();
        let mut seen = std::collections::BTreeSet::new();
        first.retain(|id| seen.insert(id.clone()));
        assert_eq!(first, (0..3).map(|n| format!("{key}-{n}")).collect::<Vec<_>>(), "{ids:?}");
    }
    number
}

#[tokio::test]
async fn a_connection_that_is_kept_is_used_again() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let proxy = Proxy::plain(&broker).await;
    let publisher = RabbitMqPublisher::new(hub.settings_at(&proxy.address), no_secrets());
    publisher.connect().await;
    for message in batch() {
        assert!(publisher.publish_messages(&[message]).await[0].is_ok());
    }
    assert_eq!(proxy.connections(), 1);
    assert_eq!(checked(&hub).await, 9);
    hub.delete().await;
}

#[tokio::test]
async fn a_connection_that_was_cut_while_unused_is_replaced() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let proxy = Proxy::plain(&broker).await;
    let publisher = RabbitMqPublisher::new(hub.settings_at(&proxy.address), no_secrets());
    publisher.connect().await;
    proxy.cut();
    assert!(publisher.publish_messages(&batch()).await.iter().all(Result::is_ok));
    assert_eq!(proxy.connections(), 2);
    assert_eq!(checked(&hub).await, 9);
    hub.delete().await;
}

/// As after a freeze of the sandbox: the network has forgotten the connection, and nothing comes back over it.
#[tokio::test]
async fn a_kept_connection_over_which_nothing_comes_back_is_replaced() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let proxy = Proxy::plain(&broker).await;
    let publisher = RabbitMqPublisher::new(hub.settings_at(&proxy.address), no_secrets());
    publisher.connect().await;
    proxy.lose_answers();
    assert!(publisher.publish_messages(&batch()).await.iter().all(Result::is_ok));
    assert_eq!(proxy.connections(), 2);
    proxy.until_open(1).await;
    assert_eq!(checked(&hub).await, 12, "the first message of each key was stored, but its confirm was lost");
    hub.delete().await;
}

#[tokio::test]
async fn messages_whose_confirms_were_lost_are_sent_again_in_order() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let proxy = Proxy::plain(&broker).await;
    let publisher = Arc::new(RabbitMqPublisher::new(hub.settings_at(&proxy.address), no_secrets()));
    publisher.connect().await;
    proxy.lose_answers();
    let publishing = tokio::spawn(async move { publisher.publish_messages(&batch()).await });
    hub.until_queued(3).await;
    proxy.cut();
    assert!(publishing.await.unwrap().iter().all(Result::is_ok));
    assert_eq!(checked(&hub).await, 12);
    hub.delete().await;
}

/// Without a connection that could have been too old, the messages are left to the next delivery.
#[tokio::test]
async fn a_new_connection_that_is_cut_fails_its_messages() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let proxy = Proxy::plain(&broker).await;
    let publisher = RabbitMqPublisher::new(hub.settings_at(&proxy.address), no_secrets());
    let publisher = Arc::new(publisher);
    let handle = Arc::clone(&publisher);
    // The queue takes one message at a time, so cutting after the first leaves the others unsent.
    let one: Vec<_> = (0..20_000).map(|n| message("ord-1", "ord-1", &format!("{n:05}"))).collect();
    let publishing = tokio::spawn(async move { handle.publish_messages(&one).await });
    hub.until_queued(1).await;
    proxy.cut();
    let results = publishing.await.unwrap();
    let stored = results.iter().take_while(|result| result.is_ok()).count();
    // Not even the first, if its confirm was cut off.
    assert!(stored < results.len());
    assert!(results[stored..].iter().all(Result::is_err), "none after the first that failed");
    let error = failed(&results[stored]);
    assert!(error.contains("the connection was lost"), "{error}");
    let queued = hub.messages().await.len();
    assert!(queued == stored || queued == stored + 1, "{queued} messages, {stored} confirmed");
    hub.delete().await;
}

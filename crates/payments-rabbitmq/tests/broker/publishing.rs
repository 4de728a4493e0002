//! Messages, their order and their results.

use amqprs::channel::{QueueDeclareArguments, QueueUnbindArguments};
use amqprs::{FieldTable, FieldValue};
use payment_events::{Money, PaymentEvent, Timestamp};
use payments::{Action, EventPublisher, Outcome, Payment};
use payments_rabbitmq::Message;

use crate::support::{Hub, broker, failed, message, rejected};

fn event(order_id: &str, payment_id: &str) -> PaymentEvent {
    let at = Timestamp::from_unix_ms(1_800_000_000_000).unwrap();
    let amount = Money::new(1_299, "EUR".parse().unwrap()).unwrap();
    let payment = Payment::begin(payment_id.parse().unwrap(), order_id.parse().unwrap(), amount, None, at);
    payment.after(&Action::Decide(Outcome::Approved), at).unwrap().event().unwrap().unwrap()
}

#[tokio::test]
async fn an_event_arrives_as_the_contract_says() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let event = event("ord-1", "pay_1");
    hub.publisher().publish(&event).await.unwrap();
    let [message] = hub.messages().await.try_into().ok().unwrap();
    assert_eq!(message.key, "ord-1");
    assert_eq!(message.body, event.encode());
    assert_eq!(message.properties.content_type().map(String::as_str), Some("application/cloudevents+json"));
    assert_eq!(message.properties.message_id(), Some(&event.id()));
    assert_eq!(message.properties.delivery_mode(), Some(2), "persistent");
    hub.delete().await;
}

#[tokio::test]
async fn the_messages_of_a_key_arrive_in_order() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let keys: Vec<_> = (0..150).map(|key| format!("ord-{key}")).collect();
    let all = (0..4).flat_map(|n| keys.iter().map(move |key| message(key, key, &format!("{key}-{n}"))));
    let results = hub.publisher().publish_messages(&all.collect::<Vec<_>>()).await;
    assert!(results.iter().all(Result::is_ok));
    let ids = hub.ids_by_key().await;
    assert_eq!(ids.len(), keys.len());
    for (key, ids) in ids {
        assert_eq!(ids, (0..4).map(|n| format!("{key}-{n}")).collect::<Vec<_>>());
    }
    hub.delete().await;
}

#[tokio::test]
async fn an_unroutable_message_is_not_published() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let unbind = QueueUnbindArguments::new(&hub.name, &hub.name, "#");
    hub.channel.queue_unbind(unbind).await.unwrap();
    let publisher = hub.publisher();
    let messages = [message("ord-1", "pay_1", "1"), message("ord-1", "pay_1", "2"), message("ord-2", "pay_2", "3")];
    let results = publisher.publish_messages(&messages).await;
    for (result, key) in [(&results[0], "ord-1"), (&results[2], "ord-2")] {
        let error = failed(result);
        for part in [key, &hub.name, "NO_ROUTE", "bind the queue"] {
            assert!(error.contains(part), "{error}");
        }
    }
    assert!(failed(&results[1]).contains("not sent: 1, an earlier event of the payment, failed"));
    hub.bind().await;
    assert!(publisher.publish_messages(&messages).await.iter().all(Result::is_ok), "the connection is kept");
    assert_eq!(hub.messages().await.len(), 3);
    hub.delete().await;
}

/// A queue with room for one message.
#[tokio::test]
async fn a_message_that_a_queue_refuses_is_not_published_and_holds_up_its_payment_alone() {
    let Some(broker) = broker() else { return };
    let hub = Hub::connect(&broker, &format!("test-{}", uuid::Uuid::new_v4())).await;
    hub.declare_exchange().await;
    let mut arguments = FieldTable::new();
    arguments.insert("x-max-length".try_into().unwrap(), FieldValue::I(1));
    let overflow = FieldValue::S("reject-publish".try_into().unwrap());
    arguments.insert("x-overflow".try_into().unwrap(), overflow);
    let mut declare = QueueDeclareArguments::durable_client_named(&hub.name);
    hub.channel.queue_declare(declare.arguments(arguments).finish()).await.unwrap();
    hub.bind().await;
    let messages = [message("ord-1", "pay_1", "1"), message("ord-1", "pay_2", "2"), message("ord-1", "pay_2", "3")];
    let results = hub.publisher().publish_messages(&messages).await;
    assert!(results[0].is_ok());
    let error = failed(&results[1]);
    assert!(error.contains("negative confirm") && error.contains("reject-publish"), "{error}");
    assert!(failed(&results[2]).contains("not sent: 2"));
    assert_eq!(hub.ids_by_key().await["ord-1"], ["1"]);
    hub.delete().await;
}

#[tokio::test]
async fn a_routing_key_that_is_too_long_is_rejected_and_holds_up_no_other() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let longest = "é".repeat(127) + "e";
    let too_long = "é".repeat(128);
    let messages: [Message; 3] =
        [message(&too_long, "pay_1", "1"), message("ord-2", "pay_1", "2"), message(&longest, "pay_3", "3")];
    let results = hub.publisher().publish_messages(&messages).await;
    let error = rejected(&results[0]);
    assert!(error.contains("the routing key has 256 bytes"), "{error}");
    assert!(failed(&results[1]).contains("not sent: 1"));
    assert!(results[2].is_ok());
    assert_eq!(hub.messages().await[0].key, longest);
    hub.delete().await;
}

#[tokio::test]
async fn an_empty_batch_needs_no_connection() {
    let hub_is_not_needed = payments_rabbitmq::RabbitMqPublisher::new(
        payments_rabbitmq::Settings {
            address: "127.0.0.1:1".parse().unwrap(),
            virtual_host: "/".parse().unwrap(),
            exchange: "e".parse().unwrap(),
            queue: "q".parse().unwrap(),
            encryption: aws_connection::Encryption::Plaintext,
            secret_arn: None,
            ca_secret_arn: None,
            trust: aws_connection::Trust::Amazon,
            connection_name: "test".to_owned(),
        },
        crate::support::no_secrets(),
    );
    assert!(hub_is_not_needed.publish_all(&[]).await.is_empty());
}

//! Names of topics, exchanges and queues that no other program uses, and the relay of each hub.

use std::collections::BTreeMap;

use paystream_local::HubKind;

/// Returns random names for the template's parameters that name the topic, or the exchange and the queue, of a hub. So
/// many environments can share one broker, and each begins with an empty hub.
pub fn own_names(hub: HubKind) -> BTreeMap<String, String> {
    let mark: String = std::iter::repeat_with(fastrand::lowercase).take(12).collect();
    let parameters: &[&str] = match hub {
        HubKind::Kinesis => &[],
        HubKind::Kafka => &["KafkaTopic", "KafkaConsumerGroup"],
        HubKind::RabbitMq => &["RabbitMqExchange", "RabbitMqQueue"],
    };
    let name = |parameter: &&str| format!("own-{mark}-{}", parameter.to_ascii_lowercase());
    parameters.iter().map(|parameter| ((*parameter).to_owned(), name(parameter))).collect()
}

/// Returns the logical id of the relay that publishes to a hub.
pub fn relay_of(hub: HubKind) -> &'static str {
    match hub {
        HubKind::Kinesis => "PaymentRelay",
        HubKind::Kafka => "PaymentRelayKafka",
        HubKind::RabbitMq => "PaymentRelayRabbitMq",
    }
}

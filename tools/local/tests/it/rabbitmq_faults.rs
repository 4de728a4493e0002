//! Faults of calls to RabbitMQ, with the client of the relay.

use std::time::Duration;

use amqprs::callbacks::ChannelCallback;
use amqprs::channel::{
    BasicAckArguments, BasicConsumeArguments, BasicPublishArguments, Channel, ConfirmSelectArguments,
    QueueDeclareArguments,
};
use amqprs::connection::Connection;
use amqprs::{Ack, BasicProperties, Cancel, CloseChannel, Nack, Return};
use async_trait::async_trait;
use paystream_local::{Broker, BrokerProxy, Effect, Fault, FaultTarget, Service};
use tokio::sync::mpsc;

use crate::brokers::{connect_rabbitmq as connect, name, rabbitmq};

const CALLER: &str = "PaymentRelayRabbitMq";
/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(10);

/// A queue, and a connection that no fault strikes.
struct RabbitMq {
    proxy: BrokerProxy,
    queue: String,
    _connection: Connection,
    direct: Channel,
}

/// A client behind the proxy.
struct Client {
    connection: Connection,
    channel: Channel,
    /// Confirmed messages.
    confirmed: mpsc::UnboundedReceiver<u64>,
}

/// Reports confirmations.
struct Confirmations(mpsc::UnboundedSender<u64>);

#[async_trait]
impl ChannelCallback for Confirmations {
    async fn close(&mut self, _: &Channel, _: CloseChannel) -> Result<(), amqprs::error::Error> {
        Ok(())
    }

    async fn cancel(&mut self, _: &Channel, _: Cancel) -> Result<(), amqprs::error::Error> {
        Ok(())
    }

    async fn flow(&mut self, _: &Channel, _: bool) -> Result<bool, amqprs::error::Error> {
        Ok(true)
    }

    async fn publish_ack(&mut self, _: &Channel, ack: Ack) {
        let _ = self.0.send(ack.delivery_tag());
    }

    async fn publish_nack(&mut self, _: &Channel, _: Nack) {}

    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {}
}

impl RabbitMq {
    async fn start(broker: &str) -> Self {
        let (connection, queue) = (connect(broker).await.unwrap(), name());
        let direct = connection.open_channel(None).await.unwrap();
        direct.queue_declare(QueueDeclareArguments::durable_client_named(&queue)).await.unwrap();
        Self { proxy: BrokerProxy::new(Broker::RabbitMq, broker), queue, _connection: connection, direct }
    }

    fn address(&self, caller: &str) -> String {
        self.proxy.address_for(caller).unwrap()
    }

    async fn client(&self, confirms: bool) -> Client {
        let connection = connect(&self.address(CALLER)).await.unwrap();
        let channel = connection.open_channel(None).await.unwrap();
        let (sender, confirmed) = mpsc::unbounded_channel();
        if confirms {
            channel.register_callback(Confirmations(sender)).await.unwrap();
            channel.confirm_select(ConfirmSelectArguments::default()).await.unwrap();
        }
        Client { connection, channel, confirmed }
    }

    async fn publish(&self, client: &Client, body: Vec<u8>) {
        let arguments = BasicPublishArguments::new("", &self.queue);
        client.channel.basic_publish(BasicProperties::default(), body, arguments).await.unwrap();
    }

    fn inject(&self, operation: &str, effect: Effect) {
        self.proxy
            .inject(Fault::new(FaultTarget::RabbitMq, effect).operation(operation).from(CALLER).count(1))
            .unwrap();
    }

    fn struck(&self) -> u64 {
        self.proxy.faults().iter().map(|fault| fault.struck).sum()
    }

    fn calls(&self, operation: &str) -> u64 {
        self.proxy.calls().count(CALLER, Service::RabbitMq, operation)
    }

    /// Messages that are ready, and consumers.
    async fn state(&self) -> (u32, u32) {
        let passive = QueueDeclareArguments::new(&self.queue).passive(true).finish();
        let (_, messages, consumers) = self.direct.queue_declare(passive).await.unwrap().unwrap();
        (messages, consumers)
    }

    async fn eventually(&self, state: (u32, u32)) {
        let waiting = async {
            while self.state().await != state {
                tokio::time::sleep(POLL).await;
            }
        };
        let is_so = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(is_so, "never {state:?}, but {:?}", self.state().await);
    }
}

impl Client {
    /// Waits until the connection has broken.
    async fn breaks(&self) {
        tokio::time::timeout(PATIENCE, self.connection.listen_network_io_failure()).await.unwrap();
    }
}

#[tokio::test]
async fn a_message_whose_request_is_lost_is_not_published_and_one_whose_confirmation_is_lost_is() {
    let Some(broker) = rabbitmq() else { return };
    for (effect, published) in [(Effect::reset_before(), 1), (Effect::reset_after(), 2)] {
        let rabbitmq = RabbitMq::start(&broker).await;
        let mut client = rabbitmq.client(true).await;
        rabbitmq.publish(&client, b"a".to_vec()).await;
        assert_eq!(client.confirmed.recv().await, Some(1));
        rabbitmq.inject("Publish", effect);
        rabbitmq.publish(&client, b"b".to_vec()).await;
        client.breaks().await;
        assert!(client.confirmed.try_recv().is_err(), "the second confirmation is lost");
        assert_eq!((rabbitmq.state().await, rabbitmq.struck()), ((published, 0), 1));
        assert_eq!(rabbitmq.calls("Publish"), u64::from(published));
    }
}

#[tokio::test]
async fn a_message_without_confirmation_has_taken_effect_before_the_connection_is_cut() {
    let Some(broker) = rabbitmq() else { return };
    for bytes in [0, 1, 300_000] {
        let rabbitmq = RabbitMq::start(&broker).await;
        let client = rabbitmq.client(false).await;
        rabbitmq.inject("Publish", Effect::reset_after());
        rabbitmq.publish(&client, vec![b'x'; bytes]).await;
        client.breaks().await;
        rabbitmq.eventually((1, 0)).await;
        assert_eq!(rabbitmq.struck(), 1, "{bytes} bytes");
    }
}

#[tokio::test]
async fn a_message_whose_acknowledgement_is_lost_before_the_broker_comes_again_and_after_it_does_not() {
    let Some(broker) = rabbitmq() else { return };
    for (effect, left) in [(Effect::reset_before(), 1), (Effect::reset_after(), 0)] {
        let rabbitmq = RabbitMq::start(&broker).await;
        let client = rabbitmq.client(true).await;
        rabbitmq.publish(&client, b"a".to_vec()).await;
        let consume = BasicConsumeArguments::new(&rabbitmq.queue, "consumer").manual_ack(true).finish();
        let (_, mut messages) = client.channel.basic_consume_rx(consume).await.unwrap();
        let message = messages.recv().await.unwrap();
        rabbitmq.inject("Ack", effect);
        let tag = message.deliver.unwrap().delivery_tag();
        client.channel.basic_ack(BasicAckArguments::new(tag, false)).await.unwrap();
        client.breaks().await;
        // The broker returns messages once it has noticed that the consumer is gone.
        rabbitmq.eventually((left, 0)).await;
        assert_eq!(rabbitmq.struck(), 1);
    }
}

#[tokio::test]
async fn a_declared_queue_exists_although_the_reply_is_lost() {
    let Some(broker) = rabbitmq() else { return };
    for (effect, exists) in [(Effect::reset_before(), false), (Effect::reset_after(), true)] {
        let rabbitmq = RabbitMq::start(&broker).await;
        let (client, queue) = (rabbitmq.client(false).await, name());
        rabbitmq.inject("DeclareQueue", effect);
        // The client does not notice that its reply is lost.
        let declare = client.channel.queue_declare(QueueDeclareArguments::durable_client_named(&queue));
        tokio::select! {
            _ = declare => {}
            () = client.breaks() => {}
        }
        let found = rabbitmq.direct.queue_declare(QueueDeclareArguments::new(&queue).passive(true).finish()).await;
        assert_eq!((found.is_ok(), rabbitmq.struck()), (exists, 1));
    }
}

#[tokio::test]
async fn rabbitmq_refuses_connections_and_delays_calls_of_one_caller() {
    let Some(broker) = rabbitmq() else { return };
    let rabbitmq = RabbitMq::start(&broker).await;
    for operation in ["Connect", "Authenticate", "OpenConnection"] {
        for effect in [Effect::reset_before(), Effect::reset_after()] {
            rabbitmq.inject(operation, effect.clone());
            assert!(connect(&rabbitmq.address("other")).await.is_ok(), "another caller");
            assert!(connect(&rabbitmq.address(CALLER)).await.is_err(), "{operation} {effect:?}");
        }
    }
    rabbitmq.inject("Publish", Effect::LatencyMs(5));
    let mut client = rabbitmq.client(true).await;
    rabbitmq.publish(&client, b"a".to_vec()).await;
    assert_eq!(client.confirmed.recv().await, Some(1));
    assert_eq!((rabbitmq.state().await, rabbitmq.struck()), ((1, 0), 7));
}

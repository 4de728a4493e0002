//! Brokers for tests, and the tests of the fault proxy that need none.

use std::net::Ipv4Addr;

use amqprs::connection::{Connection, OpenConnectionArguments};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use paystream_hubs::connect;
use paystream_local::{Broker, BrokerProxy, Effect, Fault, FaultTarget, HubKind, Options, Service};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Probe, options};

/// Returns the address of a Kafka broker; `None`, and the reason on standard output, if the test is to be skipped.
pub(crate) fn kafka() -> Option<String> {
    broker("PAYSTREAM_KAFKA", "hubs/host/kafka")
}

/// Returns the address of a RabbitMQ broker; `None`, and the reason on standard output, if the test is to be skipped.
pub(crate) fn rabbitmq() -> Option<String> {
    broker("PAYSTREAM_RABBITMQ", "hubs/host/rabbitmq")
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn broker(variable: &str, script: &str) -> Option<String> {
    let address = std::env::var(variable).ok();
    if address.is_none() {
        eprintln!("skipped: {variable} is not set; {script} start sets it");
    }
    address
}

/// A random name for a topic, an exchange or a queue.
pub(crate) fn name() -> String {
    format!("test-{}", uuid::Uuid::new_v4().simple())
}

/// Connects to RabbitMQ with the client of the relay.
pub(crate) async fn connect_rabbitmq(address: &str) -> Result<Connection, amqprs::error::Error> {
    let (host, port) = address.split_once(':').unwrap();
    Connection::open(&OpenConnectionArguments::new(host, port.parse().unwrap(), "guest", "guest")).await
}

/// Listens, and returns every byte of every connection.
async fn echo() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn bytes_of_another_protocol_pass_the_proxy_unchanged() {
    let echo = echo().await;
    for broker in [Broker::Kafka, Broker::RabbitMq] {
        let proxy = BrokerProxy::new(broker, &echo);
        // The beginning of TLS, then everything else.
        let mut sent = vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
        sent.extend((0..3_000_000_u32).map(|number| number.to_le_bytes()[number as usize % 3]));
        let mut stream = TcpStream::connect(proxy.address_for("caller").unwrap()).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let mut received = Vec::new();
        let (written, read) = tokio::join!(
            async {
                writer.write_all(&sent).await?;
                writer.shutdown().await
            },
            reader.read_to_end(&mut received)
        );
        written.unwrap();
        read.unwrap();
        assert!(received == sent, "{broker:?}: {} of {} bytes", received.len(), sent.len());
    }
}

#[tokio::test]
async fn a_broker_that_is_down_resets_connections_and_one_that_comes_back_is_reached() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = BrokerProxy::new(Broker::Kafka, &address.to_string());
    let connect = async || {
        let mut stream = TcpStream::connect(proxy.address_for("caller").unwrap()).await.unwrap();
        stream.read_u64().await.map_err(|error| error.kind())
    };
    assert_eq!(connect().await, Err(std::io::ErrorKind::ConnectionReset));
    let listener = TcpListener::bind(address).await.unwrap();
    let answering = tokio::spawn(async move { listener.accept().await.unwrap().0.write_u64(u64::MAX).await });
    assert_eq!(connect().await, Ok(u64::MAX));
    answering.await.unwrap().unwrap();
}

/// `ApiVersions` of Kafka, version 0.
const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];

/// Header of AMQP and `connection.start-ok` with the credentials guest and guest.
fn authentication() -> Vec<u8> {
    let arguments = b"\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x0c\x00guest\x00guest\x05en_US";
    let size = u32::try_from(arguments.len() + 4).unwrap().to_be_bytes();
    [b"AMQP\x00\x00\x09\x01\x01\x00\x00".as_slice(), &size, b"\x00\x0a\x00\x0b", arguments, b"\xce"].concat()
}

/// Kills the calling sandbox before and after a request, then lets the request pass.
async fn a_calling_sandbox_is_killed(broker: &str, hub: HubKind, service: Service, operation: &str, bytes: &[u8]) {
    let (directory, name) = (tempfile::tempdir().unwrap(), name());
    let parameters = [("Hub", hub.as_str()), ("Broker", broker), ("Topic", name.as_str()), ("Queue", name.as_str())];
    let hub = connect(hub, broker.parse().unwrap()).await.unwrap();
    let options = Options { hub: Some(hub), ..options(directory.path(), &parameters) };
    let probe = Probe::start_in(directory, options).await;
    let send = json!([{"send": STANDARD.encode(bytes)}]).to_string();
    let call = async || {
        let response = probe.client.post(probe.url("/do/call")).body(send.clone()).send().await.unwrap();
        if response.status() == 502 { Value::Null } else { response.json::<Value>().await.unwrap() }
    };
    let target = || FaultTarget::from(service);
    for (effect, reached) in [(Effect::kill_before(), 0), (Effect::kill_after(), 1)] {
        let fault = Fault::new(target(), effect).operation(operation).from("Answering").count(1);
        probe.environment.inject(fault).unwrap();
        assert_eq!(call().await, Value::Null);
        assert_eq!(probe.environment.calls().count("Answering", service, operation), reached);
        assert_eq!(probe.environment.status().await.functions["Answering"].sandboxes, 0);
    }
    probe.environment.inject(Fault::new(target(), Effect::reset_before()).operation("Connect").count(1)).unwrap();
    assert_eq!(call().await, json!([{"broken": "ConnectionReset"}]));
    let answer = call().await;
    assert!(answer[0]["received"].as_u64() > Some(4), "{answer}");
    let log = probe.log.lock().unwrap().join("\n");
    assert!(log.contains(&format!("fault 1 injected: Answering → {}:{operation}", target())), "{log}");
}

#[tokio::test]
async fn a_sandbox_is_killed_before_or_after_its_request_to_kafka() {
    let Some(broker) = kafka() else { return };
    for broker in [&broker, &broker.replace("127.0.0.1", "localhost")] {
        a_calling_sandbox_is_killed(broker, HubKind::Kafka, Service::Kafka, "ApiVersions", &API_VERSIONS).await;
    }
}

#[tokio::test]
async fn a_sandbox_is_killed_before_or_after_its_request_to_rabbitmq() {
    let Some(broker) = rabbitmq() else { return };
    let bytes = authentication();
    for broker in [&broker, &broker.replace("127.0.0.1", "localhost")] {
        a_calling_sandbox_is_killed(broker, HubKind::RabbitMq, Service::RabbitMq, "Authenticate", &bytes).await;
    }
}

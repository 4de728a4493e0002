//! Errors of a wrong setting: each says what is wrong and what to do.

use aws_connection::Encryption;
use payments_rabbitmq::{RabbitMqPublisher, Settings};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::proxy::Proxy;
use crate::support::{Hub, broker, error_of, message, no_secrets, secrets};

const LOGIN: &str = "arn:login";
const CA: &str = "arn:ca";

fn contains(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[tokio::test]
async fn a_missing_exchange_is_named() {
    let Some(broker) = broker() else { return };
    let hub = Hub::connect(&broker, "no-such-exchange").await;
    let error = error_of(hub.settings(), no_secrets()).await;
    contains(&error, &[&broker, "the exchange no-such-exchange does not exist", "RabbitMqExchange"]);
}

#[tokio::test]
async fn a_missing_queue_is_named() {
    let Some(broker) = broker() else { return };
    let hub = Hub::connect(&broker, &format!("test-{}", uuid::Uuid::new_v4())).await;
    hub.declare_exchange().await;
    let error = error_of(hub.settings(), no_secrets()).await;
    contains(&error, &[&broker, &format!("the queue {} does not exist", hub.name), "bind it", "RabbitMqQueue"]);
}

#[tokio::test]
async fn a_missing_virtual_host_is_named() {
    let Some(broker) = broker() else { return };
    let hub = Hub::connect(&broker, "any").await;
    let settings = Settings { virtual_host: "no-such-host".parse().unwrap(), ..hub.settings() };
    let error = error_of(settings, no_secrets()).await;
    contains(&error, &[&broker, "the virtual host no-such-host", "create it"]);
}

#[tokio::test]
async fn a_wrong_password_is_named_with_its_secret_and_not_shown() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let settings = Settings { secret_arn: Some(LOGIN.to_owned()), ..hub.settings() };
    let wrong = secrets([(LOGIN, json!({"username": "guest", "password": "hunter2"}))]).await;
    let error = error_of(settings.clone(), wrong).await;
    contains(&error, &[&broker, "the login failed", "in the secret arn:login"]);
    assert!(!error.contains("hunter2"), "{error}");

    let right = secrets([(LOGIN, json!({"username": "guest", "password": "guest"}))]).await;
    let publisher = RabbitMqPublisher::new(settings, right);
    assert!(publisher.publish_messages(&[message("k", "p", "m")]).await[0].is_ok());
    assert!(!format!("{publisher:?}").contains("hunter2"));
    hub.delete().await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_named() {
    let Some(broker) = broker() else { return };
    let hub = Hub::connect(&broker, "any").await;
    let settings = Settings { secret_arn: Some(LOGIN.to_owned()), ..hub.settings() };
    let error = error_of(settings, secrets([(LOGIN, json!({"user": "guest"}))]).await).await;
    contains(&error, &["secret arn:login", "the field `username` is missing"]);
}

#[tokio::test]
async fn tls_trusts_the_authority_of_the_secret_alone() {
    let Some(broker) = broker() else { return };
    let hub = Hub::new(&broker).await;
    let (proxy, ca) = Proxy::tls(&broker, "127.0.0.1").await;
    let (_, another_ca) = Proxy::tls(&broker, "127.0.0.1").await;
    let settings =
        Settings { encryption: Encryption::Tls, ca_secret_arn: Some(CA.to_owned()), ..hub.settings_at(&proxy.address) };
    let publisher = RabbitMqPublisher::new(settings.clone(), secrets([(CA, json!({"certificate": ca}))]).await);
    assert!(publisher.publish_messages(&[message("k", "p", "m")]).await[0].is_ok());

    let error = error_of(settings.clone(), secrets([(CA, json!({"certificate": another_ca}))]).await).await;
    contains(&error, &[&proxy.address, "its certificate is not trusted", "HubCaSecretArn"]);
    let error = error_of(settings.clone(), secrets([(CA, json!({"certificate": "a CA"}))]).await).await;
    contains(&error, &["the certificate authority in the secret arn:ca cannot be used", "BEGIN CERTIFICATE"]);
    let public = Settings { ca_secret_arn: None, ..settings };
    contains(&error_of(public, no_secrets()).await, &["its certificate is not trusted"]);
    hub.delete().await;
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_trusted() {
    let Some(broker) = broker() else { return };
    let hub = Hub::connect(&broker, "any").await;
    let (proxy, ca) = Proxy::tls(&broker, "broker.example").await;
    let ca_secret_arn = Some(CA.to_owned());
    let settings = Settings { encryption: Encryption::Tls, ca_secret_arn, ..hub.settings_at(&proxy.address) };
    let error = error_of(settings, secrets([(CA, json!({"certificate": ca}))]).await).await;
    contains(&error, &["its certificate is not trusted"]);
}

#[tokio::test]
async fn encryption_that_does_not_fit_the_port_is_named() {
    let Some(broker) = broker() else { return };
    let hub = Hub::connect(&broker, "any").await;
    let settings = Settings { encryption: Encryption::Tls, ..hub.settings() };
    contains(&error_of(settings, no_secrets()).await, &["check that the port expects TLS"]);
    let (proxy, _) = Proxy::tls(&broker, "127.0.0.1").await;
    contains(&error_of(hub.settings_at(&proxy.address), no_secrets()).await, &["expects TLS"]);
}

#[tokio::test]
async fn a_server_that_does_not_speak_amqp_is_named() {
    let Some(broker) = broker() else { return };
    let hub = Hub::connect(&broker, "any").await;
    let answers: [&[u8]; 5] = [
        b"",
        b"AMQP\x00\x01\x00\x00",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x46",
        &[0xff; 64],
    ];
    for answer in answers {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let settings = hub.settings_at(&address);
        let served = async { listener.accept().await.unwrap().0.write_all(answer).await.unwrap() };
        let (error, ()) = tokio::join!(error_of(settings, no_secrets()), served);
        contains(&error, &[&address, "check the"]);
    }
}

#[tokio::test]
async fn an_address_where_nothing_listens_is_named() {
    let Some(broker) = broker() else { return };
    let hub = Hub::connect(&broker, "any").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    contains(&error_of(hub.settings_at(&address), no_secrets()).await, &[&address, "no connection", "refused"]);
    let error = error_of(hub.settings_at("no-such-host.invalid:5671"), no_secrets()).await;
    contains(&error, &["no-such-host.invalid:5671", "no connection", "check the host"]);
}

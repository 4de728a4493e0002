//! Wrong topics, addresses, credentials and certificates: errors that say which is wrong and what to do.

use aws_connection::Encryption;
use aws_secrets::Secrets;
use payments_kafka::{Authentication, BootstrapServers, KafkaConfig, KafkaPublisher};

use crate::support::{Topic, aws, broker, failure, first_versions, publish, publisher, serve_secrets};

async fn assert_failure(config: KafkaConfig, parts: &[&str]) {
    let cause = failure(&publisher(config)).await;
    assert!(parts.iter().all(|part| cause.contains(part)), "{cause}\nlacks one of {parts:?}");
}

#[tokio::test]
async fn a_missing_topic_is_named_and_not_created() {
    let Some(broker) = broker("PAYSTREAM_KAFKA") else { return };
    let topic = Topic { broker: broker.clone(), name: format!("missing-{}", uuid::Uuid::new_v4()) };
    assert_failure(topic.config(), &["has no topic", &topic.name, "create it"]).await;
    let client = rskafka::client::ClientBuilder::new(vec![broker]).build().await.unwrap();
    assert!(client.list_topics().await.unwrap().iter().all(|found| found.name != topic.name));
}

#[tokio::test]
async fn a_wrong_address_is_named() {
    let Some(broker) = broker("PAYSTREAM_KAFKA") else { return };
    let topic = Topic::create(&broker, 1).await;
    let at = |servers: &str| KafkaConfig { bootstrap_servers: servers.parse().unwrap(), ..topic.config() };
    assert_failure(at("127.0.0.1:9"), &["127.0.0.1:9", "Connection refused", "KafkaBootstrapServers"]).await;
    assert_failure(at("broker.invalid:9092"), &["broker.invalid:9092", "check the host", "DNS"]).await;
    // One good address is sufficient.
    let servers: BootstrapServers = format!("127.0.0.1:9,{broker}").parse().unwrap();
    publish(&publisher(KafkaConfig { bootstrap_servers: servers, ..topic.config() }), &first_versions([1])).await;
}

/// A publisher at the port for TLS and SCRAM, with these secrets.
async fn secured(config: KafkaConfig, credentials: &str, authority: &str) -> KafkaPublisher {
    let certificate = serde_json::json!({"certificate": authority}).to_string();
    let secrets = vec![("credentials", credentials.to_owned()), ("authority", certificate)];
    let aws = aws(&serve_secrets(secrets.leak()).await);
    let config = KafkaConfig {
        authentication: Authentication::ScramSha512 { secret_arn: "credentials".to_owned() },
        encryption: Encryption::Tls,
        ca_secret_arn: Some("authority".to_owned()),
        ..config
    };
    KafkaPublisher::new(&aws, Secrets::new(&aws), config)
}

const CREDENTIALS: &str = r#"{"username": "paystream", "password": "paystream-secret"}"#;

async fn assert_fails(publisher: KafkaPublisher, parts: &[&str]) {
    let cause = failure(&publisher).await;
    assert!(parts.iter().all(|part| cause.contains(part)), "{cause}\nlacks one of {parts:?}");
    assert!(!cause.contains("paystream-secret"), "{cause}");
}

#[tokio::test]
async fn credentials_and_authority_come_from_secrets_and_wrong_ones_are_named() {
    let (Some(broker), Some(scram), Some(authority)) =
        (broker("PAYSTREAM_KAFKA"), broker("PAYSTREAM_KAFKA_SCRAM"), broker("PAYSTREAM_KAFKA_CA"))
    else {
        return;
    };
    let topic = Topic::create(&broker, 2).await;
    let authority = std::fs::read_to_string(authority).unwrap();
    let at_scram = KafkaConfig { bootstrap_servers: scram.parse().unwrap(), ..topic.config() };
    let right = secured(at_scram.clone(), CREDENTIALS, &authority).await;
    publish(&right, &first_versions(1..9)).await;
    assert_eq!(topic.ids().await.len(), 8);

    let wrong_password = r#"{"username": "paystream", "password": "wrong"}"#;
    let publisher = secured(at_scram.clone(), wrong_password, &authority).await;
    assert_fails(publisher, &["SaslAuthenticationFailed", "check username and password in the secret"]).await;
    let unknown_user = r#"{"username": "nobody", "password": "paystream-secret"}"#;
    let publisher = secured(at_scram.clone(), unknown_user, &authority).await;
    assert_fails(publisher, &["SaslAuthenticationFailed", "has this user for SCRAM-SHA-512"]).await;
    let publisher = secured(at_scram.clone(), r#"{"user": "paystream"}"#, &authority).await;
    assert_fails(publisher, &["secret credentials", "`username` is missing"]).await;

    let other_authority = rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap().cert.pem();
    let publisher = secured(at_scram.clone(), CREDENTIALS, &other_authority).await;
    assert_fails(publisher, &["invalid peer certificate", "name its authority in HubCaSecretArn"]).await;
    let publisher = secured(at_scram.clone(), CREDENTIALS, "no PEM").await;
    assert_fails(publisher, &["secret authority", "has no certificate"]).await;
    // Amazon's roots have not signed the broker's certificate.
    let amazon = KafkaConfig { encryption: Encryption::Tls, ..at_scram.clone() };
    assert_failure(amazon, &["invalid peer certificate", "HubCaSecretArn"]).await;

    // The other port, of plaintext without credentials.
    let publisher = secured(topic.config(), CREDENTIALS, &authority).await;
    assert_fails(publisher, &["HubEncryption"]).await;
    // No TLS at the port for TLS.
    assert_failure(at_scram.clone(), &["HubEncryption"]).await;
    assert_eq!(topic.ids().await.len(), 8, "nothing else was sent");
}

#[tokio::test]
async fn an_unoffered_mechanism_is_named() {
    let (Some(broker), Some(scram), Some(authority)) =
        (broker("PAYSTREAM_KAFKA"), broker("PAYSTREAM_KAFKA_SCRAM"), broker("PAYSTREAM_KAFKA_CA"))
    else {
        return;
    };
    let topic = Topic::create(&broker, 1).await;
    let certificate = serde_json::json!({"certificate": std::fs::read_to_string(authority).unwrap()}).to_string();
    let aws = aws(&serve_secrets(vec![("authority", certificate)].leak()).await);
    let config = KafkaConfig {
        bootstrap_servers: scram.parse().unwrap(),
        authentication: Authentication::Iam,
        encryption: Encryption::Tls,
        ca_secret_arn: Some("authority".to_owned()),
        ..topic.config()
    };
    assert_fails(KafkaPublisher::new(&aws, Secrets::new(&aws), config), &["KafkaAuthentication"]).await;
}

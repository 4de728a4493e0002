//! The runbook of docs/operating.md that changes the hub, step by step, with one data directory. The local environment
//! is stopped between two deployments. Tests without the broker are skipped.

use std::collections::BTreeMap;
use std::path::Path;

use amqprs::channel::QueueDeleteArguments;
use paystream_hubs::own_names;
use paystream_local::{Effect, Fault, FaultTarget, HubKind, Options};
use paystream_tests::{Paystream, Ran, eur};
use serde_json::{Value, json};

use crate::doctor::{conditions, failures};
use crate::hubs::{Raw, captured};

/// Deploys the stack over a hub with these parameters, on the tables, change stream and checkpoints of this directory.
async fn deploy(hub: HubKind, parameters: &BTreeMap<String, String>, data: &Path) -> Paystream {
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let in_directory = |options| Options { data: Some(data.to_owned()), ..options };
    Paystream::start_on_with(hub, &parameters, in_directory).await.unwrap()
}

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Saves the outputs in the form of `sam list stack-outputs --output json`.
async fn save_outputs(paystream: &Paystream, path: &Path) {
    let outputs = paystream.environment().status().await.outputs;
    let output = |(key, value)| json!({"OutputKey": key, "OutputValue": value, "Description": "…"});
    std::fs::write(path, outputs.into_iter().map(output).collect::<Value>().to_string()).unwrap();
}

/// Runs a command with the saved outputs, as for a stack on AWS.
async fn run(paystream: &Paystream, arguments: &[&str], outputs: &Path) -> Ran {
    let secrets = paystream.environment().status().await.secrets_manager_url;
    let arguments = [arguments, &["--stack-outputs", outputs.to_str().unwrap()]].concat();
    paystream.command_as_on_aws(&arguments, &[("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets)]).await
}

/// Runs `doctor` over the local environment, without the condition of a broker that is alone.
async fn doctor(paystream: &Paystream, hub: HubKind, accepted: &[&str]) -> Ran {
    let address = Paystream::broker_of(hub).unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    // hubs/host/rabbitmq has the API three ports above AMQP.
    let management = format!("http://{host}:{}", port.parse::<u16>().unwrap() + 3);
    let of_hub: &[&str] = match hub {
        HubKind::Kinesis => &[],
        HubKind::Kafka => &["--accept", "kafka-one-replica"],
        HubKind::RabbitMq => &["--accept", "rabbitmq-one-member", "--management-url", &management],
    };
    let accepted: Vec<_> = accepted.iter().flat_map(|condition| ["--accept", condition]).collect();
    paystream.command(&[&["doctor", "--json"], of_hub, &accepted].concat()).await
}

/// Steps 2 to 6: a stack on Kinesis, drained, and the same stack over `hub`. Its relay publishes what the former one did
/// not.
async fn switch(hub: HubKind, names: &BTreeMap<String, String>, data: &Path) -> (Paystream, Vec<Value>) {
    let paystream = deploy(HubKind::Kinesis, &parameters(&[("PublishMode", "direct")]), data).await;
    let mut payments = vec![captured(&paystream, "ord-direct").await];
    paystream.stop().await;

    let paystream = deploy(HubKind::Kinesis, &parameters(&[("PublishMode", "stream")]), data).await;
    payments.push(captured(&paystream, "ord-stream").await);
    let old = data.join("OLD.json");
    save_outputs(&paystream, &old).await;
    let quarantined = run(&paystream, &["quarantine", "list"], &old).await.text(0);
    assert_eq!(quarantined, "0 records in quarantine\n");
    // With outputs, this command reads a bucket on AWS.
    assert_eq!(paystream.command(&["failures", "list"]).await.text(0), "0 failures with 0 records\n");
    run(&paystream, &["reconcile", "--grace", "0"], &old).await.text(0);

    let refused = Effect::error("ServiceUnavailable");
    paystream.inject(Fault::new(FaultTarget::Kinesis, refused).operation("PutRecords"));
    let failures = paystream.relay_status().await.failures;
    payments.push(paystream.pay("ord-between", &eur(1299), "tok_approve").await);
    Paystream::eventually("the relay fails", async || {
        (paystream.relay_status().await.failures > failures).then_some(())
    })
    .await;
    paystream.stop().await;

    let changed = parameters(&[("PublishMode", "stream"), ("RelayRecordAgeSecondsMax", "86400")]);
    (deploy(hub, &changed.into_iter().chain(names.clone()).collect(), data).await, payments)
}

async fn change_hub(hub: HubKind) {
    let Some(_) = Paystream::broker_of(hub) else { return };
    let (directory, names) = (tempfile::tempdir().unwrap(), own_names(hub));
    let data = directory.path();
    let (paystream, payments) = switch(hub, &names, data).await;
    let (old, new) = (data.join("OLD.json"), data.join("NEW.json"));

    // Step 7. Relay and projector have other mappings, and the recovery keeps its own.
    save_outputs(&paystream, &new).await;
    let [before, after] = [&old, &new].map(|file| paystream_tests::outputs_of(&std::fs::read_to_string(file).unwrap()));
    let (before, after) = (before.unwrap(), after.unwrap());
    assert_eq!((before["Hub"].as_str(), after["Hub"].as_str()), ("kinesis", hub.as_str()));
    for (output, is_same) in [("RelayMapping", false), ("ProjectorMapping", false), ("RecoveryMapping", true)] {
        assert_eq!(before[output] == after[output], is_same, "{output}");
    }
    let report = doctor(&paystream, hub, &[]).await.json(1);
    assert_eq!((conditions(&report), failures(&report)), (vec!["mapping-record-age-long"; 2], vec![]), "{report}");
    doctor(&paystream, hub, &["mapping-record-age-long"]).await.json(0);

    // Step 8. Only the new relay can have published this payment.
    paystream.payment_arrives("ord-between", &payments[2]).await;
    if hub == HubKind::Kafka {
        paystream.every_version_is_published_in_order().await;
    }

    // Steps 9 and 10.
    run(&paystream, &["reconcile", "--grace", "0"], &new).await.text(0);
    paystream.lose_copy(&payments[0]).await;
    run(&paystream, &["reconcile", "--grace", "0"], &new).await.text(1);
    run(&paystream, &["reconcile", "--grace", "0", "--repair", "--wait"], &new).await.text(0);
    let mut raw = Raw::open(hub, &paystream).await;
    let report = run(&paystream, &["replay", "--json"], &new).await.json(0);
    assert_eq!((&report["sent"], &report["is_complete"]), (&json!(3), &json!(true)), "{report}");
    assert_versions(&mut raw, &payments).await;
    paystream.stop().await;

    // Step 11.
    let reset = parameters(&[("PublishMode", "stream"), ("RelayRecordAgeSecondsMax", "43200")]);
    let paystream = deploy(hub, &reset.into_iter().chain(names).collect(), data).await;
    let report = doctor(&paystream, hub, &[]).await.json(0);
    assert_eq!((conditions(&report), failures(&report)), (vec![], vec![]), "{report}");
    captured(&paystream, "ord-after").await;
    run(&paystream, &["reconcile", "--grace", "0"], &new).await.text(0);
    paystream.stop().await;

    return_and_clean_up(&after, data, raw).await;
}

/// The way back, and step 12: the former hub receives nothing more, and nothing misses it.
async fn return_and_clean_up(former: &BTreeMap<String, String>, data: &Path, mut raw: Raw) {
    let paystream = deploy(HubKind::Kinesis, &parameters(&[("PublishMode", "stream")]), data).await;
    let payment = captured(&paystream, "ord-returned").await;
    assert_eq!(raw.versions(&payment).await, [] as [u64; 0]);
    if let Raw::RabbitMq { channel, .. } = &raw {
        channel.queue_delete(QueueDeleteArguments::new(&former["RabbitMqQueue"])).await.unwrap();
    }
    captured(&paystream, "ord-alone").await;
    paystream.command(&["reconcile", "--grace", "0"]).await.text(0);
    let report = paystream.command(&["doctor", "--json"]).await.json(0);
    assert_eq!((conditions(&report), failures(&report)), (vec![], vec![]), "{report}");
}

/// Checks that the events since the subscription are all versions of each payment, in order.
async fn assert_versions(raw: &mut Raw, payments: &[Value]) {
    let events = raw.events().await;
    for payment in payments {
        let own = events.iter().filter(|event| event["data"]["payment_id"] == payment["payment_id"]);
        let versions: Vec<_> = own.map(|event| event["data"]["version"].as_u64().unwrap()).collect();
        let expected: Vec<_> = (1..=payment["version"].as_u64().unwrap()).collect();
        assert_eq!(versions, expected, "{payment}");
    }
}

#[tokio::test]
async fn the_hub_is_changed_to_kafka_and_back_as_the_runbook_says() {
    change_hub(HubKind::Kafka).await;
}

#[tokio::test]
async fn the_hub_is_changed_to_rabbitmq_and_back_as_the_runbook_says() {
    change_hub(HubKind::RabbitMq).await;
}

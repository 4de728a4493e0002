//! Switching between the publish modes of a running system, in both directions and under load.

use std::collections::BTreeMap;
use std::path::Path;

use futures::future::join_all;
use paystream_local::{Effect, Fault, FaultTarget, Options};
use paystream_tests::{Paystream, eur, first_appearances, workspace};
use serde_json::{Value, json};

use super::{change, pay_in_four_versions};

const ORDERS: usize = 12;

fn order_ids(prefix: &str) -> Vec<String> {
    (0..ORDERS).map(|n| format!("{prefix}-{}", n % 4)).collect()
}

async fn pay_for_all(paystream: &Paystream, prefix: &str) -> Vec<Value> {
    join_all(order_ids(prefix).iter().map(|order_id| pay_in_four_versions(paystream, order_id))).await
}

/// Starts a system in this mode, with its tables, change stream and checkpoints in this directory.
async fn start(mode: &str, directory: &Path) -> Paystream {
    // With a window, a batch holds several versions of a payment.
    let parameters = [("PublishMode", mode), ("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "1")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let (template, data) = (workspace().join("template.yaml"), Some(directory.to_owned()));
    Paystream::start_with_options(Options { template, data, parameters, ..Options::default() }).await
}

/// A deployment switches while versions wait for the hub, some of a payment published and some not. The stream of the
/// local environment does not survive its restart, so its events are read before and after it.
async fn switch(from: &str, to: &str) {
    let directory = tempfile::tempdir().unwrap();
    let paystream = start(from, directory.path()).await;
    let partly = Fault::new(FaultTarget::Kinesis, Effect::Partial(0.5)).operation("PutRecords");
    paystream.inject(partly.count(12).seed(11));
    let mut payments = pay_for_all(&paystream, "before").await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")).operation("PutRecord"));
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")).operation("PutRecords"));
    let failures = paystream.relay_status().await.failures;
    payments.extend(pay_for_all(&paystream, "during").await);
    Paystream::eventually("the relay fails", async || {
        (paystream.relay_status().await.failures > failures + 1).then_some(())
    })
    .await;
    let events = paystream.stream_events().await;
    paystream.stop().await;

    let paystream = start(to, directory.path()).await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::Reorder(20)));
    let again = payments.iter().map(|payment| {
        let paystream = &paystream;
        async move { change(paystream, payment, "refund", "after", &json!({"amount": eur(100)})).await }
    });
    join_all(again).await;
    pay_for_all(&paystream, "after").await;
    let expected: BTreeMap<_, Vec<_>> =
        paystream.payment_versions().await.into_iter().map(|(id, version)| (id, (1..=version).collect())).collect();
    assert_eq!(expected.len(), 3 * ORDERS);
    let before = events.len();
    Paystream::eventually("every version of every payment is on either stream", async || {
        let mut events = events.clone();
        events.extend(paystream.stream_events().await);
        let appeared = first_appearances(&events);
        for (payment_id, versions) in &appeared {
            assert!(expected[payment_id].starts_with(versions), "{payment_id}: {versions:?}, switched after {before}");
        }
        (appeared == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn switching_from_direct_to_stream_mode_loses_and_reorders_nothing() {
    switch("direct", "stream").await;
}

#[tokio::test]
async fn switching_from_stream_to_direct_mode_loses_and_reorders_nothing() {
    switch("stream", "direct").await;
}

/// While a deployment updates one function after the other, and until the last sandbox with the old configuration ends.
#[tokio::test]
async fn functions_in_different_modes_lose_and_reorder_nothing() {
    for (payment_api, relay) in [("direct", "stream"), ("stream", "direct")] {
        let directory = mixed_template(payment_api, relay);
        let paystream = Paystream::start_of(&directory.path().join("template.yaml")).await;
        let refused = Fault::new(FaultTarget::Kinesis, Effect::error("ServiceUnavailable")).operation("PutRecord");
        paystream.inject(refused.count(9));
        let partly = Fault::new(FaultTarget::Kinesis, Effect::Partial(0.5)).operation("PutRecords");
        paystream.inject(partly.count(12).seed(11));
        paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::Reorder(20)));
        pay_for_all(&paystream, "ord").await;
        paystream.every_version_is_published_in_order().await;
    }
}

/// Copies the template with another mode for each function.
fn mixed_template(payment_api: &str, relay: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in ["infra", "functions"] {
        std::os::unix::fs::symlink(workspace().join(name), directory.path().join(name)).unwrap();
    }
    let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let mut modes = [payment_api, relay].into_iter();
    let lines = template.lines().map(|line| match line.split_once("PUBLISH_MODE: !Ref PublishMode") {
        Some((indent, _)) => format!("{indent}PUBLISH_MODE: {}", modes.next().unwrap()),
        // Each function has the variables of both modes.
        None => line
            .replace(
                "PAYMENT_STREAM: !If [PublishesDirectly, !Ref PaymentStream, !Ref AWS::NoValue]",
                "PAYMENT_STREAM: !Ref PaymentStream",
            )
            .replace(
                "PAYMENTS_TABLE: !If [PublishesDirectly, !Ref PaymentsTable, !Ref AWS::NoValue]",
                "PAYMENTS_TABLE: !Ref PaymentsTable",
            ),
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(modes.next(), None, "the template has a mode for each function");
    std::fs::write(directory.path().join("template.yaml"), lines.join("\n")).unwrap();
    directory
}

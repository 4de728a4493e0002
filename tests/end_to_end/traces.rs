//! A payment in the logs of both services: its W3C trace context, from the request to Payments, through the event,
//! to Orders; and its projection lag.

use payment_events::TraceParent;
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Need, Paystream, eur, payment_body, skip_without};
use serde_json::Value;

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const TRACE_PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER_TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER_TRACE_PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// Pays for an order with these headers.
async fn pay(paystream: &Paystream, headers: &[(&str, &str)]) -> Value {
    let key = paystream.name("key");
    let headers = [&[("content-type", "application/json"), ("idempotency-key", key.as_str())], headers].concat();
    let body = payment_body("ord-1", &eur(1299), "tok_approve").to_string();
    paystream.request("POST", "/payments", &headers, &body).await.expect(201)
}

/// The trace in the event of that version of a payment, once it is published.
async fn trace_in_event(paystream: &Paystream, payment: &Value) -> Option<String> {
    let id = format!("{}:{}", payment["payment_id"].as_str().unwrap(), payment["version"]);
    let event = Paystream::eventually(&format!("{id} is published"), async || {
        paystream.events_on_stream(0).await.into_iter().find(|event| event["id"] == *id)
    })
    .await;
    event["traceparent"].as_str().map(str::to_owned)
}

/// Waits for a log line of the function with `message` about this payment version, and returns its `trace_id`.
async fn trace_in_log(paystream: &Paystream, function: &str, message: &str, payment: &Value) -> Option<String> {
    let id = format!(" payment_id={} ", payment["payment_id"].as_str().unwrap());
    let version = format!(" version={} ", payment["version"]);
    let line = Paystream::eventually(&format!("{function} logs {message:?} of {payment}"), async || {
        let mut lines = paystream.log_lines().into_iter();
        lines.find(|line| [function, message, &id, &version].iter().all(|part| format!("{line} ").contains(part)))
    })
    .await;
    let traces: Vec<_> = line.split(' ').filter_map(|field| field.strip_prefix("trace_id=")).collect();
    assert!(traces.len() <= 1, "{line}");
    traces.first().map(|trace| (*trace).to_owned())
}

/// The trace ids that both services log for this version of a payment.
async fn traces_of_both(paystream: &Paystream, payment: &Value) -> [Option<String>; 2] {
    [
        trace_in_log(paystream, "payment-api", " is ", payment).await,
        trace_in_log(paystream, "order-projector", " stored as ", payment).await,
    ]
}

fn both(trace_id: &str) -> [Option<String>; 2] {
    [Some(trace_id.to_owned()), Some(trace_id.to_owned())]
}

#[tokio::test]
async fn the_event_and_the_logs_of_both_services_carry_the_trace_of_the_request() {
    if skip_without(&[Need::Log, Need::Alone]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let payment = pay(&paystream, &[("traceparent", TRACE_PARENT)]).await;
    assert_eq!(trace_in_event(&paystream, &payment).await.as_deref(), Some(TRACE_PARENT));
    assert_eq!(traces_of_both(&paystream, &payment).await, both(TRACE_ID));
}

#[tokio::test]
async fn a_change_carries_the_trace_of_its_own_request() {
    if skip_without(&[Need::Log, Need::Alone]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let payment = pay(&paystream, &[("traceparent", TRACE_PARENT)]).await;
    // Otherwise both versions may arrive in one batch, which stores only the newer one.
    paystream.payment_arrives("ord-1", &payment).await;
    let capture = format!("/payments/{}/capture", payment["payment_id"].as_str().unwrap());
    let headers = [("traceparent", OTHER_TRACE_PARENT)];
    let captured = paystream.request("POST", &capture, &headers, "").await.expect(200);
    assert_eq!(trace_in_event(&paystream, &payment).await.as_deref(), Some(TRACE_PARENT));
    assert_eq!(trace_in_event(&paystream, &captured).await.as_deref(), Some(OTHER_TRACE_PARENT));
    assert_eq!(traces_of_both(&paystream, &captured).await, both(OTHER_TRACE_ID));
}

/// Lambda gives every invocation an X-Ray trace, which replaces an `x-amzn-trace-id` header that the caller sent.
#[tokio::test]
async fn a_payment_without_a_valid_traceparent_carries_the_trace_of_its_invocation() {
    if skip_without(&[Need::Log, Need::Alone]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let (payment, carried) = Paystream::eventually("a payment carries a trace", async || {
        let payment = pay(&paystream, &[("traceparent", "not W3C"), ("x-amzn-trace-id", "garbage")]).await;
        // A trace whose digits look like a card number is dropped, which is rare.
        let carried: TraceParent = trace_in_event(&paystream, &payment).await?.parse().unwrap();
        Some((payment, carried))
    })
    .await;
    assert_eq!(traces_of_both(&paystream, &payment).await, both(carried.trace_id()));
}

#[tokio::test]
async fn a_trace_continues_through_the_relay() {
    if skip_without(&[Need::Faults, Need::Log, Need::Kinesis]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    paystream.inject(Fault::new(FaultTarget::Kinesis, Effect::error("AccessDeniedException")).from("PaymentApi"));
    let payment = pay(&paystream, &[("traceparent", TRACE_PARENT)]).await;
    assert_eq!(trace_in_event(&paystream, &payment).await.as_deref(), Some(TRACE_PARENT));
    let relayed = trace_in_log(&paystream, "payment-relay", "payment published by the relay", &payment).await;
    assert_eq!(relayed.as_deref(), Some(TRACE_ID));
    assert_eq!(traces_of_both(&paystream, &payment).await, both(TRACE_ID));
}

#[tokio::test]
async fn the_projection_lag_includes_the_write_to_the_read_model() {
    if skip_without(&[Need::Faults, Need::Log]) {
        return;
    }
    let paystream = Paystream::of_target().await;
    let slow = Fault::new(FaultTarget::DynamoDb, Effect::LatencyMs(800)).operation("PutItem").from("OrderProjector");
    paystream.inject(slow);
    let payment = paystream.pay("ord-1", &eur(1299), "tok_approve").await;
    let id = format!(" payment_id={} ", payment["payment_id"].as_str().unwrap());
    let line = Paystream::eventually("the projector logs the payment", async || {
        let mut lines = paystream.log_lines().into_iter();
        lines.find(|line| line.contains("order-projector") && line.contains(" stored as ") && line.contains(&id))
    })
    .await;
    let lag_ms = line.split(' ').find_map(|field| field.strip_prefix("lag_ms=")).unwrap();
    assert!(lag_ms.parse::<u64>().unwrap() >= 800, "{line}");
}

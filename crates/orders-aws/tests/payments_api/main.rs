//! The client of the Payments API, against local servers that respond, fail or hang. No test measures time: a server
//! that hangs never responds, and the assertions are on the number of requests.
#![allow(missing_docs, clippy::unwrap_used)]

mod server;
mod signature;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_connection::Trust;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_dynamodb::config::Region;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_types::SdkConfig;
use orders::testing::samples::{authorized, euros};
use orders::{LookedUp, LookupError, PAYMENTS_MAX, PaymentLookup};
use orders_aws::{Limits, PaymentsApi};
use payment_events::PaymentInfo;

use server::{Does, Server};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// Timeout for a response that never comes.
const SHORT: Duration = Duration::from_millis(50);

fn aws() -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", SECRET, Some("session+token".to_owned()), None, "test");
    SdkConfig::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Timeouts longer than any test takes, and no pause before a retry.
fn limits() -> Limits {
    let long = Duration::from_mins(2);
    Limits { connect: long, attempt: long, overall: long, pause_max: Duration::ZERO, ..Limits::default() }
}

fn api(server: &Server, limits: Limits) -> PaymentsApi {
    PaymentsApi::new(server.url().parse().unwrap(), Trust::Amazon, &aws(), limits)
}

/// Looks up an order of few payments.
async fn look_up(api: &PaymentsApi) -> Result<Vec<PaymentInfo>, LookupError> {
    let LookedUp { payments, has_more } = look_up_many(api).await?;
    assert!(!has_more);
    Ok(payments)
}

async fn look_up_many(api: &PaymentsApi) -> Result<LookedUp, LookupError> {
    api.payments_of(&"ord-1".parse().unwrap()).await
}

/// Error message of a lookup that fails.
async fn reason(api: &PaymentsApi) -> String {
    look_up(api).await.unwrap_err().source.to_string()
}

fn payment() -> PaymentInfo {
    authorized("pay_1", euros(7))
}

#[tokio::test]
async fn payments_are_returned_and_the_connection_is_reused() {
    let server = Server::start([]).await;
    let api = api(&server, limits());
    for _ in 0..5 {
        assert_eq!(look_up(&api).await.unwrap(), [payment()]);
    }
    assert_eq!((server.requests(), server.connections()), (5, 1));
}

#[tokio::test]
async fn a_transient_failure_is_retried_once() {
    for transient in [Does::Answer(500), Does::Answer(502), Does::Answer(503), Does::Answer(429), Does::BreakOff] {
        let server = Server::start([transient.clone()]).await;
        assert_eq!(look_up(&api(&server, limits())).await.unwrap(), [payment()], "{transient:?}");
        assert_eq!(server.requests(), 2);
    }
    let server = Server::start([Does::Answer(503), Does::Answer(502)]).await;
    assert_eq!(reason(&api(&server, limits())).await, "Payments responded with status 502");
    assert_eq!(server.requests(), 2, "no third attempt");
}

#[tokio::test]
async fn an_unusable_response_is_not_retried() {
    for (does, expected) in [
        (Does::Answer(403), "Payments responded with status 403"),
        (Does::Answer(404), "Payments responded with status 404"),
        (Does::Say("<html>"), "the response is invalid: expected value"),
        (Does::Say(r#"{"payments": [{"payment_id": "pay_1"}]}"#), "the response is invalid: missing field"),
        (
            Does::Say(r#"{"payments": [], "next": "https://elsewhere/"}"#),
            "the response is invalid: next is not a query",
        ),
        (Does::SayForEver, "the response is longer than 6291456 bytes"),
        (Does::Redirect, "Payments responded with status 302"),
    ] {
        let server = Server::start([does]).await;
        let reason = reason(&api(&server, limits())).await;
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(server.requests(), 1, "{expected}");
    }
}

#[tokio::test]
async fn every_page_is_read() {
    let server = Server::always(Does::PayPages { pages: 3, payments_each: 2 }).await;
    let found = look_up(&api(&server, limits())).await.unwrap();
    let ids: Vec<_> = found.iter().map(|payment| payment.payment_id.as_str()).collect();
    assert_eq!(ids, ["pay_0x0", "pay_0x1", "pay_1x0", "pay_1x1", "pay_2x0", "pay_2x1"]);
    assert_eq!((server.requests(), server.connections()), (3, 1));
}

#[tokio::test]
async fn a_lookup_says_that_there_are_more_payments_than_settlement_considers() {
    for (pages, payments_each, expected, requests) in [
        (10, 100, (PAYMENTS_MAX, false), 10),
        (11, 100, (PAYMENTS_MAX, true), 11),
        (50, 100, (PAYMENTS_MAX, true), 11),
        (20, 1, (20, false), 20),
        (21, 1, (20, true), 20),
    ] {
        let server = Server::always(Does::PayPages { pages, payments_each }).await;
        let LookedUp { payments, has_more } = look_up_many(&api(&server, limits())).await.unwrap();
        assert_eq!((payments.len(), has_more), expected, "{pages} pages");
        assert_eq!(server.requests(), requests, "{pages} pages");
    }
}

#[tokio::test]
async fn a_page_is_retried_once_and_a_failed_page_fails_the_lookup() {
    let pages = Does::PayPages { pages: 3, payments_each: 2 };
    let server = Server::start_and_then([pages.clone(), Does::Answer(503)], pages.clone()).await;
    assert_eq!(look_up(&api(&server, limits())).await.unwrap().len(), 6);
    assert_eq!(server.requests(), 4);
    let server = Server::start_and_then([pages.clone(), Does::Answer(503), Does::Answer(502)], pages.clone()).await;
    assert_eq!(reason(&api(&server, limits())).await, "Payments responded with status 502");
    // All pages share one deadline.
    let server = Server::start_and_then([pages.clone(), pages], Does::Hang).await;
    assert_eq!(reason(&api(&server, Limits { overall: SHORT, ..limits() })).await, "no response within 50ms");
}

#[tokio::test]
async fn a_timeout_is_retried_once() {
    let server = Server::start([Does::Hang, Does::Hang]).await;
    let error = look_up(&api(&server, Limits { attempt: SHORT, ..limits() })).await.unwrap_err();
    assert_eq!((error.source.to_string(), error.retry_after_s), ("no response within 50ms".to_owned(), 1));
    assert_eq!(server.requests(), 2);
    // A server that stops within its response times out as well.
    let server = Server::start([Does::StopInTheMiddle, Does::Hang]).await;
    assert_eq!(reason(&api(&server, Limits { attempt: SHORT, ..limits() })).await, "no response within 50ms");
}

#[tokio::test]
async fn both_attempts_share_one_deadline() {
    let server = Server::start([Does::Hang]).await;
    assert_eq!(reason(&api(&server, Limits { overall: SHORT, ..limits() })).await, "no response within 50ms");
    assert_eq!(server.requests(), 1, "no time is left for a retry");
    // The deadline includes the pause.
    let server = Server::start([Does::Answer(500)]).await;
    let pausing = Limits { overall: Duration::from_secs(1), pause_max: Duration::from_hours(1_000), ..limits() };
    assert_eq!(reason(&api(&server, pausing)).await, "no response within 1s");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_connection_that_cannot_be_opened_is_an_error() {
    // The server accepts the connection and never starts TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let api = PaymentsApi::new(url, Trust::Amazon, &aws(), Limits { connect: SHORT, ..limits() });
    assert_eq!(reason(&api).await, "the connection failed");
    // The server is gone.
    drop(listener);
    assert_eq!(reason(&api).await, "the connection failed");
}

#[tokio::test]
async fn retries_stop_when_the_budget_is_spent() {
    let server = Server::always(Does::Answer(503)).await;
    // One per second over a window of ten seconds: the budget starts with ten.
    let api = api(&server, Limits { failures_max: u32::MAX, ..limits() });
    for _ in 0..30 {
        look_up(&api).await.unwrap_err();
    }
    let retries = server.requests() - 30;
    // On a slow machine, another second may begin and add to the budget.
    assert!((10..30).contains(&retries), "{retries} retries");

    let server = Server::always(Does::Answer(503)).await;
    let api = PaymentsApi::new(
        server.url().parse().unwrap(),
        Trust::Amazon,
        &aws(),
        Limits { retries_a_second: 0, ..limits() },
    );
    look_up(&api).await.unwrap_err();
    assert_eq!(server.requests(), 1, "the budget is empty");
}

#[tokio::test]
async fn successful_lookups_add_to_the_retry_budget() {
    let server = Server::start(vec![Does::Pay; 5].into_iter().chain([Does::Answer(503)])).await;
    let api = api(&server, Limits { retries_a_second: 0, retry_share: 0.2, ..limits() });
    for _ in 0..5 {
        look_up(&api).await.unwrap();
    }
    assert_eq!(look_up(&api).await.unwrap(), [payment()], "five successes are worth one retry");
    assert_eq!(server.requests(), 7);
}

#[tokio::test]
async fn lookups_are_rejected_without_a_request_while_the_circuit_is_open() {
    let server = Server::always(Does::Answer(503)).await;
    let hour = Limits { open: Duration::from_hours(1), retries_a_second: 0, ..limits() };
    let api = api(&server, hour);
    for retry_after_s in [1, 1, 3_600] {
        let error = look_up(&api).await.unwrap_err();
        assert_eq!(error.source.to_string(), "Payments responded with status 503");
        assert_eq!(error.retry_after_s, retry_after_s, "the third failure opens the circuit");
    }
    for _ in 0..5 {
        let error = look_up(&api).await.unwrap_err();
        assert_eq!(error.retry_after_s, 3_600);
        assert!(error.source.to_string().starts_with("circuit breaker open for another "), "{}", error.source);
    }
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_successful_trial_closes_the_circuit() {
    let server = Server::start([Does::Answer(503), Does::Answer(503), Does::Answer(503), Does::Answer(503)]).await;
    // With an open time of zero, the circuit is half-open immediately.
    let api = api(&server, Limits { open: Duration::ZERO, retries_a_second: 0, ..limits() });
    for _ in 0..4 {
        assert_eq!(reason(&api).await, "Payments responded with status 503");
    }
    assert_eq!(look_up(&api).await.unwrap(), [payment()]);
    assert_eq!(server.requests(), 5);
}

/// Credentials that can be made unavailable.
#[derive(Debug)]
struct Flaky(Arc<AtomicBool>);

impl ProvideCredentials for Flaky {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let is_gone = self.0.load(Ordering::SeqCst);
        future::ProvideCredentials::ready(if is_gone {
            Err(CredentialsError::not_loaded("the test removed them"))
        } else {
            Ok(Credentials::new("AKIDEXAMPLE", SECRET, Some("session+token".to_owned()), None, "test"))
        })
    }
}

#[tokio::test]
async fn a_lookup_that_could_not_be_signed_does_not_count_for_the_circuit() {
    let server = Server::always(Does::Answer(503)).await;
    let is_gone = Arc::new(AtomicBool::new(false));
    let flaky = SharedCredentialsProvider::new(Flaky(Arc::clone(&is_gone)));
    let aws = aws().into_builder().credentials_provider(flaky).build();
    let limits = Limits { open: Duration::from_hours(1), retries_a_second: 0, ..limits() };
    let api = PaymentsApi::new(server.url().parse().unwrap(), Trust::Amazon, &aws, limits);
    let responded = "Payments responded";
    for (gone, expected) in [(false, responded), (false, responded), (true, "the request could not be signed")] {
        is_gone.store(gone, Ordering::SeqCst);
        assert!(reason(&api).await.starts_with(expected));
    }
    is_gone.store(false, Ordering::SeqCst);
    assert_eq!(reason(&api).await, "Payments responded with status 503", "the third consecutive failure");
    assert!(reason(&api).await.starts_with("circuit breaker open for another "));
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn rejections_do_not_open_the_circuit() {
    let server = Server::always(Does::Answer(403)).await;
    let api = api(&server, limits());
    for _ in 0..10 {
        assert_eq!(reason(&api).await, "Payments responded with status 403");
    }
    assert_eq!(server.requests(), 10);
}

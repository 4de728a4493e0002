//! Payments over REST, against servers on sockets that do what Payments may do. None of them is waited for: where one does
//! not answer, it never does, and what counts is how often it was asked.
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
use orders::{LookupError, PaymentLookup};
use orders_aws::{Limits, PaymentsApi};
use payment_events::PaymentInfo;

use server::{Does, Server};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// For what never comes.
const SHORT: Duration = Duration::from_millis(50);

fn aws() -> SdkConfig {
    let credentials = Credentials::new("AKIDEXAMPLE", SECRET, Some("session+token".to_owned()), None, "test");
    SdkConfig::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Longer than any test takes, and without a pause.
fn limits() -> Limits {
    let long = Duration::from_mins(2);
    Limits { connect: long, attempt: long, overall: long, pause_max: Duration::ZERO, ..Limits::default() }
}

fn api(server: &Server, limits: Limits) -> PaymentsApi {
    PaymentsApi::new(server.url().parse().unwrap(), Trust::Amazon, &aws(), limits)
}

async fn ask(api: &PaymentsApi) -> Result<Vec<PaymentInfo>, LookupError> {
    api.payments_of(&"ord-1".parse().unwrap()).await
}

/// Why a lookup failed.
async fn reason(api: &PaymentsApi) -> String {
    ask(api).await.unwrap_err().source.to_string()
}

fn payment() -> PaymentInfo {
    authorized("pay_1", euros(7))
}

#[tokio::test]
async fn what_payments_says_is_answered_and_the_connection_is_kept_for_the_next_lookup() {
    let server = Server::start([]).await;
    let api = api(&server, limits());
    for _ in 0..5 {
        assert_eq!(ask(&api).await.unwrap(), [payment()]);
    }
    assert_eq!((server.requests(), server.connections()), (5, 1));
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_once_more() {
    for passing in [Does::Answer(500), Does::Answer(502), Does::Answer(503), Does::Answer(429), Does::BreakOff] {
        let server = Server::start([passing.clone()]).await;
        assert_eq!(ask(&api(&server, limits())).await.unwrap(), [payment()], "{passing:?}");
        assert_eq!(server.requests(), 2);
    }
    let server = Server::start([Does::Answer(503), Does::Answer(502)]).await;
    assert_eq!(reason(&api(&server, limits())).await, "it answered with status 502");
    assert_eq!(server.requests(), 2, "and not a third time");
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_is_not_asked_for_again() {
    for (does, expected) in [
        (Does::Answer(403), "it answered with status 403"),
        (Does::Answer(404), "it answered with status 404"),
        (Does::Say("<html>"), "its answer cannot be used: expected value"),
        (Does::Say(r#"{"payments": [{"payment_id": "pay_1"}]}"#), "its answer cannot be used: missing field"),
        (Does::SayForEver, "the answer is longer than 6291456 bytes"),
        (Does::Redirect, "it answered with status 302"),
    ] {
        let server = Server::start([does]).await;
        let reason = reason(&api(&server, limits())).await;
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(server.requests(), 1, "{expected}");
    }
}

#[tokio::test]
async fn one_that_does_not_answer_is_asked_twice_and_then_given_up() {
    let server = Server::start([Does::Hang, Does::Hang]).await;
    let error = ask(&api(&server, Limits { attempt: SHORT, ..limits() })).await.unwrap_err();
    assert_eq!((error.source.to_string(), error.retry_after_s), ("no answer within 50ms".to_owned(), 1));
    assert_eq!(server.requests(), 2);
    // One that stops in the middle of its answer is one of these.
    let server = Server::start([Does::StopInTheMiddle, Does::Hang]).await;
    assert_eq!(reason(&api(&server, Limits { attempt: SHORT, ..limits() })).await, "no answer within 50ms");
}

#[tokio::test]
async fn all_that_is_tried_has_one_deadline() {
    let server = Server::start([Does::Hang]).await;
    assert_eq!(reason(&api(&server, Limits { overall: SHORT, ..limits() })).await, "no answer within 50ms");
    assert_eq!(server.requests(), 1, "nothing is left for a second attempt");
    // The pause is part of it.
    let server = Server::start([Does::Answer(500)]).await;
    let pausing = Limits { overall: Duration::from_secs(1), pause_max: Duration::from_hours(1_000), ..limits() };
    assert_eq!(reason(&api(&server, pausing)).await, "no answer within 1s");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up() {
    // It takes the connection, and never says a word of TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let api = PaymentsApi::new(url, Trust::Amazon, &aws(), Limits { connect: SHORT, ..limits() });
    assert_eq!(reason(&api).await, "the connection failed");
    // And nobody is there at all.
    drop(listener);
    assert_eq!(reason(&api).await, "the connection failed");
}

#[tokio::test]
async fn second_attempts_stop_where_their_budget_is_spent() {
    let server = Server::always(Does::Answer(503)).await;
    // One a second over ten seconds: ten are there from the beginning.
    let api = api(&server, Limits { failures_max: u32::MAX, ..limits() });
    for _ in 0..30 {
        ask(&api).await.unwrap_err();
    }
    let second = server.requests() - 30;
    // A slow machine may see another second begin.
    assert!((10..30).contains(&second), "{second} second attempts");

    let server = Server::always(Does::Answer(503)).await;
    let api = PaymentsApi::new(
        server.url().parse().unwrap(),
        Trust::Amazon,
        &aws(),
        Limits { retries_a_second: 0, ..limits() },
    );
    ask(&api).await.unwrap_err();
    assert_eq!(server.requests(), 1, "nothing is earned yet");
}

#[tokio::test]
async fn answers_earn_second_attempts() {
    let server = Server::start(vec![Does::Pay; 5].into_iter().chain([Does::Answer(503)])).await;
    let api = api(&server, Limits { retries_a_second: 0, retry_share: 0.2, ..limits() });
    for _ in 0..5 {
        ask(&api).await.unwrap();
    }
    assert_eq!(ask(&api).await.unwrap(), [payment()], "five answers are worth one second attempt");
    assert_eq!(server.requests(), 7);
}

#[tokio::test]
async fn after_failures_in_a_row_nobody_is_asked_until_one_that_tries_is_answered() {
    let server = Server::always(Does::Answer(503)).await;
    let hour = Limits { open: Duration::from_hours(1), retries_a_second: 0, ..limits() };
    let api = api(&server, hour);
    for retry_after_s in [1, 1, 3_600] {
        let error = ask(&api).await.unwrap_err();
        assert_eq!(error.source.to_string(), "it answered with status 503");
        assert_eq!(error.retry_after_s, retry_after_s, "the third one knows that it was the last");
    }
    for _ in 0..5 {
        let error = ask(&api).await.unwrap_err();
        assert_eq!(error.retry_after_s, 3_600);
        assert!(error.source.to_string().starts_with("the lookups before this one failed"), "{}", error.source);
    }
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn one_that_tries_and_is_answered_closes_the_circuit() {
    let server = Server::start([Does::Answer(503), Does::Answer(503), Does::Answer(503), Does::Answer(503)]).await;
    // It is half open at once.
    let api = api(&server, Limits { open: Duration::ZERO, retries_a_second: 0, ..limits() });
    for _ in 0..4 {
        assert_eq!(reason(&api).await, "it answered with status 503");
    }
    assert_eq!(ask(&api).await.unwrap(), [payment()]);
    assert_eq!(server.requests(), 5);
}

/// Credentials that are there most of the time.
#[derive(Debug)]
struct Flaky(Arc<AtomicBool>);

impl ProvideCredentials for Flaky {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let is_gone = self.0.load(Ordering::SeqCst);
        future::ProvideCredentials::ready(if is_gone {
            Err(CredentialsError::not_loaded("they are gone"))
        } else {
            Ok(Credentials::new("AKIDEXAMPLE", SECRET, Some("session+token".to_owned()), None, "test"))
        })
    }
}

#[tokio::test]
async fn a_lookup_that_could_not_even_be_signed_says_nothing_of_payments() {
    let server = Server::always(Does::Answer(503)).await;
    let is_gone = Arc::new(AtomicBool::new(false));
    let flaky = SharedCredentialsProvider::new(Flaky(Arc::clone(&is_gone)));
    let aws = aws().into_builder().credentials_provider(flaky).build();
    let limits = Limits { open: Duration::from_hours(1), retries_a_second: 0, ..limits() };
    let api = PaymentsApi::new(server.url().parse().unwrap(), Trust::Amazon, &aws, limits);
    for (gone, why) in [(false, "it answered"), (false, "it answered"), (true, "the request could not be signed")] {
        is_gone.store(gone, Ordering::SeqCst);
        assert!(reason(&api).await.starts_with(why));
    }
    is_gone.store(false, Ordering::SeqCst);
    assert_eq!(reason(&api).await, "it answered with status 503", "the third in a row");
    assert!(reason(&api).await.starts_with("the lookups before this one failed"));
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn refusals_do_not_open_the_circuit() {
    let server = Server::always(Does::Answer(403)).await;
    let api = api(&server, limits());
    for _ in 0..10 {
        assert_eq!(reason(&api).await, "it answered with status 403");
    }
    assert_eq!(server.requests(), 10);
}

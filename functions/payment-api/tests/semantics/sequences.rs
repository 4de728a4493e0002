//! Random sequences of requests under random faults, compared with the model.

use payments::testing::MemoryPayments;
use payments::{PaymentQueries, PaymentRecord};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::failing_store::Fault;
use crate::flavours::{Api, Flavour, Sent, amount, pay};
use crate::model::{Model, Seen};
use crate::requests::{ChangeOf, Key, Op, Request, Tags, any_sequence};

/// Number of sequences by default. The nightly checks run 10,000.
const SEQUENCES: u32 = 300;

#[test]
fn random_sequences_of_requests_agree_with_the_model_in_both_flavours() {
    let sequences = std::env::var("PAYSTREAM_SEQUENCES").map_or(SEQUENCES, |text| text.parse().unwrap());
    let config = ProptestConfig { cases: sequences, failure_persistence: None, ..ProptestConfig::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let result = TestRunner::new(config).run(&any_sequence(), |sequence| runtime.block_on(run(&sequence)));
    result.unwrap_or_else(|error| panic!("{error}"));
}

async fn run(sequence: &[Op]) -> Result<(), TestCaseError> {
    let (api, mut model) = (Api::new(), Model::default());
    // Paths of the payments, in the order of the model.
    let mut paths: Vec<String> = Vec::new();
    for op in sequence {
        match op {
            Op::ExpireLeases => {
                model.expire_leases();
                for path in &paths {
                    expire_lease(&api.store, path);
                }
            }
            Op::Request { flavour, request, fault } => {
                let sent = sent(request, &paths, &model);
                api.failing.set(*fault);
                let answer = api.send(*flavour, &sent).await;
                let expected = match request {
                    Request::Pay { key, minor, token } => model.pay(key, *minor, token, *fault),
                    Request::Change { payment, change, key, only, except } => {
                        model.change(*payment, *change, key, [*only, *except], *fault)
                    }
                    Request::Read { payment, only, except } => model.read(*payment, [*only, *except]),
                };
                prop_assert_eq!(Seen::of(&answer), expected, "{:?} {:?}: {:?}", flavour, sent, answer);
            }
        }
        agree(&api, &model, &mut paths).await?;
    }
    Ok(())
}

/// Returns the request with the headers and the path that it means at this point of the sequence.
fn sent(request: &Request, paths: &[String], model: &Model) -> Sent {
    let path_of = |payment: usize| paths.get(payment).map_or("/payments/pay_none", String::as_str);
    let version_of = |payment: usize| model.payments.get(payment).map_or(1, |payment| payment.state.version);
    match request {
        Request::Pay { key, minor, token } => with_key(pay(*minor, token), key),
        Request::Read { payment, only, except } => {
            conditional(Sent::get(path_of(*payment)), *only, *except, version_of(*payment))
        }
        Request::Change { payment, change, key, only, except } => {
            let (step, part) = match change {
                ChangeOf::Capture(part) => ("capture", *part),
                ChangeOf::Void => ("void", None),
                ChangeOf::Refund(part) => ("refund", *part),
            };
            let body = part.map(|(minor, currency)| amount(minor, currency));
            let sent = Sent::post(format!("{}/{step}", path_of(*payment)), body);
            conditional(with_key(sent, key), *only, *except, version_of(*payment))
        }
    }
}

fn with_key(sent: Sent, key: &Key) -> Sent {
    match key {
        Key::Missing => sent,
        Key::One(key) => sent.with("idempotency-key", [key]),
        Key::Invalid(lines) => sent.with("idempotency-key", lines),
    }
}

fn conditional(sent: Sent, only: Tags, except: Tags, version: u64) -> Sent {
    sent.with("if-match", only.lines(version)).with("if-none-match", except.lines(version))
}

/// Compares all stored payments with the model, and adds the paths of new ones.
async fn agree(api: &Api, model: &Model, paths: &mut Vec<String>) -> Result<(), TestCaseError> {
    let page = api.store.find_by_order(&"ord-1".parse().unwrap(), None, 100).await.unwrap();
    for payment in page.payments {
        let path = format!("/payments/{}", payment.payment_id);
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    prop_assert_eq!(paths.len(), model.payments.len(), "number of payments");
    for (path, expected) in paths.iter().zip(&model.payments) {
        let record = record(&api.store, path);
        let is_due = record.is_due();
        let PaymentRecord { payment, refusals, .. } = record;
        let state = &expected.state;
        prop_assert_eq!(
            (payment.status.to_string(), payment.captured_minor, payment.refunded_minor, payment.version),
            (state.status.to_owned(), state.captured, state.refunded, state.version)
        );
        prop_assert_eq!((refusals.len(), is_due), (expected.refusals(), expected.is_due));
    }
    Ok(())
}

fn record(store: &MemoryPayments, path: &str) -> PaymentRecord {
    store.record(&path.trim_start_matches("/payments/").parse().unwrap()).unwrap()
}

fn expire_lease(store: &MemoryPayments, path: &str) {
    let mut record = record(store, path);
    record.lease.until = payment_events::Timestamp::now();
    store.seed(record);
}

/// A sequence of the issue that this test was written for, so that its generator is known to cover it.
#[tokio::test]
async fn the_model_covers_a_refusal_before_its_capture() {
    let key = |key: &str| Key::One(key.to_owned());
    let tags = Tags::Missing;
    let request = |request| Op::Request { flavour: Flavour::Rest, request, fault: Fault::None };
    let change =
        |change, name: &str| request(Request::Change { payment: 0, change, key: key(name), only: tags, except: tags });
    let refund = || change(ChangeOf::Refund(None), "k");
    let sequence = [
        request(Request::Pay { key: key("k"), minor: 1_000, token: "tok_approve" }),
        refund(),
        change(ChangeOf::Capture(None), "l"),
        refund(),
    ];
    run(&sequence).await.unwrap();
}

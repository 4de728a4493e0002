//! Random schedules: requests of a client that gives up, while the processor is slow, fails or never gets the
//! authorization, and while payment-api and payment-recovery die or lose responses. Every payment must be decided, and
//! the processor must hold the amounts of authorized payments and no others.
//!
//! A schedule is determined by its seed. A failing one prints its seed; rerun it with `PAYSTREAM_SEED=<seed> cargo test
//! -p paystream-tests --test guarantees undecided::schedules`. `PAYSTREAM_UNDECIDED_SCHEDULES` sets the number of
//! schedules, starting at that seed.

use fastrand::Rng;
use futures::future::join_all;
use paystream_local::{Effect, Fault, FaultTarget};
use paystream_tests::{Paystream, eur, payment_body, run_seeds};

use super::{PARAMETERS, decided, processor_and_hub_agree};

/// Number of schedules by default. The nightly checks run 2,000.
const SCHEDULES: u64 = 250;
const FAULTS_MAX: usize = 4;

const TOKENS: [&str; 4] = ["tok_approve", "tok_approve", "tok_fail_once", "tok_decline_fraud"];

/// Requests of a client that does not wait for a result, and the faults injected meanwhile.
#[derive(Debug)]
struct Schedule {
    seed: u64,
    token: &'static str,
    /// Number of identical requests that are sent at the same time.
    requests: usize,
    faults: Vec<Fault>,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let (token, requests) = (TOKENS[rng.usize(..TOKENS.len())], if rng.u8(..4) == 0 { 2 } else { 1 });
        let faults = (0..rng.usize(1..=FAULTS_MAX)).map(|_| fault(&mut rng)).collect();
        Self { seed, token, requests, faults }
    }

    fn order_id(&self) -> String {
        format!("ord-{}", self.seed)
    }
}

/// Prints how to rerun a schedule that failed.
impl Drop for Schedule {
    #[expect(clippy::print_stderr, reason = "a failing test shows its seed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.seed;
            eprintln!(
                "failed: {self:#?}\nrerun: PAYSTREAM_SEED={seed} cargo test -p paystream-tests --test guarantees undecided::schedules"
            );
        }
    }
}

/// Generates a fault of a request or of its recovery. The processor's own table is reached through the same calls as the
/// payments table: `PutItem` of payment-api begins, authorizes and decides; `GetItem` of payment-recovery loads and looks
/// up; its `PutItem` marks, voids and decides.
fn fault(rng: &mut Rng) -> Fault {
    let pick = |rng: &mut Rng, effects: &[Effect]| effects[rng.usize(..effects.len())].clone();
    let deaths = [Effect::kill_before(), Effect::kill_after()];
    let failures = [
        Effect::LatencyMs(rng.u64(1..=400)),
        Effect::reset_before(),
        Effect::reset_after(),
        Effect::error("InternalServerError"),
        Effect::Throttle,
    ];
    let (skip, count) = (rng.u64(..3), rng.u64(1..=2));
    let fault = match rng.u8(..8) {
        // The request dies, or the processor fails beyond the attempts of the SDK.
        0..=2 => Fault::new(FaultTarget::DynamoDb, pick(rng, &deaths)).operation("PutItem").from("PaymentApi"),
        3 => Fault::new(FaultTarget::DynamoDb, pick(rng, &failures)).operation("PutItem").from("PaymentApi"),
        4 => {
            let unavailable = Fault::new(FaultTarget::DynamoDb, pick(rng, &failures)).operation("PutItem");
            return unavailable.from("PaymentApi").skip(skip).count(rng.u64(3..=9));
        }
        5 => Fault::new(FaultTarget::function("PaymentRecovery"), pick(rng, &deaths)),
        _ => {
            let operation = if rng.bool() { "GetItem" } else { "PutItem" };
            let effects = [&deaths[..], &failures].concat();
            Fault::new(FaultTarget::DynamoDb, pick(rng, &effects)).operation(operation).from("PaymentRecovery")
        }
    };
    fault.skip(skip).count(count)
}

/// Runs schedules in one environment, one after the other. The seeds, all odd or all even, determine the publish mode.
async fn run_all(seeds: Vec<u64>) {
    let mode = if seeds[0].is_multiple_of(2) { "stream" } else { "direct" };
    let parameters = [&PARAMETERS[..], &[("PublishMode", mode)]].concat();
    let paystream = Paystream::start_with_parameters(&parameters).await;
    for seed in seeds {
        let schedule = Schedule::new(seed);
        for fault in &schedule.faults {
            paystream.inject(fault.clone());
        }
        let (order_id, body) = (schedule.order_id(), payment_body(&schedule.order_id(), &eur(1299), schedule.token));
        join_all((0..schedule.requests).map(|_| paystream.post_once("/payments", &order_id, &body))).await;
        let payments = decided(&paystream, &order_id).await;
        assert!(payments.len() <= 1, "one key makes one payment: {payments:?}");
        paystream.heal();
    }
    processor_and_hub_agree(&paystream).await;
}

#[test]
fn every_payment_is_decided_without_its_client_in_random_schedules_of_faults() {
    run_seeds("PAYSTREAM_UNDECIDED_SCHEDULES", SCHEDULES, run_all);
}

//! Random schedules: a payment and its changes, while random calls fail, hang, lose their response or crash the caller,
//! and the client retries, sometimes concurrently. The final state must be the same as without faults.
//!
//! A schedule is determined by its seed. A failing one prints its seed; rerun it with `PAYSTREAM_SEED=<seed> cargo test
//! -p paystream-tests --test guarantees schedules`. `PAYSTREAM_SCHEDULES` sets the number of schedules, starting at
//! that seed. The seed also determines the publish mode. `PAYSTREAM_HUB=kafka` and `rabbitmq` run them over that hub.

use fastrand::Rng;
use paystream_chaos::{Plan, act, random_fault};
use paystream_client::{Client, Target};
use paystream_local::{Fault, HubKind};
use paystream_tests::{Paystream, current_hub, run_seeds};

/// Number of schedules by default. The nightly checks run many more.
const SCHEDULES: u64 = 250;
const FAULTS_MAX: usize = 5;

/// Requests of a client, and the faults injected meanwhile.
#[derive(Debug)]
struct Schedule {
    seed: u64,
    plan: Plan,
    faults: Vec<Fault>,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan::new(format!("ord-{seed}"), &mut rng);
        let faults = (0..rng.usize(1..=FAULTS_MAX)).map(|_| random_fault(current_hub(), &mut rng)).collect();
        Self { seed, plan, faults }
    }
}

/// Prints how to rerun a schedule that failed.
impl Drop for Schedule {
    #[expect(clippy::print_stderr, reason = "a failing test shows its seed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.seed;
            eprintln!(
                "failed in {} mode: {self:#?}\nrerun: PAYSTREAM_SEED={seed} cargo test -p paystream-tests --test guarantees schedules",
                publish_mode(seed)
            );
        }
    }
}

async fn run(paystream: &Paystream, client: &Client, schedule: &Schedule) {
    let plan = &schedule.plan;
    for fault in &schedule.faults {
        paystream.inject(fault.clone());
    }
    let payment = act(client, plan, |_| {}).await.unwrap_or_else(|error| panic!("{error}"));
    paystream.heal();
    paystream.is_in_both_services_once(&plan.order_id, &serde_json::to_value(&payment).unwrap()).await;
    if publish_mode(schedule.seed) == "direct" {
        paystream.is_published(payment.payment_id.as_str()).await;
    }
    if let Some(order) = plan.order {
        let is_covered = Plan::covering_minor(&payment) >= order.minor;
        Paystream::eventually("the order is settled on the final payment", async || {
            let order = paystream.get(&format!("/orders/{}", plan.order_id)).await.expect(200);
            ((order["status"] == "accepted") == is_covered).then_some(())
        })
        .await;
    }
}

/// Returns the publish mode of a schedule: over Kinesis `direct` for odd seeds, otherwise `stream`.
fn publish_mode(seed: u64) -> &'static str {
    if seed.is_multiple_of(2) || current_hub() != HubKind::Kinesis { "stream" } else { "direct" }
}

/// Runs schedules of one publish mode in one environment, one after the other.
async fn run_all(seeds: Vec<u64>) {
    let parameters = [("PublishMode", publish_mode(seeds[0])), ("PaymentLeaseMs", "200"), ("RelayWindowSeconds", "0")];
    let paystream = Paystream::of_hub(&parameters).await;
    let client = Client::new(Target::local(paystream.environment().url()));
    let mut charged = 0;
    for seed in seeds {
        let schedule = Schedule::new(seed);
        run(&paystream, &client, &schedule).await;
        charged += usize::from(schedule.plan.is_approved());
    }
    paystream.every_version_is_published_in_order().await;
    assert_eq!(paystream.charged().await.len(), charged, "no charge without its payment");
    assert_eq!(paystream.environment().failures().failures.len(), 0, "no batch went to the on-failure destination");
    assert_eq!(paystream.item_count("QuarantineTable").await, 0, "no record was quarantined");
}

#[test]
fn random_schedules_of_faults_kills_and_retries_end_in_the_state_without_faults() {
    run_seeds("PAYSTREAM_SCHEDULES", SCHEDULES, run_all);
}

//! A short run of `paystream chaos`: afterwards both services agree exactly.
#![allow(missing_docs, clippy::unwrap_used)]

use paystream_tests::Paystream;

const PAYMENTS: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_chaos_no_payment_or_order_is_lost_invented_stale_or_stuck() {
    let paystream = Paystream::start_with_parameters(&[("PaymentLeaseMs", "500")]).await;
    let report = paystream_chaos::run(paystream.environment(), PAYMENTS, 1, |_| {}).await.unwrap();
    assert!(report.findings.is_empty(), "{report:#?}");
    assert_eq!(report.payments, PAYMENTS);
    let done = report.disturbances;
    assert!(
        [done.faults, done.outages, done.kills, done.repeated_events, done.poison_records, done.reshards]
            .iter()
            .all(|n| *n > 0)
    );
}

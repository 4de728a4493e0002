//! A short run of `paystream chaos`: afterwards both services agree exactly.
#![allow(missing_docs, clippy::unwrap_used)]

use paystream_chaos::PublishModeName;
use paystream_tests::Paystream;

/// Payments in each publish mode.
const PAYMENTS: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_chaos_no_payment_or_order_is_lost_invented_stale_or_stuck() {
    for mode in [PublishModeName::Direct, PublishModeName::Stream] {
        let parameters = [("PublishMode", mode.as_str()), ("PaymentLeaseMs", "500")];
        let paystream = Paystream::start_with_parameters(&parameters).await;
        let report = paystream_chaos::run(paystream.environment(), None, PAYMENTS, 1, mode, |_| {}).await.unwrap();
        assert!(report.findings.is_empty(), "{mode:?}: {report:#?}");
        assert_eq!(report.payments, PAYMENTS);
        let done = report.disturbances;
        let kinds = [done.faults, done.outages, done.kills, done.repeated_events, done.poison_records, done.reshards];
        assert!(kinds.iter().all(|n| *n > 0), "{done:?}");
        paystream.stop().await;
    }
}

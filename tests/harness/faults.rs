//! Fault injection, and the state that must hold afterwards.

use std::collections::BTreeSet;

use payments::PaymentStore;
use paystream_local::Fault;
use serde_json::Value;

use crate::Paystream;

impl Paystream {
    /// Injects a fault.
    ///
    /// # Panics
    /// If the fault names a target that does not exist.
    pub fn inject(&self, fault: Fault) {
        self.environment().inject(fault).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Removes all faults.
    pub fn heal(&self) {
        self.environment().clear_faults();
    }

    /// Does the same as [`Self::is_in_both_services_once`], and waits until the payment's outbox position is raised, as it
    /// is in `direct` mode.
    ///
    /// # Panics
    /// If this does not hold in time.
    pub async fn is_made_once(&self, order_id: &str, payment: &Value) {
        self.is_in_both_services_once(order_id, payment).await;
        self.is_published(payment["payment_id"].as_str().unwrap_or_else(|| panic!("no id: {payment}"))).await;
    }

    /// Checks that the order has exactly this payment, and that the payment is charged once (unless declined), and the
    /// same in Payments and in Orders' read model.
    ///
    /// # Panics
    /// If this does not hold in time.
    pub async fn is_in_both_services_once(&self, order_id: &str, payment: &Value) {
        let stored = self.get(&format!("/payments?order_id={order_id}")).await.expect(200);
        assert_eq!(stored["payments"], Value::from(vec![payment.clone()]), "the order has exactly this payment");
        let payment_id = payment["payment_id"].as_str().unwrap_or_else(|| panic!("no id: {payment}"));
        // Charges of the simulated processor are visible in the log only. Without a log, the rest is still checked.
        if let Some(log) = self.log().filter(|_| payment["status"] != "declined") {
            Self::eventually(&format!("{payment_id} is charged"), async || {
                log.charged().contains(payment_id).then_some(())
            })
            .await;
        }
        self.payment_arrives(order_id, payment).await;
        let copies = self.get(&format!("/orders/{order_id}/payments")).await.expect(200);
        assert_eq!(copies["payments"].as_array().map(Vec::len), Some(1), "Orders has it once: {copies}");
        for field in ["status", "amount", "captured_minor", "refunded_minor", "version", "updated_at"] {
            assert_eq!(copies["payments"][0][field], payment[field], "{field} of {copies}");
        }
    }

    /// Waits until the payment's outbox position is its version. Over another hub than Kinesis, which has no `direct` mode,
    /// nothing is raised, and there is nothing to wait for.
    ///
    /// # Panics
    /// If the position is not raised in time.
    pub async fn is_published(&self, payment_id: &str) {
        if self.broker().is_some() {
            return;
        }
        let table = self.payments_table();
        let id = payment_id.parse().unwrap_or_else(|error| panic!("{payment_id}: {error}"));
        Self::eventually(&format!("the outbox position of {payment_id} is raised"), async || {
            let record = table.load(&id).await.unwrap_or_else(|error| panic!("{error}"))?;
            (!record.is_due()).then_some(())
        })
        .await;
    }

    /// Idempotency keys that the processor charged. They are payment ids.
    ///
    /// # Panics
    /// If the target's log is not readable.
    pub fn charged(&self) -> BTreeSet<String> {
        self.log().unwrap_or_else(|| panic!("`skip_without` is missing")).charged()
    }
}

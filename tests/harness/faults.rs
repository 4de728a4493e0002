//! Things that go wrong, and what must hold afterwards.

use std::collections::BTreeSet;

use payments::PaymentStore;
use paystream_local::Fault;
use serde_json::Value;

use crate::Paystream;

impl Paystream {
    /// From now on, this goes wrong.
    ///
    /// # Panics
    /// Where there is no such thing.
    pub fn inject(&self, fault: Fault) {
        self.environment().inject(fault).unwrap_or_else(|error| panic!("{error}"));
    }

    /// From now on, nothing goes wrong any more.
    pub fn heal(&self) {
        self.environment().clear_faults();
    }

    /// Checks that the order has this payment and no other, charged once where it was approved, published, and with Orders
    /// as it is with Payments.
    ///
    /// # Panics
    /// Where it is not so, or does not become so.
    pub async fn is_made_once(&self, order_id: &str, payment: &Value) {
        let stored = self.get(&format!("/payments?order_id={order_id}")).await.expect(200);
        assert_eq!(stored["payments"], Value::from(vec![payment.clone()]), "the order has this payment, once");
        let payment_id = payment["payment_id"].as_str().unwrap_or_else(|| panic!("no id: {payment}"));
        // The processor is simulated, and only its log tells. Where that cannot be read, the rest is still checked.
        if let Some(log) = self.log().filter(|_| payment["status"] != "declined") {
            Self::eventually(&format!("{payment_id} is charged"), async || {
                log.charged().contains(payment_id).then_some(())
            })
            .await;
        }
        self.is_published(payment_id).await;
        self.payment_arrives(order_id, payment).await;
        let copies = self.get(&format!("/orders/{order_id}/payments")).await.expect(200);
        assert_eq!(copies["payments"].as_array().map(Vec::len), Some(1), "Orders has it once: {copies}");
        for field in ["status", "amount", "captured_minor", "refunded_minor", "version", "updated_at"] {
            assert_eq!(copies["payments"][0][field], payment[field], "{field} of {copies}");
        }
    }

    /// Waits until nothing of this payment is left to publish.
    ///
    /// # Panics
    /// Where something stays.
    pub async fn is_published(&self, payment_id: &str) {
        let table = self.payments_table();
        let id = payment_id.parse().unwrap_or_else(|error| panic!("{payment_id}: {error}"));
        Self::eventually(&format!("the mark of {payment_id} is cleared"), async || {
            let record = table.load(&id).await.unwrap_or_else(|error| panic!("{error}"))?;
            (!record.unpublished).then_some(())
        })
        .await;
    }

    /// The idempotency keys that the processor charged for, which are the ids of payments.
    ///
    /// # Panics
    /// Where they cannot be told.
    pub fn charged(&self) -> BTreeSet<String> {
        self.log().unwrap_or_else(|| panic!("`skip_without` is missing")).charged()
    }
}

//! Fault injection, and the state that must hold afterwards.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
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
        let is_charged = self.charged().await.contains(payment_id);
        assert_eq!(is_charged, payment["status"] != "declined", "{payment_id} is charged, unless it is declined");
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

    /// Idempotency keys under which the simulated processor holds an amount. They are payment ids.
    ///
    /// # Panics
    /// If the simulator's table cannot be read.
    pub async fn charged(&self) -> BTreeSet<String> {
        let approved = self.charges().await.into_iter().filter(|(_, state)| state == "approved");
        approved.map(|(key, _)| key).collect()
    }

    /// State of each idempotency key at the simulated processor: `approved`, `declined` or `voided`. The keys are payment
    /// ids.
    ///
    /// # Panics
    /// If the simulator's table cannot be read.
    pub async fn charges(&self) -> BTreeMap<String, String> {
        let scan =
            self.dynamodb().scan().table_name(self.physical_name("ProcessorSimulatorTable")).consistent_read(true);
        let charges = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let text = |charge: &HashMap<String, AttributeValue>, name: &str| match charge.get(name) {
            Some(AttributeValue::S(text)) => text.clone(),
            other => panic!("a charge with {name} {other:?}"),
        };
        let charges = charges.unwrap_or_else(|error| panic!("{error:?}")).into_iter();
        charges.map(|charge| (text(&charge, "idempotency_key"), text(&charge, "state"))).collect()
    }
}

//! Access to single payments of the read model, for `paystream reconcile`.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use orders::{PaymentCopy, StoreError};
use payment_events::{OrderId, PaymentId};

use crate::copy_item::{CopyItem, PAYMENT_PREFIX};

/// Single payments of the read model.
#[derive(Debug, Clone)]
pub struct Copies {
    client: Client,
    table: String,
}

impl Copies {
    /// Opens the orders table of this name. `client` must have timeouts configured.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Reads the stored payment with strong consistency. Returns `None` if it does not exist.
    pub async fn load(&self, order_id: &OrderId, payment_id: &PaymentId) -> Result<Option<PaymentCopy>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let output = get.set_key(Some(key(order_id, payment_id))).send().await;
        let Some(item) = output.map_err(|error| self.failed("read", error))?.item else { return Ok(None) };
        let item: CopyItem = serde_dynamo::from_item(item).map_err(|error| self.failed("decode", error))?;
        Ok(Some(item.into()))
    }

    /// Lowers the stored version to `lower`, so that an event of a version between the two replaces the payment. Changes
    /// nothing if the stored version is not `version` (any more).
    ///
    /// If the content differs from Payments in the same version, a replay alone does not repair it: the event would be
    /// stale. Writing the correct content here instead would not settle the order. The content stays until then, so that
    /// no order is settled without the payment.
    pub async fn lower(
        &self,
        order_id: &OrderId,
        payment_id: &PaymentId,
        version: u64,
        lower: u64,
    ) -> Result<(), StoreError> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(order_id, payment_id)));
        let update = update
            .update_expression("SET version = :lower")
            .condition_expression("version = :version")
            .expression_attribute_values(":lower", number(lower))
            .expression_attribute_values(":version", number(version));
        match update.send().await {
            Err(error)
                if !error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Err(self.failed("change", error))
            }
            _ => Ok(()),
        }
    }

    /// Deletes the payment. Changes nothing if the stored version is not `version` (any more).
    pub async fn delete(&self, order_id: &OrderId, payment_id: &PaymentId, version: u64) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key(order_id, payment_id)));
        let delete = delete.condition_expression("version = :version");
        match delete.expression_attribute_values(":version", number(version)).send().await {
            Err(error)
                if !error.as_service_error().is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Err(self.failed("delete", error))
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::Unavailable {
            context: format!("could not {what} a payment in table {}", self.table),
            source: source.into(),
        }
    }
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key(order_id: &OrderId, payment_id: &PaymentId) -> HashMap<String, AttributeValue> {
    let text = |name: &str, value: String| (name.to_owned(), AttributeValue::S(value));
    HashMap::from([text("order_id", order_id.to_string()), text("item", format!("{PAYMENT_PREFIX}{payment_id}"))])
}

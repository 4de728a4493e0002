//! Single copies of payments, for operating the orders table.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use orders::{PaymentCopy, StoreError};
use payment_events::{OrderId, PaymentId};

use crate::copy_item::{CopyItem, PAYMENT_PREFIX};

/// Orders' copies of payments, one by one.
#[derive(Debug, Clone)]
pub struct Copies {
    client: Client,
    table: String,
}

impl Copies {
    /// In the orders table of this name. Every call of `client` must have a timeout.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// The copy of this payment of this order, as of its last write.
    pub async fn load(&self, order_id: &OrderId, payment_id: &PaymentId) -> Result<Option<PaymentCopy>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = get.set_key(Some(key(order_id, payment_id))).send().await;
        let Some(item) = answer.map_err(|error| self.failed("read", error))?.item else { return Ok(None) };
        let item: CopyItem = serde_dynamo::from_item(item).map_err(|error| self.failed("understand", error))?;
        Ok(Some(item.into()))
    }

    /// Makes the copy one version older, so that the event of `version` replaces it when it comes again. Changes nothing
    /// where the copy is not of `version` (any more).
    ///
    /// A copy that says something else than Payments does, in the same version, cannot be mended by the event alone: it is
    /// no news. To write the right content here instead would leave out settling the order.
    pub async fn make_older(&self, order_id: &OrderId, payment_id: &PaymentId, version: u64) -> Result<(), StoreError> {
        let number = |number: u64| AttributeValue::N(number.to_string());
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key(order_id, payment_id)));
        let update = update
            .update_expression("SET version = :older")
            .condition_expression("version = :version")
            .expression_attribute_values(":older", number(version.saturating_sub(1)))
            .expression_attribute_values(":version", number(version));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(self.failed("change", error)),
        }
    }

    fn failed(&self, what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError { context: format!("could not {what} a copy in table {}", self.table), source: source.into() }
    }
}

fn key(order_id: &OrderId, payment_id: &PaymentId) -> HashMap<String, AttributeValue> {
    let text = |name: &str, value: String| (name.to_owned(), AttributeValue::S(value));
    HashMap::from([text("order_id", order_id.to_string()), text("item", format!("{PAYMENT_PREFIX}{payment_id}"))])
}

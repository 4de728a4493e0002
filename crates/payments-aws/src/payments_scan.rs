//! Scan of the whole payments table, for operations. Deployed functions do not use it.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use payment_events::PaymentId;
use payments::{PaymentRecord, StoreError};

use crate::payment_item::PaymentItem;

/// Partition key of the payments table.
const KEY: &str = "payment_id";

/// An item that could not be decoded. It does not stop the scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableItem {
    /// Value of the item's partition key.
    pub key: String,
    /// Reason for the failure.
    pub reason: String,
}

/// One page: a decoded record or an unreadable item each.
pub type PaymentsPage = Vec<Result<PaymentRecord, UnreadableItem>>;

/// A strongly consistent scan of the payments table, page by page. It sees every write that succeeded before the scan
/// started. The order of items is arbitrary, but the same in every scan.
#[derive(Debug)]
pub struct PaymentsScan {
    client: Client,
    table: String,
    page_items_max: i32,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    After(HashMap<String, AttributeValue>),
    Nothing,
}

impl PaymentsScan {
    /// Creates a scan from the start of the table with this name, in pages of at most `page_items_max` payments and 1
    /// MB. `client` must have timeouts.
    pub fn new(client: Client, table: impl Into<String>, page_items_max: i32) -> Self {
        Self { client, table: table.into(), page_items_max, next: Next::First }
    }

    /// Starts after this payment, which may have been deleted.
    #[must_use]
    pub fn after(self, payment_id: &PaymentId) -> Self {
        let key = HashMap::from([(KEY.to_owned(), AttributeValue::S(payment_id.to_string()))]);
        Self { next: Next::After(key), ..self }
    }

    /// Returns the next page, which may be empty, or `None` after the last. After an error, the next call retries the
    /// same page.
    pub async fn next_page(&mut self) -> Result<Option<PaymentsPage>, StoreError> {
        let from = match &self.next {
            Next::First => None,
            Next::After(key) => Some(key.clone()),
            Next::Nothing => return Ok(None),
        };
        let scan = self.client.scan().table_name(&self.table).consistent_read(true).limit(self.page_items_max);
        let page = scan.set_exclusive_start_key(from).send().await.map_err(|error| self.failed(error))?;
        self.next = page.last_evaluated_key.filter(|key| !key.is_empty()).map_or(Next::Nothing, Next::After);
        Ok(Some(page.items.unwrap_or_default().into_iter().map(record).collect()))
    }

    /// Returns the approximate number of payments in the table. DynamoDB updates it every six hours.
    pub async fn count_estimate(&self) -> Result<u64, StoreError> {
        let described = self.client.describe_table().table_name(&self.table).send().await;
        let table = described.map_err(|error| self.failed(error))?.table;
        Ok(table.and_then(|table| table.item_count).and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError { context: format!("could not scan payments in table {}", self.table), source: source.into() }
    }
}

fn record(attributes: HashMap<String, AttributeValue>) -> Result<PaymentRecord, UnreadableItem> {
    let key = attributes.get(KEY).and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
    PaymentItem::from_attributes(attributes)
        .and_then(PaymentItem::into_record)
        .map_err(|error| UnreadableItem { key, reason: error.to_string() })
}

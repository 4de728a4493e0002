//! Reading the whole payments table, for operating it. No function does this.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use payment_events::PaymentId;
use payments::{PaymentRecord, StoreError};

use crate::payment_item::PaymentItem;

/// The key of the payments table.
const KEY: &str = "payment_id";

/// An item that is no payment. It stops no scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableItem {
    /// The id it is stored under.
    pub key: String,
    /// Why it cannot be understood.
    pub reason: String,
}

/// Payments of one page: each understood, or named.
pub type PaymentsPage = Vec<Result<PaymentRecord, UnreadableItem>>;

/// A scan of the payments table, page by page, strongly consistent: it sees every write that was answered before the
/// scan began. It is in no order that means anything, but in the same one every time.
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
    /// From the beginning of the table of this name, in pages of at most `page_items_max` payments and 1 MB. Every call
    /// of `client` must have a timeout.
    pub fn new(client: Client, table: impl Into<String>, page_items_max: i32) -> Self {
        Self { client, table: table.into(), page_items_max, next: Next::First }
    }

    /// From behind this payment on, which may be gone.
    #[must_use]
    pub fn after(self, payment_id: &PaymentId) -> Self {
        let key = HashMap::from([(KEY.to_owned(), AttributeValue::S(payment_id.to_string()))]);
        Self { next: Next::After(key), ..self }
    }

    /// The next page, which may be empty; nothing behind the last. After an error, the same page can be asked for again.
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

    /// About how many payments the table holds: DynamoDB counts them every six hours.
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

//! Scan of the orders table, for operator tools. The functions never scan.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use orders::{Order, PaymentCopy, StoreError};
use serde::de::DeserializeOwned;

use crate::copy_item::{CopyItem, PAYMENT_PREFIX};
use crate::order_item::{ORDER, OrderItem};

/// Item of the orders table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScannedItem {
    /// An order.
    Order(Box<Order>),
    /// A payment of the read model.
    Copy(Box<PaymentCopy>),
}

/// Item that could not be decoded. It does not stop the scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableItem {
    /// Partition key: the order id.
    pub order_id: String,
    /// Sort key: `order`, or `payment#` and the payment's id.
    pub item: String,
    /// Why it could not be decoded.
    pub reason: String,
}

impl UnreadableItem {
    /// Returns the payment id in the sort key, or `None` if the item is an order.
    pub fn payment_id(&self) -> Option<&str> {
        self.item.strip_prefix(PAYMENT_PREFIX)
    }
}

/// Items of one page, decoded or with the reason for the failure. Items with an unknown kind of sort key are skipped.
pub type OrdersPage = Vec<Result<ScannedItem, UnreadableItem>>;

/// Paged, strongly consistent scan of the orders table. It sees every write that completed before the scan began.
#[derive(Debug)]
pub struct OrdersScan {
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

impl OrdersScan {
    /// Starts a scan of the table of this name, in pages of at most `page_items_max` items and 1 MB. `client` must have
    /// timeouts configured.
    pub fn new(client: Client, table: impl Into<String>, page_items_max: i32) -> Self {
        Self { client, table: table.into(), page_items_max, next: Next::First }
    }

    /// Returns the next page, which may be empty, or `None` after the last. After an error, the next call retries the
    /// same page.
    pub async fn next_page(&mut self) -> Result<Option<OrdersPage>, StoreError> {
        let from = match &self.next {
            Next::First => None,
            Next::After(key) => Some(key.clone()),
            Next::Nothing => return Ok(None),
        };
        let scan = self.client.scan().table_name(&self.table).consistent_read(true).limit(self.page_items_max);
        let page = scan.set_exclusive_start_key(from).send().await.map_err(|source| StoreError::Unavailable {
            context: format!("could not scan orders in table {}", self.table),
            source: source.into(),
        })?;
        self.next = page.last_evaluated_key.filter(|key| !key.is_empty()).map_or(Next::Nothing, Next::After);
        Ok(Some(page.items.unwrap_or_default().into_iter().filter_map(scanned).collect()))
    }
}

/// Decodes the item by its sort key. Returns `None` for an unknown kind of sort key.
fn scanned(attributes: HashMap<String, AttributeValue>) -> Option<Result<ScannedItem, UnreadableItem>> {
    let key = |name: &str| attributes.get(name).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
    let (order_id, item) = (key("order_id"), key("item"));
    let read = if item == ORDER {
        parse::<OrderItem>(attributes)
            .and_then(|item| Order::try_from(item).map_err(|error| error.to_string()))
            .map(|order| ScannedItem::Order(Box::new(order)))
    } else if item.starts_with(PAYMENT_PREFIX) {
        parse::<CopyItem>(attributes).map(|item| ScannedItem::Copy(Box::new(item.into())))
    } else {
        return None;
    };
    Some(read.map_err(|reason| UnreadableItem { order_id, item, reason }))
}

fn parse<T: DeserializeOwned>(attributes: HashMap<String, AttributeValue>) -> Result<T, String> {
    serde_dynamo::from_item(attributes).map_err(|error| error.to_string())
}

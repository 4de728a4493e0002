//! Reading the whole orders table, for operating it. No function does this.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use orders::{Order, PaymentCopy, StoreError};
use serde::de::DeserializeOwned;

use crate::copy_item::{CopyItem, PAYMENT_PREFIX};
use crate::order_item::{ORDER, OrderItem};

/// Something of the orders table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScannedItem {
    /// An order.
    Order(Box<Order>),
    /// The copy of a payment.
    Copy(Box<PaymentCopy>),
}

/// An item that is not what its key says. It stops no scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableItem {
    /// The order it is stored under.
    pub order_id: String,
    /// Its sort key: `order`, or `payment#` and the payment's id.
    pub item: String,
    /// Why it cannot be understood.
    pub reason: String,
}

impl UnreadableItem {
    /// The payment whose copy it should be, where it is none of an order.
    pub fn payment_id(&self) -> Option<&str> {
        self.item.strip_prefix(PAYMENT_PREFIX)
    }
}

/// Items of one page: each understood, or named. Kinds that are not known here are not among them.
pub type OrdersPage = Vec<Result<ScannedItem, UnreadableItem>>;

/// A scan of the orders table, page by page, strongly consistent: it sees every write that was answered before the scan
/// began.
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
    /// Of the table of this name, in pages of at most `page_items_max` items and 1 MB. Every call of `client` must have a
    /// timeout.
    pub fn new(client: Client, table: impl Into<String>, page_items_max: i32) -> Self {
        Self { client, table: table.into(), page_items_max, next: Next::First }
    }

    /// The next page, which may be empty; nothing behind the last. After an error, the same page can be asked for again.
    pub async fn next_page(&mut self) -> Result<Option<OrdersPage>, StoreError> {
        let from = match &self.next {
            Next::First => None,
            Next::After(key) => Some(key.clone()),
            Next::Nothing => return Ok(None),
        };
        let scan = self.client.scan().table_name(&self.table).consistent_read(true).limit(self.page_items_max);
        let page = scan.set_exclusive_start_key(from).send().await.map_err(|source| StoreError {
            context: format!("could not scan orders in table {}", self.table),
            source: source.into(),
        })?;
        self.next = page.last_evaluated_key.filter(|key| !key.is_empty()).map_or(Next::Nothing, Next::After);
        Ok(Some(page.items.unwrap_or_default().into_iter().filter_map(scanned).collect()))
    }
}

/// What the item is, by its key; nothing where it is of a kind that is not known here.
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

//! The orders table (M1DB1): an order and its payments under one partition key.
//!
//! One strongly consistent query reads both. Settling an order relies on that.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use orders::{
    Incomplete, Inserted, Order, OrderQueries, OrderStore, OrderView, PAYMENTS_MAX, PaymentCopies, PaymentCopy,
    PaymentPages, PaymentsPage, PlacedOrders, Replaced, StoreError, Stored, Unacceptable,
};
use payment_events::OrderId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::copy_item::{CopyItem, PAYMENT_PREFIX};
use crate::item_size::{ITEM_BYTES_MAX, item_bytes};
use crate::order_item::{ORDER, OrderItem};

/// Maximum number of 1 MB pages read for one order. [`PAYMENTS_MAX`] payments within the contract's bounds take four.
/// Only payments stored before it had bounds are larger.
const PAGES_MAX: usize = 8;

/// Items asked for in a page: the order, the payments, and one more payment, which tells that there are too many.
const PAGE_ITEMS_MAX: i32 = 1_002;
const _: () = assert!(PAYMENTS_MAX + 2 == 1_002);

/// Maximum number of `BatchGetItem` calls per lookup, because DynamoDB may return some keys unprocessed.
const BATCH_READS_MAX: usize = 8;

/// Condition of a payment's write: there is no item, an item without a version, which nothing can read, or an older version.
const IS_OLDER: &str = "attribute_not_exists(version) OR NOT attribute_type(version, :number) OR version < :version";

/// Orders in DynamoDB: one call per write and per page read.
#[derive(Debug, Clone)]
pub struct OrdersTable {
    client: Client,
    table: String,
    /// True once DynamoDB has evaluated the condition of a payment's write.
    payments_are_writable: Arc<AtomicBool>,
}

type Attributes = HashMap<String, AttributeValue>;

impl OrdersTable {
    /// Opens the table of this name. `client` must have timeouts configured.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), payments_are_writable: Arc::default() }
    }

    fn put(&self, item: impl Serialize) -> Result<PutItemFluentBuilder, StoreError> {
        let attributes: Attributes = serde_dynamo::to_item(item).map_err(|error| unacceptable(&error))?;
        let bytes = item_bytes(&attributes);
        if bytes > ITEM_BYTES_MAX {
            let reason = format!("the item would have {bytes} bytes; DynamoDB stores at most {ITEM_BYTES_MAX}");
            return Err(Unacceptable::new(reason).into());
        }
        Ok(self.client.put_item().table_name(&self.table).set_item(Some(attributes)))
    }

    /// Builds a query for items of this order, with its id in `:order_id`.
    fn query(&self, order_id: &OrderId) -> QueryFluentBuilder {
        let order_id = AttributeValue::S(order_id.to_string());
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        query.expression_attribute_values(":order_id", order_id)
    }

    /// Builds a query for the payments of this order.
    fn payments_query(&self, order_id: &OrderId) -> QueryFluentBuilder {
        let prefix = AttributeValue::S(PAYMENT_PREFIX.to_owned());
        let query =
            self.query(order_id).key_condition_expression("order_id = :order_id AND begins_with(#item, :prefix)");
        query.expression_attribute_names("#item", "item").expression_attribute_values(":prefix", prefix)
    }

    /// Reads the items of one order, as many as settlement considers.
    async fn view(&self, query: QueryFluentBuilder) -> Result<OrderView, StoreError> {
        let mut pages = query.limit(PAGE_ITEMS_MAX).into_paginator().send();
        let mut view = OrderView::default();
        for _ in 0..PAGES_MAX {
            let Some(page) = pages.try_next().await.map_err(|error| self.failed("query", error))? else {
                return Ok(view);
            };
            for attributes in page.items.unwrap_or_default() {
                add(&mut view, attributes)?;
            }
            if view.payments.len() > PAYMENTS_MAX {
                break;
            }
        }
        view.payments.truncate(PAYMENTS_MAX);
        view.incomplete = view.incomplete.or(Some(Incomplete::TooMany));
        Ok(view)
    }

    /// Classifies a refused write of a payment. A `ValidationException` may be about the item or about the expression,
    /// which is the same for all payments. It is about the item if another payment's has been evaluated.
    fn refused(&self, error: SdkError<PutItemError>) -> StoreError {
        let is_validation = error.code() == Some("ValidationException");
        if is_validation && self.payments_are_writable.load(Ordering::Relaxed) {
            let message = error.message().unwrap_or("without a message").to_owned();
            return Unacceptable::new(format!("DynamoDB refuses the item: {message}")).into();
        }
        self.failed("write", error)
    }

    fn failed(&self, what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::Unavailable {
            context: format!("could not {what} orders in table {}", self.table),
            source: source.into(),
        }
    }
}

/// Adds an item to the view by its sort key. Skips kinds that a later release may add.
fn add(view: &mut OrderView, attributes: Attributes) -> Result<(), Unacceptable> {
    let key = sort_key(&attributes).to_owned();
    if key == ORDER {
        view.order = Some(decode_order(attributes)?);
    } else if key.starts_with(PAYMENT_PREFIX) {
        match parse::<CopyItem>(attributes) {
            Ok(item) => view.payments.push(item.into()),
            Err(Unacceptable { reason }) => {
                let unreadable = Unacceptable::new(format!("item {key} cannot be decoded: {reason}"));
                view.incomplete.get_or_insert(Incomplete::Unreadable(unreadable));
            }
        }
    }
    Ok(())
}

fn key(order_id: &OrderId, item: String) -> Attributes {
    let text = |name: &str, value: String| (name.to_owned(), AttributeValue::S(value));
    Attributes::from([text("order_id", order_id.to_string()), text("item", item)])
}

fn sort_key(attributes: &Attributes) -> &str {
    attributes.get("item").and_then(|key| key.as_s().ok()).map(String::as_str).unwrap_or_default()
}

fn decode_order(attributes: Attributes) -> Result<Order, Unacceptable> {
    let order = parse::<OrderItem>(attributes)
        .and_then(|item| Order::try_from(item).map_err(|error| Unacceptable::new(error.to_string())));
    order.map_err(|Unacceptable { reason }| Unacceptable::new(format!("the order's item cannot be decoded: {reason}")))
}

fn parse<T: DeserializeOwned>(attributes: Attributes) -> Result<T, Unacceptable> {
    serde_dynamo::from_item(attributes).map_err(|error| unacceptable(&error))
}

fn is_condition_failure(error: &SdkError<PutItemError>) -> bool {
    error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception)
}

fn unacceptable(error: &serde_dynamo::Error) -> Unacceptable {
    Unacceptable::new(error.to_string())
}

#[async_trait]
impl OrderStore for OrdersTable {
    async fn insert(&self, order: &Order) -> Result<Inserted, StoreError> {
        let put = self
            .put(OrderItem::from(order))?
            .condition_expression("attribute_not_exists(order_id)")
            // A repeated request needs the stored order. Returning it with the failure saves a second call.
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(Inserted::New) };
        let known = match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => failed.item().cloned(),
            _ => None,
        };
        match known {
            Some(attributes) => Ok(Inserted::Known(Box::new(decode_order(attributes)?))),
            None => Err(self.failed("write", error)),
        }
    }

    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError> {
        let put = self
            .put(OrderItem::from(order))?
            .condition_expression("revision = :expected")
            .expression_attribute_values(":expected", AttributeValue::N(expected_revision.to_string()));
        match put.send().await {
            Ok(_) => Ok(Replaced::Done),
            Err(error) if is_condition_failure(&error) => Ok(Replaced::Lost),
            Err(error) => Err(self.failed("write", error)),
        }
    }
}

#[async_trait]
impl OrderQueries for OrdersTable {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.view(self.query(order_id).key_condition_expression("order_id = :order_id")).await
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<PlacedOrders, StoreError> {
        let keys = order_ids.iter().map(|order_id| key(order_id, ORDER.to_owned())).collect();
        let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys));
        let keys = keys.build().map_err(|error| self.failed("read", error))?;
        let mut unread = HashMap::from([(self.table.clone(), keys)]);
        let mut placed = PlacedOrders::default();
        for _ in 0..BATCH_READS_MAX {
            let output = self.client.batch_get_item().set_request_items(Some(unread)).send().await;
            let output = output.map_err(|error| self.failed("read", error))?;
            for attributes in output.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                let id = attributes.get("order_id").and_then(|id| id.as_s().ok()).and_then(|id| id.parse().ok());
                match (decode_order(attributes), id) {
                    (Ok(order), _) => placed.orders.push(order),
                    (Err(unacceptable), Some(order_id)) => placed.unreadable.push((order_id, unacceptable)),
                    // The key is the one that was asked for.
                    (Err(unacceptable), None) => return Err(unacceptable.into()),
                }
            }
            unread = output.unprocessed_keys.unwrap_or_default();
            if unread.is_empty() {
                return Ok(placed);
            }
        }
        Err(self.failed("read", format!("DynamoDB left keys unprocessed in {BATCH_READS_MAX} calls")))
    }

    async fn payments(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.view(self.payments_query(order_id)).await
    }
}

#[async_trait]
impl PaymentPages for OrdersTable {
    async fn page(&self, order_id: &OrderId, after: Option<&str>, limit: usize) -> Result<PaymentsPage, StoreError> {
        let start = after.map(|after| key(order_id, format!("{PAYMENT_PREFIX}{after}")));
        // One more tells whether there are more, so that no page is empty.
        let limit_with_next = i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX);
        let query = self.payments_query(order_id).set_exclusive_start_key(start).limit(limit_with_next);
        let output = query.send().await.map_err(|error| self.failed("query", error))?;
        let mut items = output.items.unwrap_or_default();
        let has_more = items.len() > limit || output.last_evaluated_key.is_some();
        items.truncate(limit);
        let last = items.last().and_then(|item| sort_key(item).strip_prefix(PAYMENT_PREFIX));
        let mut page = PaymentsPage { next_after: last.filter(|_| has_more).map(str::to_owned), ..Default::default() };
        for attributes in items {
            match parse::<CopyItem>(attributes) {
                Ok(item) => page.payments.push(item.into()),
                Err(_) => page.unreadable = page.unreadable.saturating_add(1),
            }
        }
        Ok(page)
    }
}

#[async_trait]
impl PaymentCopies for OrdersTable {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        let put = self
            .put(CopyItem::from(payment))?
            .condition_expression(IS_OLDER)
            .expression_attribute_values(":number", AttributeValue::S("N".to_owned()))
            .expression_attribute_values(":version", AttributeValue::N(payment.payment.version.to_string()));
        let stored = match put.send().await {
            Ok(_) => Stored::Newer,
            Err(error) if is_condition_failure(&error) => Stored::Stale,
            Err(error) => return Err(self.refused(error)),
        };
        self.payments_are_writable.store(true, Ordering::Relaxed);
        Ok(stored)
    }
}

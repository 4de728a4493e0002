//! The orders table (M1DB1): an order and its payments under one partition key.
//!
//! One strongly consistent query reads both. Settling an order relies on that.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use orders::{
    Inserted, Order, OrderQueries, OrderStore, OrderView, PaymentCopies, PaymentCopy, Replaced, StoreError, Stored,
};
use payment_events::OrderId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::copy_item::{CopyItem, PAYMENT_PREFIX};
use crate::order_item::{InvalidItem, ORDER, OrderItem};

/// Maximum number of 1 MB pages read for one order, about 40,000 payments. It bounds memory; no real order comes close.
const PAGES_MAX: usize = 16;

/// Maximum number of `BatchGetItem` calls per lookup, because DynamoDB may return some keys unprocessed.
const BATCH_READS_MAX: usize = 8;

/// Orders in DynamoDB: one call per write and per page read.
#[derive(Debug, Clone)]
pub struct OrdersTable {
    client: Client,
    table: String,
}

type Attributes = HashMap<String, AttributeValue>;

/// Outcome of a conditional write.
enum ConditionalPut {
    Written,
    ConditionFailed,
}

impl OrdersTable {
    /// Opens the table of this name. `client` must have timeouts configured.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    fn put(&self, item: impl Serialize) -> Result<PutItemFluentBuilder, StoreError> {
        let attributes: Attributes = serde_dynamo::to_item(item).map_err(|error| self.failed("write", error))?;
        Ok(self.client.put_item().table_name(&self.table).set_item(Some(attributes)))
    }

    /// Sends a conditional write.
    async fn put_if(&self, put: PutItemFluentBuilder) -> Result<ConditionalPut, StoreError> {
        match put.send().await {
            Ok(_) => Ok(ConditionalPut::Written),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(ConditionalPut::ConditionFailed)
            }
            Err(error) => Err(self.failed("write", error)),
        }
    }

    /// Builds a query for items of this order, with its id in `:order_id`.
    fn query(&self, order_id: &OrderId) -> QueryFluentBuilder {
        let order_id = AttributeValue::S(order_id.to_string());
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        query.expression_attribute_values(":order_id", order_id)
    }

    async fn view(&self, order_id: &OrderId, query: QueryFluentBuilder) -> Result<OrderView, StoreError> {
        let mut pages = query.into_paginator().send();
        let mut view = OrderView::default();
        for _ in 0..PAGES_MAX {
            let Some(page) = pages.try_next().await.map_err(|error| self.failed("query", error))? else {
                return Ok(view);
            };
            for attributes in page.items.unwrap_or_default() {
                self.add(&mut view, attributes)?;
            }
        }
        Err(self.failed("query", format!("order {order_id} has more than {PAGES_MAX} pages of payments")))
    }

    /// Adds an item to the view by its sort key. Skips kinds that a later release may add.
    fn add(&self, view: &mut OrderView, attributes: Attributes) -> Result<(), StoreError> {
        let key = attributes.get("item").and_then(|key| key.as_s().ok()).map(String::as_str).unwrap_or_default();
        if key == ORDER {
            view.order = Some(self.order(attributes)?);
        } else if key.starts_with(PAYMENT_PREFIX) {
            view.payments.push(self.parse::<CopyItem>(attributes)?.into());
        }
        Ok(())
    }

    fn order(&self, attributes: Attributes) -> Result<Order, StoreError> {
        Order::try_from(self.parse::<OrderItem>(attributes)?).map_err(|error| self.failed("read", error))
    }

    fn parse<T: DeserializeOwned>(&self, attributes: Attributes) -> Result<T, StoreError> {
        serde_dynamo::from_item(attributes).map_err(|error| self.failed("read", InvalidItem(error.to_string())))
    }

    fn failed(&self, what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError { context: format!("could not {what} orders in table {}", self.table), source: source.into() }
    }
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
            Some(attributes) => Ok(Inserted::Known(Box::new(self.order(attributes)?))),
            None => Err(self.failed("write", error)),
        }
    }

    async fn replace(&self, order: &Order, expected_revision: u64) -> Result<Replaced, StoreError> {
        let put = self
            .put(OrderItem::from(order))?
            .condition_expression("revision = :expected")
            .expression_attribute_values(":expected", AttributeValue::N(expected_revision.to_string()));
        Ok(match self.put_if(put).await? {
            ConditionalPut::Written => Replaced::Done,
            ConditionalPut::ConditionFailed => Replaced::Lost,
        })
    }
}

#[async_trait]
impl OrderQueries for OrdersTable {
    async fn read(&self, order_id: &OrderId) -> Result<OrderView, StoreError> {
        self.view(order_id, self.query(order_id).key_condition_expression("order_id = :order_id")).await
    }

    async fn placed(&self, order_ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        let key = |order_id: &OrderId| {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            HashMap::from([("order_id".to_owned(), text(order_id.as_str())), ("item".to_owned(), text(ORDER))])
        };
        let keys =
            KeysAndAttributes::builder().consistent_read(true).set_keys(Some(order_ids.iter().map(key).collect()));
        let keys = keys.build().map_err(|error| self.failed("read", error))?;
        let mut unread = HashMap::from([(self.table.clone(), keys)]);
        let mut placed = Vec::new();
        for _ in 0..BATCH_READS_MAX {
            let output = self.client.batch_get_item().set_request_items(Some(unread)).send().await;
            let output = output.map_err(|error| self.failed("read", error))?;
            for attributes in output.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                placed.push(self.order(attributes)?);
            }
            unread = output.unprocessed_keys.unwrap_or_default();
            if unread.is_empty() {
                return Ok(placed);
            }
        }
        Err(self.failed("read", format!("DynamoDB left keys unprocessed in {BATCH_READS_MAX} calls")))
    }

    async fn payments(&self, order_id: &OrderId) -> Result<Vec<PaymentCopy>, StoreError> {
        let query =
            self.query(order_id).key_condition_expression("order_id = :order_id AND begins_with(#item, :prefix)");
        let prefix = AttributeValue::S(PAYMENT_PREFIX.to_owned());
        let query = query.expression_attribute_names("#item", "item").expression_attribute_values(":prefix", prefix);
        Ok(self.view(order_id, query).await?.payments)
    }
}

#[async_trait]
impl PaymentCopies for OrdersTable {
    async fn put_if_newer(&self, payment: &PaymentCopy) -> Result<Stored, StoreError> {
        let put = self
            .put(CopyItem::from(payment))?
            .condition_expression("attribute_not_exists(order_id) OR version < :version")
            .expression_attribute_values(":version", AttributeValue::N(payment.payment.version.to_string()));
        Ok(match self.put_if(put).await? {
            ConditionalPut::Written => Stored::Newer,
            ConditionalPut::ConditionFailed => Stored::Stale,
        })
    }
}

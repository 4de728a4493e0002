//! The payments table in DynamoDB, with one item per payment.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use payment_events::{InvalidPaymentId, OrderId, PaymentId};
use payments::{
    Begun, Outbox, PAGE_MAX, Payment, PaymentQueries, PaymentRecord, PaymentStore, PaymentsPage, Refusal, Replaced,
    StoreError,
};

use crate::payment_item::PaymentItem;
use crate::refusal_item::RefusalItem;

/// Global secondary index of payments by order. It projects keys only.
const BY_ORDER: &str = "by_order";
/// Maximum number of `BatchGetItem` calls for the keys that DynamoDB left unprocessed.
const BATCH_GET_ROUNDS_MAX: usize = 5;

/// Payments in DynamoDB. Each write is one call.
#[derive(Debug, Clone)]
pub struct PaymentsTable {
    client: Client,
    table: String,
}

impl PaymentsTable {
    /// Creates an adapter to the table with this name. `client` must have timeouts.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Puts a record if the condition holds. If it does not, DynamoDB returns the stored record with the failure, without
    /// a second call.
    async fn put_if(
        &self,
        record: &PaymentRecord,
        condition: impl FnOnce(PutItemFluentBuilder) -> PutItemFluentBuilder,
    ) -> Result<Replaced, StoreError> {
        let attributes =
            PaymentItem::from(record.clone()).into_attributes().map_err(|error| self.failed("write", error))?;
        let put = condition(self.client.put_item().table_name(&self.table).set_item(Some(attributes)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(Replaced::Done) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => self.not_replaced(failed),
            _ => Err(self.failed("write", error)),
        }
    }

    /// Returns the outcome of a write whose condition failed.
    fn not_replaced(&self, failed: &ConditionalCheckFailedException) -> Result<Replaced, StoreError> {
        match failed.item() {
            Some(attributes) => Ok(Replaced::Lost(Box::new(self.record(attributes.clone())?))),
            None => Ok(Replaced::Missing),
        }
    }

    async fn get(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let result = get.key("payment_id", text(payment_id.as_str())).send().await;
        let item = result.map_err(|error| self.failed("read", error))?.item;
        item.map(|attributes| self.record(attributes)).transpose()
    }

    fn record(&self, attributes: HashMap<String, AttributeValue>) -> Result<PaymentRecord, StoreError> {
        PaymentItem::from_attributes(attributes)
            .and_then(PaymentItem::into_record)
            .map_err(|error| self.failed("read", error))
    }

    fn failed(&self, what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError { context: format!("could not {what} payments in table {}", self.table), source: source.into() }
    }

    /// Returns the ids of an order's payments after `after`, at most `limit`, in their order, and whether there are more.
    async fn ids_by_order(
        &self,
        order_id: &OrderId,
        after: Option<&PaymentId>,
        limit: usize,
    ) -> Result<(Vec<PaymentId>, bool), StoreError> {
        let key = |after: &PaymentId| {
            let pair = |name: &str, value: &str| (name.to_owned(), text(value));
            HashMap::from([pair("order_id", order_id.as_str()), pair("payment_id", after.as_str())])
        };
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_ORDER)
            .key_condition_expression("order_id = :order_id")
            .expression_attribute_values(":order_id", text(order_id.as_str()))
            .set_exclusive_start_key(after.map(key))
            // One more tells whether there are more, so that no page is empty.
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX));
        let output = query.send().await.map_err(|error| self.failed("query", error))?;
        let stopped_early = output.last_evaluated_key.is_some();
        let id = |item: HashMap<String, AttributeValue>| {
            let id = item.get("payment_id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
            id.parse().map_err(|error: InvalidPaymentId| self.failed("read", error))
        };
        let mut ids = output.items.unwrap_or_default().into_iter().map(id).collect::<Result<Vec<_>, _>>()?;
        let has_more = ids.len() > limit || stopped_early;
        ids.truncate(limit);
        Ok((ids, has_more))
    }

    /// Reads the payments with these ids, at most [`PAGE_MAX`], strongly consistent.
    async fn get_all(&self, ids: &[PaymentId]) -> Result<Vec<Payment>, StoreError> {
        let keys = ids.iter().map(|id| HashMap::from([("payment_id".to_owned(), text(id.as_str()))])).collect();
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let mut unread = HashMap::from([(self.table.clone(), keys.map_err(|error| self.failed("read", error))?)]);
        let mut payments = Vec::with_capacity(ids.len());
        for _ in 0..BATCH_GET_ROUNDS_MAX {
            let response = self.client.batch_get_item().set_request_items(Some(unread)).send().await;
            let response = response.map_err(|error| self.failed("read", error))?;
            for item in response.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                payments.push(self.record(item)?.payment);
            }
            unread = response.unprocessed_keys.unwrap_or_default();
            if unread.is_empty() {
                return Ok(payments);
            }
        }
        Err(self.failed("read", "DynamoDB repeatedly left keys unprocessed"))
    }
}

#[async_trait]
impl PaymentStore for PaymentsTable {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        let put = self.put_if(record, |put| put.condition_expression("attribute_not_exists(payment_id)"));
        Ok(match put.await? {
            Replaced::Done => Begun::New,
            Replaced::Lost(stored) => Begun::Known(stored),
            // The condition only fails on a stored item.
            Replaced::Missing => return Err(self.failed("write", "DynamoDB did not return the stored payment")),
        })
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        self.get(payment_id).await
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        let (condition, values) = is_still(known);
        self.put_if(next, |put| put.condition_expression(condition).set_expression_attribute_values(Some(values))).await
    }

    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError> {
        let (condition, mut values) = is_still(known);
        let refusal = serde_dynamo::to_attribute_value(RefusalItem::from(refusal.clone()));
        let refusal: AttributeValue = refusal.map_err(|error| self.failed("write", error))?;
        values.insert(":refusal".to_owned(), AttributeValue::L(vec![refusal]));
        values.insert(":none".to_owned(), AttributeValue::L(Vec::new()));
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("payment_id", text(known.payment.payment_id.as_str()))
            .update_expression("SET refusals = list_append(if_not_exists(refusals, :none), :refusal)")
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = update.send().await else { return Ok(Replaced::Done) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => self.not_replaced(failed),
            _ => Err(self.failed("write", error)),
        }
    }
}

/// Returns the condition that the stored item is still `known`, with its values: each write changes the version, the
/// lease holder or the number of refusals, except those that release a lease or raise the position.
fn is_still(known: &PaymentRecord) -> (&'static str, HashMap<String, AttributeValue>) {
    let mut values = HashMap::from([
        (":version".to_owned(), AttributeValue::N(known.payment.version.to_string())),
        (":holder".to_owned(), text(known.lease.holder.as_str())),
    ]);
    if known.refusals.is_empty() {
        return ("version = :version AND lease_holder = :holder AND attribute_not_exists(refusals)", values);
    }
    values.insert(":refusals".to_owned(), AttributeValue::N(known.refusals.len().to_string()));
    ("version = :version AND lease_holder = :holder AND size(refusals) = :refusals", values)
}

#[async_trait]
impl PaymentQueries for PaymentsTable {
    async fn find(&self, payment_id: &PaymentId) -> Result<Option<Payment>, StoreError> {
        Ok(self.get(payment_id).await?.map(|record| record.payment))
    }

    async fn find_by_order(
        &self,
        order_id: &OrderId,
        after: Option<&PaymentId>,
        limit: usize,
    ) -> Result<PaymentsPage, StoreError> {
        let (ids, has_more) = self.ids_by_order(order_id, after, limit.min(PAGE_MAX)).await?;
        let mut payments = if ids.is_empty() { Vec::new() } else { self.get_all(&ids).await? };
        payments.sort_by(|a, b| a.payment_id.cmp(&b.payment_id));
        Ok(PaymentsPage { payments, next_after: ids.into_iter().next_back().filter(|_| has_more) })
    }
}

#[async_trait]
impl Outbox for PaymentsTable {
    async fn raise_position(&self, payment_id: &PaymentId, version: u64) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("payment_id", text(payment_id.as_str()))
            .update_expression("SET published_version = :version")
            // An erased payment has no version, so the condition fails and no item is created.
            .condition_expression(
                "version >= :version AND (attribute_not_exists(published_version) OR published_version < :version)",
            )
            .expression_attribute_values(":version", AttributeValue::N(version.to_string()));
        match update.send().await {
            Ok(_) => Ok(()),
            // The position is there already, or the payment is gone.
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            Err(error) => Err(self.failed("raise the position of", error)),
        }
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

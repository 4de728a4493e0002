//! Charges of the simulated payment processor in DynamoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use payment_events::{Decline, PaymentId, Timestamp};
use payments::{Outcome, SimulatedCharge, SimulatedCharges, StoreError};
use serde::{Deserialize, Serialize};

/// Partition key of the table.
const KEY: &str = "idempotency_key";
/// Attribute of DynamoDB's time to live.
const EXPIRES_AT: &str = "expires_at";
/// Time for which a charge is kept, in seconds: a year. It is longer than the time for which a failed batch of the recovery
/// can be redriven, 90 days: an undecided payment must find its charge.
const KEPT_S: i64 = 365 * 24 * 3_600;

/// The simulator's own table, as a real processor has a database of its own. It has one item per idempotency key, of at
/// most a few hundred bytes.
#[derive(Debug, Clone)]
pub struct SimulatorTable {
    client: Client,
    table: String,
}

/// State of a key, beside the key itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum ChargeItem {
    Approved,
    Declined(Decline),
    Voided,
}

impl SimulatorTable {
    /// Creates an adapter to the table with this name. `client` must have timeouts.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    fn put(&self, key: &PaymentId, charge: &SimulatedCharge) -> Result<PutItemFluentBuilder, StoreError> {
        let item = ChargeItem::from(charge.clone());
        let attributes: HashMap<_, _> = serde_dynamo::to_item(item).map_err(|error| self.failed("write", error))?;
        let expires_at = (Timestamp::now().unix_ms() / 1_000).saturating_add(KEPT_S);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(attributes));
        Ok(put.item(KEY, text(key)).item(EXPIRES_AT, AttributeValue::N(expires_at.to_string())))
    }

    fn charge(&self, attributes: HashMap<String, AttributeValue>) -> Result<SimulatedCharge, StoreError> {
        let item: ChargeItem = serde_dynamo::from_item(attributes).map_err(|error| self.failed("read", error))?;
        Ok(item.into())
    }

    fn failed(&self, what: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError { context: format!("could not {what} a charge in table {}", self.table), source: source.into() }
    }
}

#[async_trait]
impl SimulatedCharges for SimulatorTable {
    async fn add(&self, key: &PaymentId, charge: &SimulatedCharge) -> Result<SimulatedCharge, StoreError> {
        let put = self
            .put(key, charge)?
            .condition_expression("attribute_not_exists(idempotency_key)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(charge.clone()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
                Some(attributes) => self.charge(attributes.clone()),
                None => Err(self.failed("write", "DynamoDB did not return the stored charge")),
            },
            _ => Err(self.failed("write", error)),
        }
    }

    async fn find(&self, key: &PaymentId) -> Result<Option<SimulatedCharge>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true).key(KEY, text(key));
        let item = get.send().await.map_err(|error| self.failed("read", error))?.item;
        item.map(|attributes| self.charge(attributes)).transpose()
    }

    async fn void(&self, key: &PaymentId) -> Result<(), StoreError> {
        let put = self.put(key, &SimulatedCharge::Voided)?;
        put.send().await.map(|_| ()).map_err(|error| self.failed("void", error))
    }
}

impl From<SimulatedCharge> for ChargeItem {
    fn from(charge: SimulatedCharge) -> Self {
        match charge {
            SimulatedCharge::Decided(Outcome::Approved) => Self::Approved,
            SimulatedCharge::Decided(Outcome::Declined(decline)) => Self::Declined(decline),
            SimulatedCharge::Voided => Self::Voided,
        }
    }
}

impl From<ChargeItem> for SimulatedCharge {
    fn from(item: ChargeItem) -> Self {
        match item {
            ChargeItem::Approved => Self::Decided(Outcome::Approved),
            ChargeItem::Declined(decline) => Self::Decided(Outcome::Declined(decline)),
            ChargeItem::Voided => Self::Voided,
        }
    }
}

fn text(key: &PaymentId) -> AttributeValue {
    AttributeValue::S(key.to_string())
}

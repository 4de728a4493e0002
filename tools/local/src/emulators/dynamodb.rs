//! DynamoDB emulator: crate `dynoxide-rs`, in memory or in a file.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use dynoxide::Database;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{EmulatorError, dynamodb_api, stream_index};
use crate::REGION;
use crate::template::TableSpec;

/// Interval at which items past their time to live are removed.
const TTL_SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// Region in the ARNs of the emulator.
const EMULATED_REGION: &str = "dynoxide";

/// DynamoDB emulator. Its calls block, but only briefly.
#[derive(Clone)]
pub(crate) struct DynamoDb {
    database: Database,
}

impl DynamoDb {
    /// Opens the database in a file, or an empty one in memory.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, EmulatorError> {
        let refused = |error: &dyn ToString| EmulatorError::new("open", &error.to_string());
        let database = match file {
            Some(file) => stream_index::open(file),
            None => stream_index::in_memory(),
        }
        .map_err(|error| refused(&error))?;
        // Despite its name, this sets `synchronous` to NORMAL and leaves the other settings at their defaults, so that
        // writes do not wait for the disk. A killed process loses nothing; a power failure may lose the last writes.
        database.disable_bulk_loading().map_err(|error| refused(&error))?;
        Ok(Self { database })
    }

    /// Returns the router that serves the emulator over HTTP.
    pub(crate) fn router(&self) -> Router {
        dynamodb_api::router(self.database.clone())
    }

    /// Removes expired items once a minute; never completes.
    pub(crate) async fn sweep(self) {
        loop {
            tokio::time::sleep(TTL_SWEEP_INTERVAL).await;
            let database = self.database.clone();
            // A failed sweep is retried a minute later.
            let _ = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        }
    }

    /// Creates a table unless it exists, and sets its time to live.
    pub(crate) fn create_table(&self, table: &TableSpec) -> Result<(), EmulatorError> {
        if self.describe(&table.name).is_err() {
            call("CreateTable", table.create.clone(), |request| self.database.create_table(request))?;
        }
        if let Some(request) = &table.time_to_live {
            call("UpdateTimeToLive", request.clone(), |request| self.database.update_time_to_live(request))?;
        }
        Ok(())
    }

    /// Returns the number of items in a table.
    pub(crate) fn item_count(&self, table: &str) -> Option<u64> {
        let stats = self.database.table_stats().ok()?;
        let stats = stats.into_iter().find(|stats| stats.table_name == table)?;
        u64::try_from(stats.item_count).ok()
    }

    fn describe(&self, table: &str) -> Result<Value, EmulatorError> {
        call("DescribeTable", json!({"TableName": table}), |request| self.database.describe_table(request))
    }

    /// Returns the ARN of a table's stream, in the local region. The emulator accepts any region in an ARN.
    pub(crate) fn stream_arn(&self, table: &str) -> Result<String, EmulatorError> {
        let description = self.describe(table)?;
        match description["Table"]["LatestStreamArn"].as_str() {
            Some(arn) => Ok(arn.replacen(EMULATED_REGION, REGION, 1)),
            None => Err(EmulatorError::new("DescribeTable", &format!("table {table} has no stream"))),
        }
    }

    /// Returns the shard ids of a stream.
    pub(crate) fn shards(&self, stream_arn: &str) -> Result<Vec<String>, EmulatorError> {
        let request = json!({"StreamArn": stream_arn});
        let answer = call("DescribeStream", request, |request| self.database.describe_stream(request))?;
        let shards = answer["StreamDescription"]["Shards"].as_array().into_iter().flatten();
        Ok(shards.filter_map(|shard| shard["ShardId"].as_str().map(str::to_owned)).collect())
    }

    pub(crate) fn shard_iterator(&self, request: Value) -> Result<String, EmulatorError> {
        let answer = call("GetShardIterator", request, |request| self.database.get_shard_iterator(request))?;
        Ok(answer["ShardIterator"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn records(&self, iterator: &str, limit: usize) -> Result<Value, EmulatorError> {
        let request = json!({"ShardIterator": iterator, "Limit": limit});
        let mut answer = call("GetRecords", request, |request| self.database.get_records(request))?;
        for record in answer["Records"].as_array_mut().into_iter().flatten() {
            record["awsRegion"] = REGION.into();
        }
        Ok(answer)
    }
}

/// Makes a call with request and response as JSON of the API, so that this module needs no copies of its types.
fn call<Q: DeserializeOwned, A: Serialize>(
    name: &'static str,
    request: Value,
    run: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> Result<Value, EmulatorError> {
    let request = serde_json::from_value(request).map_err(|error| EmulatorError::new(name, &error))?;
    let answer = run(request).map_err(|error| EmulatorError::new(name, &error))?;
    serde_json::to_value(answer).map_err(|error| EmulatorError::new(name, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(key: &str) -> TableSpec {
        let create = json!({
            "TableName": "OrdersTable", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "order_id", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        });
        TableSpec {
            logical_id: "OrdersTable".to_owned(),
            name: "OrdersTable".to_owned(),
            line: 1,
            create,
            time_to_live: None,
        }
    }

    #[test]
    fn an_existing_table_is_kept() {
        let dynamodb = DynamoDb::open(None).unwrap();
        dynamodb.create_table(&table("order_id")).unwrap();
        let put =
            serde_json::from_value(json!({"TableName": "OrdersTable", "Item": {"order_id": {"S": "ord-1"}}})).unwrap();
        dynamodb.database.put_item(put).unwrap();
        dynamodb.create_table(&table("order_id")).unwrap();
        assert_eq!(dynamodb.item_count("OrdersTable"), Some(1));
    }

    #[test]
    fn a_table_stream_has_the_local_region() {
        let dynamodb = DynamoDb::open(None).unwrap();
        dynamodb.create_table(&table("order_id")).unwrap();
        let arn = dynamodb.stream_arn("OrdersTable").unwrap();
        assert!(arn.starts_with("arn:aws:dynamodb:us-east-1:000000000000:table/OrdersTable/stream/"), "{arn}");
        assert_eq!(dynamodb.shards(&arn).unwrap().len(), 1);
    }

    #[test]
    fn a_failed_table_creation_names_the_call() {
        let error = DynamoDb::open(None).unwrap().create_table(&table("other")).unwrap_err();
        assert!(error.to_string().starts_with("CreateTable: "), "{error}");
    }
}

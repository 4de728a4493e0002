//! The projector as deployed, connected over TCP to an embedded DynamoDB, and its raw tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use order_projector::Projector;
use orders::{PlaceOrder, ProjectPayments, Settle};
use orders_aws::OrdersTable;
use paystream_client::emulator;
use paystream_local::{Emulators, Template};
use quarantine::{Quarantine, QuarantineError, QuarantineTable, QuarantinedRecord, RecordId};
use stream_batch::{BatchResponse, HubEvent, HubPosition, KinesisEvent, KinesisRecord};
use telemetry::Metrics;

pub(crate) const ORDERS_TABLE: &str = "OrdersTable";
const QUARANTINE_TABLE: &str = "QuarantineTable";
const SHARD: &str = "shardId-000000000000";

pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) struct World {
    _emulators: Emulators,
    pub(crate) client: Client,
    pub(crate) place: PlaceOrder,
    projector: Projector,
    stored: Arc<Ids>,
}

/// The quarantine table, and the ids that the projector stored in it.
struct Ids {
    table: QuarantineTable,
    ids: Mutex<Vec<RecordId>>,
}

#[async_trait]
impl Quarantine for Ids {
    async fn store(&self, record: &QuarantinedRecord) -> Result<(), QuarantineError> {
        self.table.store(record).await?;
        self.ids.lock().unwrap().push(record.id.clone());
        Ok(())
    }
}

/// A record of a batch.
pub(crate) struct Given {
    pub(crate) sequence_number: u64,
    pub(crate) partition_key: String,
    pub(crate) data: Vec<u8>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
        let emulators = Emulators::start(Template::load(template.as_ref(), &[].into()).unwrap()).await.unwrap();
        let client = Client::new(&emulator(emulators.dynamodb_url()));
        let table = Arc::new(OrdersTable::new(client.clone(), ORDERS_TABLE));
        let table_of_ids = QuarantineTable::new(client.clone(), QUARANTINE_TABLE);
        let stored = Arc::new(Ids { table: table_of_ids, ids: Mutex::default() });
        let settle = Settle::new(table.clone(), table.clone());
        let project = ProjectPayments::new(table.clone(), settle);
        let projector = Projector::new(project, stored.clone(), Metrics::new("projector", |_| {}));
        Self { _emulators: emulators, client, place: PlaceOrder::new(table.clone(), table), projector, stored }
    }

    /// Delivers a batch of one shard.
    pub(crate) async fn deliver(&self, batch: &[&Given]) -> BatchResponse<HubPosition> {
        let records = batch.iter().map(|given| KinesisRecord {
            shard_id: SHARD.to_owned(),
            sequence_number: given.sequence_number.to_string(),
            partition_key: given.partition_key.clone(),
            data: given.data.clone(),
            arrived_at_unix_ms: None,
        });
        self.deliver_event(KinesisEvent { records: records.collect() }.into()).await
    }

    /// Delivers an event. Panics if the invocation fails.
    pub(crate) async fn deliver_event(&self, event: HubEvent) -> BatchResponse<HubPosition> {
        self.projector.handle(event, SystemTime::now() + Duration::from_mins(10)).await.unwrap()
    }

    /// Returns the ids that were stored in quarantine since the last call; a redelivered record has its id again.
    pub(crate) fn take_ids(&self) -> Vec<RecordId> {
        std::mem::take(&mut *self.stored.ids.lock().unwrap())
    }

    /// Returns the raw item of the orders table.
    pub(crate) async fn item(&self, order_id: &str, item: &str) -> Option<Attributes> {
        let get = self.client.get_item().table_name(ORDERS_TABLE).consistent_read(true);
        get.key("order_id", S(order_id.to_owned())).key("item", S(item.to_owned())).send().await.unwrap().item
    }

    /// Writes a raw item to the orders table.
    pub(crate) async fn put(&self, item: Attributes) {
        self.client.put_item().table_name(ORDERS_TABLE).set_item(Some(item)).send().await.unwrap();
    }

    /// Returns the data of a quarantined record, assembled from its raw parts.
    pub(crate) async fn quarantined(&self, record: &str) -> Option<Vec<u8>> {
        let query = self.client.query().table_name(QUARANTINE_TABLE).key_condition_expression("#record = :record");
        let query = query.expression_attribute_names("#record", "record");
        let query = query.expression_attribute_values(":record", S(record.to_owned()));
        let parts: Vec<_> = query.into_paginator().items().send().collect::<Result<_, _>>().await.unwrap();
        let count = parts.first()?.get("parts")?.as_n().ok()?.clone();
        assert_eq!(count, parts.len().to_string(), "{record} is complete");
        Some(parts.iter().flat_map(|part| part["data"].as_b().unwrap().as_ref().to_vec()).collect())
    }

    pub(crate) async fn quarantined_at(&self, sequence_number: u64) -> Option<Vec<u8>> {
        self.quarantined(&format!("{SHARD}#{sequence_number}")).await
    }
}

/// Values of every other type than the attribute's own, and `None` for an attribute that is missing.
pub(crate) fn wrong_values(attribute: &AttributeValue) -> Vec<Option<AttributeValue>> {
    let values = [
        S("\u{fffd}".to_owned()),
        S(String::new()),
        N("-1".to_owned()),
        N("99999999999999999999999999999999999999".to_owned()),
        N("1.5".to_owned()),
        AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new([0xff])),
        AttributeValue::Bool(true),
        AttributeValue::Null(true),
        AttributeValue::L(vec![N("1".to_owned())]),
        AttributeValue::M(HashMap::from([("minor".to_owned(), S("1".to_owned()))])),
        AttributeValue::Ss(vec!["a".to_owned()]),
    ];
    let wrong = values.into_iter().filter(|value| value != attribute).map(Some);
    wrong.chain([None]).collect()
}

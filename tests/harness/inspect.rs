//! Direct access to the log and to tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use paystream_hubs::relay_of;
use paystream_local::{EventSourceStatus, HubKind};
use serde_json::Value;

use crate::Paystream;
use crate::hub::Broker;

/// Bytes of one part of a quarantined record, and in the first part the number of parts.
type Part = (Vec<u8>, Option<usize>);

/// Items of one `BatchWriteItem`.
const BATCH_WRITE_MAX: usize = 25;

impl Paystream {
    /// Stores copies of a payment's item in both tables, under ids that sort before every id that Payments assigns.
    /// Their outbox position is their version, so no event follows.
    ///
    /// # Panics
    /// If a table does not have the payment, or cannot be written.
    pub async fn copy_payment(&self, payment: &Value, copies: usize) {
        let text = |field: &str| AttributeValue::S(payment[field].as_str().unwrap_or_default().to_owned());
        let of_payments = HashMap::from([("payment_id".to_owned(), text("payment_id"))]);
        let item = AttributeValue::S(format!("payment#{}", payment["payment_id"].as_str().unwrap_or_default()));
        let of_orders = HashMap::from([("order_id".to_owned(), text("order_id")), ("item".to_owned(), item)]);
        for (table, key) in [("PaymentsTable", of_payments), ("OrdersTable", of_orders)] {
            self.copy_item(self.physical_name(table), key, copies).await;
        }
    }

    async fn copy_item(&self, table: &str, key: HashMap<String, AttributeValue>, copies: usize) {
        let dynamodb = self.dynamodb();
        let found = dynamodb.get_item().table_name(table).set_key(Some(key)).consistent_read(true).send().await;
        let found = found.unwrap_or_else(|error| panic!("{error:?}"));
        let item = found.item.unwrap_or_else(|| panic!("{table} does not have the payment"));
        let copy = |number: usize| {
            let payment_id = format!("pay_{number:0>26}");
            let mut item = item.clone();
            if item.contains_key("item") {
                item.insert("item".to_owned(), AttributeValue::S(format!("payment#{payment_id}")));
            }
            item.insert("payment_id".to_owned(), AttributeValue::S(payment_id));
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap_or_else(|error| panic!("{error}"));
            WriteRequest::builder().put_request(put).build()
        };
        let writes: Vec<_> = (0..copies).map(copy).collect();
        for writes in writes.chunks(BATCH_WRITE_MAX) {
            let written = dynamodb.batch_write_item().request_items(table, writes.to_vec()).send().await;
            let unprocessed = written.unwrap_or_else(|error| panic!("{error:?}")).unprocessed_items;
            assert!(unprocessed.is_none_or(|items| items.is_empty()), "{table} was written in part");
        }
    }

    /// Version of each published payment in the payments table, by id.
    ///
    /// # Panics
    /// If the table cannot be read, or an item has no version.
    pub async fn payment_versions(&self) -> BTreeMap<String, u64> {
        let scan = self.dynamodb().scan().table_name(self.physical_name("PaymentsTable")).consistent_read(true);
        let items = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let items = items.unwrap_or_else(|error| panic!("{error:?}"));
        let version = |item: HashMap<String, AttributeValue>| {
            let id = item["payment_id"].as_s().ok()?.clone();
            Some((id, item["version"].as_n().ok()?.parse().ok()?))
        };
        let versions = items.into_iter().map(|item| version(item).unwrap_or_else(|| panic!("no id or version")));
        versions.filter(|(_, version)| *version > 0).collect()
    }

    /// Status and code of the decline of each payment in the payments table, by id.
    ///
    /// # Panics
    /// If the table cannot be read, or an item has no status.
    pub async fn statuses(&self) -> BTreeMap<String, (String, Option<String>)> {
        let scan = self.dynamodb().scan().table_name(self.physical_name("PaymentsTable")).consistent_read(true);
        let items = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let status = |item: HashMap<String, AttributeValue>| {
            let decline = item.get("decline").and_then(|decline| decline.as_m().ok()?.get("code")?.as_s().ok());
            Some((item["payment_id"].as_s().ok()?.clone(), (item["status"].as_s().ok()?.clone(), decline.cloned())))
        };
        let items = items.unwrap_or_else(|error| panic!("{error:?}")).into_iter();
        items.map(|item| status(item).unwrap_or_else(|| panic!("no id or status"))).collect()
    }

    /// Logical id of the relay, which has a function for each hub.
    pub fn relay(&self) -> &'static str {
        relay_of(self.broker().map_or(HubKind::Kinesis, Broker::kind))
    }

    /// Status of the relay's event source mapping.
    ///
    /// # Panics
    /// If the template has no such mapping.
    pub async fn relay_status(&self) -> EventSourceStatus {
        let status = self.environment().status().await;
        let mut sources = status.event_sources.into_values();
        sources.find(|source| source.function == self.relay()).unwrap_or_else(|| panic!("no mapping of the relay"))
    }

    /// Lines that the functions and the environment have logged.
    ///
    /// # Panics
    /// If there were more lines than the harness keeps, or the log is not readable.
    pub fn log_lines(&self) -> Vec<String> {
        self.log().unwrap_or_else(|| panic!("`skip_without` is missing")).lines()
    }

    /// All items of a table, as text.
    ///
    /// # Panics
    /// If the template has no such table, or it does not fit in one page.
    pub async fn table_text(&self, table: &str) -> String {
        let scan = self.dynamodb().scan().table_name(self.physical_name(table)).send().await;
        let read = scan.unwrap_or_else(|error| panic!("{error:?}"));
        assert!(read.last_evaluated_key().is_none(), "{table} does not fit in one page");
        format!("{:?}", read.items())
    }

    /// Quarantined records with this partition key, assembled from their parts, in the order of their ids. Over RabbitMQ
    /// all records: Lambda's event has no routing key.
    ///
    /// # Panics
    /// If a record is incomplete, or the table cannot be read.
    pub async fn quarantined(&self, partition_key: &str) -> Vec<Vec<u8>> {
        let scan = self.dynamodb().scan().table_name(self.physical_name("QuarantineTable")).into_paginator();
        let items: Result<Vec<_>, _> = scan.items().send().collect().await;
        let mut records: BTreeMap<String, BTreeMap<usize, Part>> = BTreeMap::new();
        let mut wanted = BTreeSet::new();
        let has_keys = self.broker().map(Broker::kind) != Some(HubKind::RabbitMq);
        for item in items.unwrap_or_else(|error| panic!("{error:?}")) {
            let number = |name: &str| item.get(name)?.as_n().ok()?.parse::<usize>().ok();
            let text = |name: &str| item.get(name)?.as_s().ok();
            let data = item.get("data").and_then(|data| data.as_b().ok());
            let (Some(record), Some(part), Some(data)) = (text("record"), number("part"), data) else {
                panic!("not a part of a record: {item:?}");
            };
            if !has_keys || text("partition_key").is_some_and(|key| key == partition_key) {
                wanted.insert(record.clone());
            }
            let parts = records.entry(record.clone()).or_default();
            parts.insert(part, (data.as_ref().to_vec(), number("parts")));
        }
        records.retain(|record, _| wanted.contains(record));
        let whole = records.into_values().map(|parts| {
            let count = parts.get(&0).and_then(|(_, count)| *count);
            assert_eq!(count, Some(parts.len()), "number of parts, from part 0");
            parts.into_values().flat_map(|(data, _)| data).collect()
        });
        whole.collect()
    }
}

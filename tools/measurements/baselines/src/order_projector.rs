//! Baseline of `order-projector`: stores each payment of a batch conditionally and looks up the orders.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use aws_types::SdkConfig;
use data_encoding::BASE64;
use futures::{StreamExt, TryStreamExt, stream};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clients::dynamodb;
use crate::items::{Item, NOW, item, money, number, text};

const TABLE: &str = "OrdersTable";
/// Condition of a payment's write, as in the projector.
const IS_OLDER: &str = "attribute_not_exists(version) OR NOT attribute_type(version, :number) OR version < :version";
/// Concurrent calls, as in the projector.
const CONCURRENCY: usize = 32;
/// Maximum keys per `BatchGetItem`.
const KEYS_MAX: usize = 100;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    kinesis: Kinesis,
}

#[derive(Deserialize)]
struct Kinesis {
    data: String,
}

#[derive(Deserialize)]
struct Event {
    data: Info,
}

#[derive(Deserialize)]
struct Info {
    payment_id: String,
    order_id: String,
    status: String,
    amount: Amount,
    captured_minor: i64,
    refunded_minor: i64,
    version: i64,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct Amount {
    minor: i64,
    currency: String,
}

pub(crate) async fn run(aws: &SdkConfig) -> Result<(), Error> {
    let client = &dynamodb(aws);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Batch>| project(client, event.payload).await)).await
}

async fn project(client: &Client, batch: Batch) -> Result<Value, Error> {
    let mut payments = Vec::with_capacity(batch.records.len());
    for record in batch.records {
        let data = BASE64.decode(record.kinesis.data.as_bytes())?;
        payments.push(serde_json::from_slice::<Event>(&data)?.data);
    }
    let keys: Vec<_> = payments.iter().map(|payment| order_key(&payment.order_id)).collect();
    let puts = stream::iter(payments).map(|payment| put(client, payment)).buffer_unordered(CONCURRENCY);
    puts.try_for_each(async |()| Ok(())).await?;
    let reads = stream::iter(keys).chunks(KEYS_MAX).map(|keys| read(client, keys)).buffer_unordered(CONCURRENCY);
    reads.try_for_each(async |()| Ok(())).await?;
    Ok(json!({"batchItemFailures": []}))
}

fn order_key(order_id: &str) -> Item {
    item([("order_id", text(order_id)), ("item", text("order"))])
}

fn payment_item(payment: Info) -> Item {
    item([
        ("item", text(format!("payment#{}", payment.payment_id))),
        ("order_id", text(payment.order_id)),
        ("payment_id", text(payment.payment_id)),
        ("status", text(payment.status)),
        ("amount", money(payment.amount.minor, payment.amount.currency)),
        ("captured_minor", number(payment.captured_minor)),
        ("refunded_minor", number(payment.refunded_minor)),
        ("version", number(payment.version)),
        ("created_at", text(payment.created_at)),
        ("updated_at", text(payment.updated_at)),
        ("received_at", text(NOW)),
    ])
}

async fn put(client: &Client, payment: Info) -> Result<(), Error> {
    let version = number(payment.version);
    let put = client.put_item().table_name(TABLE).set_item(Some(payment_item(payment)));
    let put = put.condition_expression(IS_OLDER);
    let put = put.expression_attribute_values(":number", text("N")).expression_attribute_values(":version", version);
    put.send().await?;
    Ok(())
}

async fn read(client: &Client, keys: Vec<Item>) -> Result<(), Error> {
    let keys = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build()?;
    let request = HashMap::from([(TABLE.to_owned(), keys)]);
    client.batch_get_item().set_request_items(Some(request)).send().await?;
    Ok(())
}

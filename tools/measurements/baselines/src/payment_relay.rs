//! Baseline of `payment-relay`: publishes an event for each change and raises the outbox positions, or reads changes
//! that need no publishing.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use aws_types::SdkConfig;
use futures::{StreamExt, TryStreamExt, stream};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::clients::{dynamodb, kinesis_relay};
use crate::items::text;
use crate::payment_api::{Envelope, Money, PaymentView, raise_position};

/// Concurrent calls, as in the relay.
const CONCURRENCY: usize = 16;

#[derive(Deserialize)]
struct Batch<I> {
    #[serde(rename = "Records")]
    records: Vec<Record<I>>,
}

#[derive(Deserialize)]
struct Record<I> {
    dynamodb: Change<I>,
}

#[derive(Deserialize)]
struct Change<I> {
    #[serde(rename = "Keys")]
    keys: Keys,
    #[serde(rename = "NewImage")]
    new_image: I,
}

#[derive(Deserialize)]
struct Keys {
    payment_id: Text,
}

/// Attributes of an image that an event needs.
#[derive(Deserialize)]
struct Image {
    payment_id: Text,
    order_id: Text,
    status: Text,
    amount: Map<Amount>,
    captured_minor: Number,
    refunded_minor: Number,
    version: Number,
    created_at: Text,
    updated_at: Text,
    traceparent: Text,
    published_version: Option<Number>,
}

#[derive(Deserialize)]
struct Amount {
    minor: Number,
    currency: Text,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    value: String,
}

#[derive(Deserialize)]
struct Number {
    #[serde(rename = "N")]
    value: String,
}

#[derive(Deserialize)]
struct Map<T> {
    #[serde(rename = "M")]
    value: T,
}

/// Reads the newest image of each payment. All must be published.
pub(crate) async fn run_published() -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Batch<Box<RawValue>>>| {
        let changes = event.payload.records.into_iter().map(|record| record.dynamodb);
        let newest: BTreeMap<_, _> = changes.map(|change| (change.keys.payment_id.value, change.new_image)).collect();
        for image in newest.into_values() {
            let image: Image = serde_json::from_str(image.get())?;
            if image.published_version.is_none_or(|published| published.value != image.version.value) {
                return Err(Error::from("a payment is not published"));
            }
        }
        Ok(json!({"batchItemFailures": []}))
    }))
    .await
}

pub(crate) async fn run(aws: &SdkConfig) -> Result<(), Error> {
    let (table, stream) = (&dynamodb(aws), &kinesis_relay(aws));
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Batch<Image>>| relay(table, stream, event.payload).await))
        .await
}

async fn relay(
    table: &aws_sdk_dynamodb::Client,
    stream: &aws_sdk_kinesis::Client,
    batch: Batch<Image>,
) -> Result<Value, Error> {
    let (mut entries, mut raises) = (Vec::new(), Vec::new());
    for Record { dynamodb: Change { new_image: image, .. } } in batch.records {
        let payment = PaymentView {
            payment_id: &image.payment_id.value,
            order_id: &image.order_id.value,
            status: &image.status.value,
            amount: Money {
                minor: image.amount.value.minor.value.parse()?,
                currency: &image.amount.value.currency.value,
            },
            captured_minor: image.captured_minor.value.parse()?,
            refunded_minor: image.refunded_minor.value.parse()?,
            version: image.version.value.parse()?,
            created_at: &image.created_at.value,
            updated_at: &image.updated_at.value,
        };
        let data = Envelope::of(&payment, Some(&image.traceparent.value)).encode()?;
        let entry = PutRecordsRequestEntry::builder().partition_key(&image.order_id.value).data(Blob::new(data));
        entries.push(entry.build()?);
        raises.push((text(image.payment_id.value), AttributeValue::N(image.version.value)));
    }
    stream.put_records().stream_name("PaymentStream").set_records(Some(entries)).send().await?;
    let raise = |(payment_id, version): (AttributeValue, AttributeValue)| raise_position(table, payment_id, version);
    let raised = stream::iter(raises).map(raise).buffered(CONCURRENCY);
    raised.try_for_each(async |()| Ok(())).await?;
    Ok(json!({"batchItemFailures": []}))
}

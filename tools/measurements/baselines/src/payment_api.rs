//! Baseline of `payment-api`: stores a payment, stores the decision, publishes it, raises the outbox position, and
//! returns the payment.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use aws_sdk_kinesis::primitives::Blob;
use aws_types::SdkConfig;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};

use crate::clients::{dynamodb, kinesis_hot_path};
use crate::items::{Item, NOW, item, money, number, text};
use crate::requests::{Answer, Request};

const TABLE: &str = "PaymentsTable";
const PAYMENT_ID: &str = "pay_3474IU76GZUC7ZC4MR5KV7HBFY";
const HOLDER: &str = "EIZPA4V7CWTSNOTKYIDCXVIVTA";
const FINGERPRINT: &str = "Q5GMPAUKF37W6YI2RWWUJ2K3YMVGB5IBYIQ4XBOCKQ5RWBMKBVTA";
const TRACE_PARENT: &str = "00-5759e988bd862e3fe1be46a994272793-e1be46a994272793-00";

#[derive(Deserialize)]
struct Body {
    order_id: String,
    amount: Amount,
}

#[derive(Deserialize)]
struct Amount {
    minor: i64,
    currency: String,
}

/// A payment, in events and response bodies.
#[derive(Serialize)]
pub(crate) struct PaymentView<'a> {
    pub(crate) payment_id: &'a str,
    pub(crate) order_id: &'a str,
    pub(crate) status: &'a str,
    pub(crate) amount: Money<'a>,
    pub(crate) captured_minor: i64,
    pub(crate) refunded_minor: i64,
    pub(crate) version: i64,
    pub(crate) created_at: &'a str,
    pub(crate) updated_at: &'a str,
}

#[derive(Clone, Copy, Serialize)]
pub(crate) struct Money<'a> {
    pub(crate) minor: i64,
    pub(crate) currency: &'a str,
}

/// Event envelope (CloudEvents), the data of a stream record.
#[derive(Serialize)]
pub(crate) struct Envelope<'a> {
    specversion: &'static str,
    id: String,
    source: &'static str,
    #[serde(rename = "type")]
    event_type: &'static str,
    subject: &'a str,
    time: &'a str,
    datacontenttype: &'static str,
    traceparent: Option<&'a str>,
    data: &'a PaymentView<'a>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn of(payment: &'a PaymentView<'a>, traceparent: Option<&'a str>) -> Self {
        Self {
            specversion: "1.0",
            id: format!("{}:{}", payment.payment_id, payment.version),
            source: "/payments",
            event_type: "payment.authorized.v1",
            subject: payment.payment_id,
            time: payment.updated_at,
            datacontenttype: "application/json",
            traceparent,
            data: payment,
        }
    }

    pub(crate) fn encode(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

pub(crate) async fn run(aws: &SdkConfig) -> Result<(), Error> {
    let (table, stream) = (&dynamodb(aws), &kinesis_hot_path(aws));
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Request>| pay(table, stream, event.payload).await)).await
}

async fn pay(table: &Client, stream: &aws_sdk_kinesis::Client, request: Request) -> Result<Answer, Error> {
    let body: Body = request.body()?;
    let begun = table.put_item().table_name(TABLE).set_item(Some(begun(&body)));
    let begun = begun.condition_expression("attribute_not_exists(payment_id)");
    begun.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).send().await?;
    let decided = table.put_item().table_name(TABLE).set_item(Some(decided(&body)));
    let decided = decided
        .condition_expression("version = :version AND lease_holder = :holder")
        .expression_attribute_values(":version", number(0))
        .expression_attribute_values(":holder", text(HOLDER));
    decided.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).send().await?;
    let payment = PaymentView {
        payment_id: PAYMENT_ID,
        order_id: &body.order_id,
        status: "authorized",
        amount: Money { minor: body.amount.minor, currency: &body.amount.currency },
        captured_minor: 0,
        refunded_minor: 0,
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    };
    let data = Envelope::of(&payment, Some(TRACE_PARENT)).encode()?;
    let put = stream.put_record().stream_name("PaymentStream").partition_key(&body.order_id).data(Blob::new(data));
    put.send().await?;
    raise_position(table, text(PAYMENT_ID), number(1)).await?;
    Answer::created(format!("/payments/{PAYMENT_ID}"), &payment)
}

fn begun(body: &Body) -> Item {
    item([
        ("payment_id", text(PAYMENT_ID)),
        ("order_id", text(&body.order_id)),
        ("status", text("processing")),
        ("amount", money(body.amount.minor, &body.amount.currency)),
        ("captured_minor", number(0)),
        ("refunded_minor", number(0)),
        ("version", number(0)),
        ("created_at", text(NOW)),
        ("updated_at", text(NOW)),
        ("traceparent", text(TRACE_PARENT)),
        ("request_fingerprint", text(FINGERPRINT)),
        ("lease_until", text(NOW)),
        ("lease_holder", text(HOLDER)),
        ("attempt", number(1)),
        ("steps", AttributeValue::L(Vec::new())),
    ])
}

fn decided(body: &Body) -> Item {
    let step = item([("key", text(HOLDER)), ("action", text("authorize")), ("at", text(NOW))]);
    let mut decided = begun(body);
    decided.extend(item([
        ("status", text("authorized")),
        ("version", number(1)),
        ("steps", AttributeValue::L(vec![AttributeValue::M(step)])),
    ]));
    decided
}

/// Raises the outbox position of a payment.
pub(crate) async fn raise_position(
    table: &Client,
    payment_id: AttributeValue,
    version: AttributeValue,
) -> Result<(), Error> {
    let update = table.update_item().table_name(TABLE).key("payment_id", payment_id);
    let update = update
        .update_expression("SET published_version = :version")
        .condition_expression("version >= :version AND attribute_not_exists(published_version)")
        .expression_attribute_values(":version", version);
    update.send().await?;
    Ok(())
}

//! Baseline of `order-api`: reads the items of an order, stores the order, reads the items again, and returns the
//! order.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use aws_types::SdkConfig;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};

use crate::clients::dynamodb;
use crate::items::{Item, NOW, item, money, number, text};
use crate::requests::{Answer, Request};

const TABLE: &str = "OrdersTable";
const PAYMENT_ID: &str = "pay_3474IU76GZUC7ZC4MR5KV7HBFY";

#[derive(Deserialize)]
struct Body {
    order_id: String,
    customer_id: String,
    lines: Vec<Line>,
}

#[derive(Deserialize, Serialize)]
struct Line {
    sku: String,
    quantity: u32,
    unit_price: Amount,
}

#[derive(Deserialize, Serialize)]
struct Amount {
    minor: i64,
    currency: String,
}

/// Response body of an order.
#[derive(Serialize)]
struct OrderView {
    order_id: String,
    customer_id: String,
    lines: Vec<Line>,
    total: Amount,
    status: &'static str,
    fulfilment: Fulfilment,
    payment: Decision,
    revision: u64,
    created_at: &'static str,
    updated_at: &'static str,
}

#[derive(Serialize)]
struct Fulfilment {
    status: &'static str,
    started_at: &'static str,
}

#[derive(Serialize)]
struct Decision {
    read: &'static str,
    decided_at: &'static str,
    based_on: [BasedOn; 1],
}

#[derive(Serialize)]
struct BasedOn {
    payment_id: &'static str,
    version: i64,
    status: &'static str,
    age_ms: i64,
}

const BASED_ON: BasedOn = BasedOn { payment_id: PAYMENT_ID, version: 1, status: "authorized", age_ms: 333 };

pub(crate) async fn run(aws: &SdkConfig) -> Result<(), Error> {
    let client = &dynamodb(aws);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Request>| order(client, event.payload).await)).await
}

async fn order(client: &Client, request: Request) -> Result<Answer, Error> {
    let body: Body = request.body()?;
    let total = body.lines.iter().map(|line| i64::from(line.quantity) * line.unit_price.minor).sum();
    read(client, &body.order_id).await?;
    let put = client.put_item().table_name(TABLE).set_item(Some(order_item(&body, total)));
    let put = put.condition_expression("attribute_not_exists(order_id)");
    put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).send().await?;
    read(client, &body.order_id).await?;
    let location = format!("/orders/{}", body.order_id);
    let order = OrderView {
        order_id: body.order_id,
        customer_id: body.customer_id,
        lines: body.lines,
        total: Amount { minor: total, currency: "EUR".to_owned() },
        status: "accepted",
        fulfilment: Fulfilment { status: "started", started_at: NOW },
        payment: Decision { read: "local", decided_at: NOW, based_on: [BASED_ON] },
        revision: 1,
        created_at: NOW,
        updated_at: NOW,
    };
    Answer::created(location, &order)
}

async fn read(client: &Client, order_id: &str) -> Result<(), Error> {
    let query = client.query().table_name(TABLE).consistent_read(true);
    let query =
        query.key_condition_expression("order_id = :order_id").expression_attribute_values(":order_id", text(order_id));
    query.send().await?;
    Ok(())
}

fn order_item(body: &Body, total: i64) -> Item {
    let line = |line: &Line| {
        AttributeValue::M(item([
            ("sku", text(&line.sku)),
            ("quantity", number(line.quantity.into())),
            ("unit_price", money(line.unit_price.minor, &line.unit_price.currency)),
        ]))
    };
    let based_on = AttributeValue::M(item([
        ("payment_id", text(BASED_ON.payment_id)),
        ("version", number(BASED_ON.version)),
        ("status", text(BASED_ON.status)),
        ("covers_minor", number(total)),
        ("age_ms", number(BASED_ON.age_ms)),
    ]));
    let decision =
        item([("read", text("local")), ("decided_at", text(NOW)), ("based_on", AttributeValue::L(vec![based_on]))]);
    item([
        ("order_id", text(&body.order_id)),
        ("item", text("order")),
        ("customer_id", text(&body.customer_id)),
        ("lines", AttributeValue::L(body.lines.iter().map(line).collect())),
        ("total", money(total, "EUR")),
        ("status", text("accepted")),
        ("started_at", text(NOW)),
        ("decision", AttributeValue::M(decision)),
        ("revision", number(1)),
        ("created_at", text(NOW)),
        ("updated_at", text(NOW)),
    ])
}

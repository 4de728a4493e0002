//! The documentation of each operation beyond the types of its handler.

use axum::http::StatusCode;
use openapi_routes::{Answer, Link, OperationDoc, Target};
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use crate::etag::etag_schema;
use crate::messages::{PaymentList, PaymentView};
use crate::problems::{
    AMOUNT_UNAVAILABLE, CHANGED, ILLEGAL_TRANSITION, IN_PROGRESS, NOT_FOUND, PROCESSOR_UNAVAILABLE, TOO_MANY_REFUNDS,
};

pub(crate) fn pay() -> OperationDoc {
    let paid = payment_answer(StatusCode::CREATED, "The payment as it was decided on: authorized, or declined.")
        .header("location", "Where the payment is.", location_schema())
        .example(payment("authorized", 0, 0, 1))
        .link(
            to_payment("capturePayment", "What is authorized can be captured.")
                .with_body(json!({ "amount": "$response.body#/amount" })),
        )
        .link(to_payment("voidPayment", "What is authorized can be given up."))
        .link(to_payment("refundPayment", "What is captured can be refunded."))
        .link(to_payment("getPayment", "The payment can be read."))
        .link(of_order("listPayments", "The payments of the same order.", Target::Operation("listPayments")))
        .link(order())
        .link(of_order("getOrder", "The order it pays for.", elsewhere("/orders/{order_id}")))
        .link(of_order("getOrderPayments", "What Orders knows by now.", elsewhere("/orders/{order_id}/payments")));
    OperationDoc::new(
        "acceptPayment",
        "Make a payment",
        "Asks the processor, stores its answer and publishes it. A decline is an answer, too: 201, with `status` \
         `declined`. Where there is no answer (502, 503, 504 or none at all), send the same request again, with the \
         same key: it is charged once.",
    )
    .answers(paid)
    .problems([IN_PROGRESS, PROCESSOR_UNAVAILABLE])
    .example("approved", payment_body("tok_approve"))
    .example("declined", payment_body("tok_decline_insufficient_funds"))
}

pub(crate) fn list() -> OperationDoc {
    let list = Answer::json::<PaymentList>(StatusCode::OK, "Its payments, oldest first; none, where there are none.")
        .example(json!({ "payments": [payment("authorized", 0, 0, 1)] }));
    let description = "What synchronous mode asks for. Parameters that are not listed are refused.";
    OperationDoc::new("listPayments", "List the payments of an order", description).answers(list)
}

pub(crate) fn find() -> OperationDoc {
    let found = Answer::json::<PaymentView>(StatusCode::OK, "The payment.")
        .header("etag", "Its version, for `If-Match`.", etag_schema())
        .example(payment("authorized", 0, 0, 1));
    OperationDoc::new("getPayment", "Read a payment", "The payment as it is now.").answers(found).problems([NOT_FOUND])
}

pub(crate) fn capture() -> OperationDoc {
    let all = json!({ "minor": "$response.body#/captured_minor", "currency": "$response.body#/amount/currency" });
    let captured = payment_answer(StatusCode::OK, "The payment, captured.")
        .example(payment("captured", 1299, 0, 2))
        .link(to_payment("refundPayment", "What is captured can be refunded.").with_body(json!({ "amount": all })));
    OperationDoc::new(
        "capturePayment",
        "Capture a payment",
        "Takes what was authorized, or a part of it, once; the rest is given up. Without a body, takes all of it.",
    )
    .answers(captured)
    .problems([NOT_FOUND, ILLEGAL_TRANSITION, AMOUNT_UNAVAILABLE, CHANGED])
    .example("all", json!({}))
    .example("part", json!({ "amount": { "minor": 1000, "currency": "EUR" } }))
}

pub(crate) fn void() -> OperationDoc {
    let voided = payment_answer(StatusCode::OK, "The payment, voided.").example(payment("voided", 0, 0, 2));
    OperationDoc::new("voidPayment", "Void a payment", "Gives the authorization up.")
        .answers(voided)
        .problems([NOT_FOUND, ILLEGAL_TRANSITION, CHANGED])
        .example("nothing", json!({}))
}

pub(crate) fn refund() -> OperationDoc {
    let refunded = payment_answer(StatusCode::OK, "The payment: refunded, or still captured after a part of it.")
        .example(payment("captured", 1299, 300, 3))
        .link(to_payment("refundPayment", "What is left can be refunded."));
    OperationDoc::new(
        "refundPayment",
        "Refund a payment",
        "Gives back what was captured, or a part of it; several times, up to what was captured. Without a body, gives \
         back all that is left.",
    )
    .answers(refunded)
    .problems([NOT_FOUND, ILLEGAL_TRANSITION, AMOUNT_UNAVAILABLE, TOO_MANY_REFUNDS, CHANGED])
    .example("part", json!({ "amount": { "minor": 300, "currency": "EUR" } }))
    .example("rest", json!({}))
}

/// What may also be an earlier request's answer.
fn payment_answer(status: StatusCode, description: &'static str) -> Answer {
    Answer::json::<PaymentView>(status, description)
        .header("etag", "The payment's version, for `If-Match`.", etag_schema())
        .optional_header(
            "idempotent-replayed",
            "`true`, where this is the answer to an earlier request with the key.",
            replayed(),
        )
}

fn location_schema() -> Schema {
    let example = "/payments/pay_3474IU76GZUC7ZC4MR5KV7HBFY";
    json_schema!({ "type": "string", "format": "uri-reference", "examples": [example] })
}

fn replayed() -> Schema {
    json_schema!({ "type": "string", "const": "true" })
}

/// A payment is captured or voided as it was answered: only where nobody has changed it since.
fn to_payment(operation: &'static str, description: &'static str) -> Link {
    let mut parameters = vec![("payment_id", "$response.body#/payment_id")];
    if ["capturePayment", "voidPayment"].contains(&operation) {
        parameters.push(("If-Match", "$response.header.ETag"));
    }
    Link { name: operation, description, target: Target::Operation(operation), parameters, body: None }
}

fn of_order(name: &'static str, description: &'static str, target: Target) -> Link {
    Link { name, description, target, parameters: vec![("order_id", "$response.body#/order_id")], body: None }
}

/// An order that the payment covers.
fn order() -> Link {
    let line = json!({ "sku": "tea", "quantity": 1, "unit_price": "$response.body#/amount" });
    Link {
        name: "placeOrder",
        description: "What is paid for can be ordered.",
        target: Target::Elsewhere { api: "orders", path: "/orders", method: "post" },
        parameters: Vec::new(),
        body: Some(json!({ "order_id": "$response.body#/order_id", "customer_id": "cust-7", "lines": [line] })),
    }
}

fn elsewhere(path: &'static str) -> Target {
    Target::Elsewhere { api: "orders", path, method: "get" }
}

fn payment_body(token: &str) -> Value {
    json!({ "order_id": "ord-42", "amount": { "minor": 1299, "currency": "EUR" }, "method": { "token": token } })
}

fn payment(status: &str, captured_minor: i64, refunded_minor: i64, version: u64) -> Value {
    json!({
        "payment_id": "pay_3474IU76GZUC7ZC4MR5KV7HBFY",
        "order_id": "ord-42",
        "status": status,
        "amount": { "minor": 1299, "currency": "EUR" },
        "captured_minor": captured_minor,
        "refunded_minor": refunded_minor,
        "version": version,
        "created_at": "2026-11-23T02:23:37.470Z",
        "updated_at": "2026-11-23T02:23:37.478Z",
    })
}

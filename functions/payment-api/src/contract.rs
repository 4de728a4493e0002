//! Documentation of the operations, beyond the types of their handlers.

use axum::http::StatusCode;
use http_pages::link_schema;
use http_problems::ProblemType;
use openapi_routes::{Answer, Link, LinkTarget, OperationDoc};
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use crate::etag::etag_schema;
use crate::messages::{PaymentList, PaymentView};
use crate::problems::{
    AMOUNT_UNAVAILABLE, CHANGED, CURRENCY_MISMATCH, ILLEGAL_TRANSITION, IN_PROGRESS, NOT_FOUND, PROCESSOR_UNAVAILABLE,
    TOO_MANY_REFUNDS, TOO_MANY_REFUSALS,
};

pub(crate) fn pay() -> OperationDoc {
    let paid = payment_answer(StatusCode::CREATED, "The payment, authorized or declined.")
        .header("location", "URL of the payment, relative to the URL of the request.", location_schema())
        .example(payment("authorized", 0, 0, 1))
        .link(
            to_payment("capturePayment", "Capture the authorized payment.")
                .with_body(json!({ "amount": "$response.body#/amount" })),
        )
        .link(to_payment("voidPayment", "Void the authorized payment."))
        .link(to_payment("refundPayment", "Refund the payment after its capture."))
        .link(to_payment("getPayment", "Read the payment."))
        .link(of_order("listPayments", "List the payments of the same order.", LinkTarget::Operation("listPayments")))
        .link(order())
        .link(of_order("getOrder", "Read the order that the payment is for.", elsewhere("/orders/{order_id}")))
        .link(of_order(
            "getOrderPayments",
            "Read the order's payments in Orders' read model.",
            elsewhere("/orders/{order_id}/payments"),
        ));
    OperationDoc::new(
        "acceptPayment",
        "Make a payment",
        "Authorizes the payment with the processor, stores the decision and publishes it. A decline is a successful \
         response, too: 201, with `status` `declined`. After a 502, 503 or 504, or without a response, retry the \
         request with the same key: it is charged once.",
    )
    .answers(paid)
    .problems([IN_PROGRESS, PROCESSOR_UNAVAILABLE])
    .example("approved", payment_body("tok_approve"))
    .example("declined", payment_body("tok_decline_insufficient_funds"))
}

pub(crate) fn list() -> OperationDoc {
    let list = Answer::json::<PaymentList>(
        StatusCode::OK,
        "A page of the payments of the order that the caller may read, sorted by id.",
    )
    .example(json!({ "payments": [payment("authorized", 0, 0, 1)] }))
    .optional_header("link", "The next page, as in `next` (RFC 8288). Missing on the last page.", link_schema());
    let description = "Follow `next` for the other pages; a page may be shorter than `limit`, or empty. A payment that \
                       exists from the first page to the last is on exactly one of them. With access tokens, only \
                       payments of the caller are listed, unless it has the scope `paystream/back-office`. Unknown \
                       parameters are rejected. Orders calls it in synchronous mode.";
    OperationDoc::new("listPayments", "List the payments of an order", description).answers(list)
}

pub(crate) fn find() -> OperationDoc {
    let found = Answer::json::<PaymentView>(StatusCode::OK, "The payment.")
        .header("etag", "Version of the payment, for `If-Match` and `If-None-Match`.", etag_schema())
        .example(payment("authorized", 0, 0, 1));
    let unchanged = Answer::empty(StatusCode::NOT_MODIFIED, "The payment still has a version of `If-None-Match`.")
        .header("etag", "Version of the payment.", etag_schema());
    OperationDoc::new("getPayment", "Read a payment", "Returns the payment in its current state.")
        .answers(found)
        .answers(unchanged)
        .problems([NOT_FOUND])
}

pub(crate) fn capture() -> OperationDoc {
    let all = json!({ "minor": "$response.body#/captured_minor", "currency": "$response.body#/amount/currency" });
    let captured = payment_answer(StatusCode::OK, "The captured payment.")
        .example(payment("captured", 1299, 0, 2))
        .link(to_payment("refundPayment", "Refund the captured payment.").with_body(json!({ "amount": all })));
    OperationDoc::new(
        "capturePayment",
        "Capture a payment",
        "Captures the authorized amount or a part of it, once; the rest is released. Without a body, captures the \
         whole amount.",
    )
    .answers(captured)
    .problems(problems_of_change(&[AMOUNT_UNAVAILABLE, CURRENCY_MISMATCH]))
    .example("all", json!({}))
    .example("part", json!({ "amount": { "minor": 1000, "currency": "EUR" } }))
}

pub(crate) fn void() -> OperationDoc {
    let voided = payment_answer(StatusCode::OK, "The voided payment.").example(payment("voided", 0, 0, 2));
    OperationDoc::new("voidPayment", "Void a payment", "Releases the authorization.")
        .answers(voided)
        .problems(problems_of_change(&[]))
        .example("nothing", json!({}))
}

pub(crate) fn refund() -> OperationDoc {
    let refunded = payment_answer(StatusCode::OK, "The payment: refunded, or still captured after a partial refund.")
        .example(payment("captured", 1299, 300, 3))
        .link(to_payment("refundPayment", "Refund the remaining amount."));
    OperationDoc::new(
        "refundPayment",
        "Refund a payment",
        "Refunds the captured amount or a part of it. Up to 100 partial refunds are possible, and then one of all that \
         remains. Without a body, refunds all that remains.",
    )
    .answers(refunded)
    .problems(problems_of_change(&[AMOUNT_UNAVAILABLE, CURRENCY_MISMATCH, TOO_MANY_REFUNDS]))
    .example("part", json!({ "amount": { "minor": 300, "currency": "EUR" } }))
    .example("rest", json!({}))
}

/// Problems of every change, with those of its amount.
fn problems_of_change(of_amount: &[ProblemType]) -> Vec<ProblemType> {
    [&[NOT_FOUND, IN_PROGRESS, ILLEGAL_TRANSITION], of_amount, &[TOO_MANY_REFUSALS, CHANGED]].concat()
}

/// Response with a payment, which may replay the result of an earlier request.
fn payment_answer(status: StatusCode, description: &'static str) -> Answer {
    Answer::json::<PaymentView>(status, description)
        .header("etag", "Version of the payment, for `If-Match`.", etag_schema())
        .optional_header(
            "idempotent-replayed",
            "`true` if the response replays the result of an earlier request with the same key.",
            replayed(),
        )
}

fn location_schema() -> Schema {
    let example = "payments/pay_3474IU76GZUC7ZC4MR5KV7HBFY";
    json_schema!({ "type": "string", "format": "uri-reference", "examples": [example] })
}

fn replayed() -> Schema {
    json_schema!({ "type": "string", "const": "true" })
}

/// Link to an operation on the payment. Capture and void send the `ETag` in `If-Match`, so that they fail if the
/// payment has changed since.
fn to_payment(operation: &'static str, description: &'static str) -> Link {
    let mut parameters = vec![("payment_id", "$response.body#/payment_id")];
    if ["capturePayment", "voidPayment"].contains(&operation) {
        parameters.push(("If-Match", "$response.header.ETag"));
    }
    Link { name: operation, description, target: LinkTarget::Operation(operation), parameters, body: None }
}

fn of_order(name: &'static str, description: &'static str, target: LinkTarget) -> Link {
    Link { name, description, target, parameters: vec![("order_id", "$response.body#/order_id")], body: None }
}

/// Link that places an order which the payment covers.
fn order() -> Link {
    let line = json!({ "sku": "tea", "quantity": 1, "unit_price": "$response.body#/amount" });
    Link {
        name: "placeOrder",
        description: "Place the order that the payment is for.",
        target: LinkTarget::Elsewhere { api: "orders", path: "/orders", method: "post" },
        parameters: Vec::new(),
        body: Some(json!({ "order_id": "$response.body#/order_id", "customer_id": "cust-7", "lines": [line] })),
    }
}

fn elsewhere(path: &'static str) -> LinkTarget {
    LinkTarget::Elsewhere { api: "orders", path, method: "get" }
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

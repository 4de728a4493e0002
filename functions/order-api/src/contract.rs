//! Documentation of each operation beyond the types of its handler.

use axum::http::StatusCode;
use http_pages::link_schema;
use http_problems::builtin;
use openapi_routes::{Answer, Link, LinkTarget, OperationDoc};
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use crate::messages::{OrderAnswer, PaymentsAnswer};
use crate::problems::{CONFLICT, NOT_FOUND, PAYMENTS_UNREACHABLE};

pub(crate) fn place() -> OperationDoc {
    place_order_doc(
        "placeOrder",
        "Place an order",
        "Decides on the read model of Orders, without a call to Payments. Repeating the request returns the order in \
         its current state.",
        "local",
    )
}

pub(crate) fn place_synchronously() -> OperationDoc {
    place_order_doc(
        "placeOrderSynchronously",
        "Place an order with a call to Payments",
        "Calls Payments, waits for the response and decides on it. It exists for comparison with `POST /orders` and is \
         not deployed in every stage.",
        "remote",
    )
    .problems([PAYMENTS_UNREACHABLE, builtin::NO_SUCH_ROUTE])
}

fn place_order_doc(id: &'static str, summary: &'static str, description: &'static str, read: &str) -> OperationDoc {
    let list = if id == "placeOrder" { "orders" } else { "../orders" };
    let order = |status, description, order_status| {
        Answer::json::<OrderAnswer>(status, description)
            .header("location", "URL of the order, relative to the URL of the request.", location_schema(list))
            .link(of_order("getOrder", "Reads the order."))
            .link(of_order("getOrderPayments", "Lists the payments of the order."))
            .example(placed(order_status, read))
    };
    OperationDoc::new(id, summary, description)
        .answers(order(StatusCode::OK, "The order was placed by an earlier request.", "accepted"))
        .answers(order(StatusCode::CREATED, "The order is accepted: its payments cover it.", "accepted"))
        .answers(order(
            StatusCode::ACCEPTED,
            "The order is stored. It will be accepted when payments that cover it arrive.",
            "awaiting_payment",
        ))
        .problems([CONFLICT])
        .example("tea", json!({ "order_id": "ord-42", "customer_id": "cust-7", "lines": lines() }))
}

pub(crate) fn find() -> OperationDoc {
    let shown = Answer::json::<OrderAnswer>(StatusCode::OK, "The order.").example(placed("accepted", "local"));
    OperationDoc::new("getOrder", "Read an order", "Returns the order with the payments behind its status.")
        .answers(shown)
        .problems([NOT_FOUND])
}

pub(crate) fn list_payments() -> OperationDoc {
    let known = Answer::json::<PaymentsAnswer>(
        StatusCode::OK,
        "A page of the payments in the read model, sorted by id; empty if no payment has arrived.",
    )
    .example(json!({
        "order_id": "ord-42",
        "payments": [{
            "payment_id": "pay_3474IU76GZUC7ZC4MR5KV7HBFY",
            "order_id": "ord-42",
            "status": "authorized",
            "amount": price(),
            "captured_minor": 0,
            "refunded_minor": 0,
            "version": 1,
            "created_at": "2026-11-23T02:23:37.470Z",
            "updated_at": "2026-11-23T02:23:37.478Z",
            "received_at": "2026-11-23T02:23:37.489Z",
            "received_after_ms": 11,
            "age_ms": 34,
        }],
        "is_complete": true,
    }))
    .optional_header("link", "The next page, as in `next` (RFC 8288). Missing on the last page.", link_schema());
    OperationDoc::new(
        "getOrderPayments",
        "List the payments of an order",
        "Returns the payments in the read model of Orders, which may arrive before the order is placed, in pages. \
         Follow `next` for the others; a page may be shorter than `limit`. A payment that exists from the first page to \
         the last is on exactly one of them. Unknown parameters are rejected.",
    )
    .answers(known)
}

fn of_order(operation: &'static str, description: &'static str) -> Link {
    let target = LinkTarget::Operation(operation);
    Link {
        name: operation,
        description,
        target,
        parameters: vec![("order_id", "$response.body#/order_id")],
        body: None,
    }
}

fn location_schema(list: &str) -> Schema {
    json_schema!({ "type": "string", "format": "uri-reference", "examples": [format!("{list}/ord-42")] })
}

fn price() -> Value {
    json!({ "minor": 1299, "currency": "EUR" })
}

fn lines() -> Value {
    json!([{ "sku": "tea", "quantity": 1, "unit_price": price() }])
}

fn placed(status: &str, read: &str) -> Value {
    let accepted = status == "accepted";
    let fulfilment = json!({ "status": "started", "started_at": "2026-11-23T02:23:37.528Z" });
    let payment = json!({
        "payment_id": "pay_3474IU76GZUC7ZC4MR5KV7HBFY",
        "version": 1,
        "status": "authorized",
        "age_ms": 50,
    });
    let covering = json!({
        "payment_id": "pay_3474IU76GZUC7ZC4MR5KV7HBFY",
        "version": 1,
        "status": "authorized",
        "minor": 1299,
    });
    json!({
        "order_id": "ord-42",
        "customer_id": "cust-7",
        "lines": lines(),
        "total": price(),
        "status": status,
        "fulfilment": if accepted { fulfilment } else { json!({ "status": "not_started" }) },
        "payment": {
            "read": read,
            "decided_at": "2026-11-23T02:23:37.528Z",
            "based_on": if accepted { vec![payment] } else { Vec::new() },
            "payments": u8::from(accepted),
            "is_complete": true,
        },
        "coverage": {
            "covered": { "minor": if accepted { 1299 } else { 0 }, "currency": "EUR" },
            "overpaid": { "minor": 0, "currency": "EUR" },
            "covered_by": if accepted { vec![covering] } else { Vec::new() },
            "payments": u8::from(accepted),
            "is_complete": true,
        },
        "revision": 1,
        "created_at": "2026-11-23T02:23:37.528Z",
        "updated_at": "2026-11-23T02:23:37.528Z",
    })
}

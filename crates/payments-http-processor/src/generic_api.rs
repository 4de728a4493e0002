//! The processor's API: requests, and the meaning of responses. The only module to change for another processor.
//!
//! | request | body | response |
//! |---|---|---|
//! | `POST /authorizations` with `Idempotency-Key` | `{"amount_minor": 1299, "currency": "EUR", "token": "tok_…"}` | 200 or 201 and a record |
//! | `GET /authorizations/{key}` | | 200 and a record, or 404 if the key is unknown |
//! | `POST /authorizations/{key}/void` | | 200 and the record `voided`, also for an unknown key |
//!
//! A record is `{"status": "approved"}`, `{"status": "declined", "decline": {"code": "…", "message": "…"}}`,
//! `{"status": "voided"}` or `{"status": "pending"}`. Further fields are ignored. Every request has the header
//! `Authorization: Bearer KEY`.

use http::Method;
use payment_events::{Decline, PaymentId};
use payments::{Authorization, Outcome, ProcessorRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;

/// A request. Its body contains the payment token, so it has no `Debug` output.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// Path below the base URL.
    pub(crate) path: String,
    /// Header `Idempotency-Key`.
    pub(crate) idempotency_key: Option<&'a PaymentId>,
    /// JSON; empty if the request has no body.
    pub(crate) body: Vec<u8>,
}

#[derive(Serialize)]
struct AuthorizationBody<'a> {
    /// Amount in minor units of the currency, such as cents.
    amount_minor: i64,
    currency: &'a str,
    token: &'a str,
}

#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum RecordBody {
    Approved,
    Declined {
        #[serde(default)]
        decline: Value,
    },
    Voided,
    Pending,
}

pub(crate) fn authorize<'a>(authorization: &Authorization<'a>) -> Result<Call<'a>, Failure> {
    let body = AuthorizationBody {
        amount_minor: authorization.amount.minor(),
        currency: authorization.amount.currency().code(),
        token: authorization.token.expose(),
    };
    Ok(Call {
        method: Method::POST,
        path: "/authorizations".to_owned(),
        idempotency_key: Some(authorization.idempotency_key),
        body: serde_json::to_vec(&body).map_err(|_never| Failure::NotBuilt)?,
    })
}

pub(crate) fn look_up(key: &PaymentId) -> Call<'_> {
    Call { method: Method::GET, path: format!("/authorizations/{key}"), idempotency_key: None, body: Vec::new() }
}

pub(crate) fn void(key: &PaymentId) -> Call<'_> {
    Call { method: Method::POST, path: format!("/authorizations/{key}/void"), idempotency_key: None, body: Vec::new() }
}

/// Returns the record that a response states.
pub(crate) fn record(status: u16, body: &[u8]) -> Result<ProcessorRecord, Failure> {
    match status {
        200 | 201 => {}
        404 => return Ok(ProcessorRecord::Unknown),
        401 | 403 => return Err(Failure::KeyRefused(status)),
        _ => return Err(Failure::Status(status)),
    }
    let body = serde_json::from_slice(body).map_err(|_quotes_values| Failure::NotOfTheApi)?;
    Ok(match body {
        RecordBody::Approved => ProcessorRecord::Decided(Outcome::Approved),
        RecordBody::Declined { decline } => ProcessorRecord::Decided(Outcome::Declined(reason(&decline))),
        RecordBody::Voided => ProcessorRecord::Voided,
        RecordBody::Pending => ProcessorRecord::Pending,
    })
}

/// Returns the outcome of an authorization. A void key is declined.
pub(crate) fn outcome(record: ProcessorRecord) -> Result<Outcome, Failure> {
    match record {
        ProcessorRecord::Decided(outcome) => Ok(outcome),
        ProcessorRecord::Voided => {
            Ok(Outcome::Declined(text("voided", "The authorization was given up before it arrived.")))
        }
        ProcessorRecord::Pending => Err(Failure::Pending),
        ProcessorRecord::Unknown => Err(Failure::Status(404)),
    }
}

/// Fails unless the key is void.
pub(crate) fn voided(record: &ProcessorRecord) -> Result<(), Failure> {
    match record {
        ProcessorRecord::Voided => Ok(()),
        ProcessorRecord::Unknown => Err(Failure::Status(404)),
        ProcessorRecord::Pending | ProcessorRecord::Decided(_) => Err(Failure::NotVoided),
    }
}

/// Returns the reason for a decline. The status has decided already: whatever the reason lacks is general.
fn reason(given: &Value) -> Decline {
    let general = text("declined", "The processor declined the payment.");
    let or = |name, general| match given.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => general,
    };
    Decline { code: or("code", general.code), message: or("message", general.message) }.cut()
}

fn text(code: &str, message: &str) -> Decline {
    Decline { code: code.to_owned(), message: message.to_owned() }
}

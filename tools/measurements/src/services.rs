//! Stand-in for DynamoDB and Kinesis with constant responses, over plain HTTP or TLS. It supports the operations that
//! the functions call.
//!
//! Every write succeeds: every condition holds, and every record is accepted. An order that was put is read back, with
//! a payment that covers it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::serving::Serving;
use crate::tls;

/// A running stand-in.
pub struct Services {
    url: String,
    /// File with its certificate; `None` for plain HTTP.
    certificate: Option<PathBuf>,
    seen: Arc<Traffic>,
    _serving: Serving,
}

#[derive(Debug, Default)]
struct Traffic {
    connections: AtomicUsize,
    calls: Mutex<BTreeMap<String, usize>>,
    orders: Mutex<BTreeMap<String, Value>>,
}

impl Services {
    /// Listens on a free port of 127.0.0.1: over TLS if there is a file to write the certificate to, otherwise over
    /// plain HTTP.
    pub async fn start_over(certificate: Option<&Path>) -> io::Result<Self> {
        let seen = Arc::<Traffic>::default();
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&seen));
        let counted = Arc::clone(&seen);
        let count = move || {
            counted.connections.fetch_add(1, Ordering::SeqCst);
        };
        let tls = certificate.map(tls::acceptor).transpose()?;
        let serving = Serving::start(router, tls, count).await?;
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", serving.address);
        Ok(Self { url, certificate: certificate.map(Path::to_owned), seen, _serving: serving })
    }

    /// Endpoint URL, `http://127.0.0.1:<port>` or `https://…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Environment variables that make a function trust the certificate instead of Amazon's five roots; none for plain
    /// HTTP.
    pub fn trusted(&self) -> Vec<(&'static str, String)> {
        let trusted = |file: &PathBuf| {
            vec![("TRUST_STORE", "system".to_owned()), ("SSL_CERT_FILE", file.to_string_lossy().into_owned())]
        };
        self.certificate.as_ref().map(trusted).unwrap_or_default()
    }

    /// Number of connections accepted so far.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Number of calls so far, by operation.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        self.seen.calls.lock().clone()
    }
}

/// Responds to every request with a JSON object.
async fn answer(
    State(seen): State<Arc<Traffic>>,
    headers: HeaderMap,
    body: Bytes,
) -> ([(&'static str, &'static str); 1], String) {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    if !operation.is_empty() {
        *seen.calls.lock().entry(operation.to_owned()).or_default() += 1;
    }
    let answer = match operation {
        "PutItem" => seen.put_item(&parsed(&body)),
        "Query" => seen.query(&parsed(&body)),
        "BatchGetItem" => json!({"Responses": {}, "UnprocessedKeys": {}}),
        "PutRecord" => accepted(),
        "PutRecords" => {
            json!({"FailedRecordCount": 0, "Records": vec![accepted(); count(&parsed(&body)["Records"])]})
        }
        _ => json!({}),
    };
    ([("content-type", "application/x-amz-json-1.0")], answer.to_string())
}

impl Traffic {
    /// Stores an order. Other items are never read.
    fn put_item(&self, call: &Value) -> Value {
        let item = &call["Item"];
        if let (Some("order"), Some(order_id)) = (item["item"]["S"].as_str(), item["order_id"]["S"].as_str()) {
            let mut orders = self.orders.lock();
            orders.insert(order_id.to_owned(), item.clone());
        }
        json!({})
    }

    /// The order, if it was put, and one payment that covers it.
    fn query(&self, call: &Value) -> Value {
        let order_id = call["ExpressionAttributeValues"][":order_id"]["S"].as_str().unwrap_or_default();
        let order = self.orders.lock().get(order_id).cloned();
        let items: Vec<_> = order.into_iter().chain([payment_of(order_id)]).collect();
        json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items})
    }
}

/// Orders' copy of a payment, as the projector stores it.
fn payment_of(order_id: &str) -> Value {
    json!({
        "order_id": {"S": order_id},
        "item": {"S": "payment#pay_3474IU76GZUC7ZC4MR5KV7HBFY"},
        "payment_id": {"S": "pay_3474IU76GZUC7ZC4MR5KV7HBFY"},
        "status": {"S": "authorized"},
        "amount": {"M": {"minor": {"N": "4997"}, "currency": {"S": "EUR"}}},
        "captured_minor": {"N": "0"},
        "refunded_minor": {"N": "0"},
        "version": {"N": "1"},
        "created_at": {"S": "2026-11-22T20:00:00.000Z"},
        "updated_at": {"S": "2026-11-22T20:00:00.123Z"},
        "received_at": {"S": "2026-11-22T20:00:00.456Z"},
    })
}

fn accepted() -> Value {
    json!({"ShardId": "shardId-000000000000", "SequenceNumber": "49590338271490256608559692538361571095921575989136588898"})
}

fn count(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

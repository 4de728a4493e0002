//! Records of the change stream, and the relay with test doubles.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use outbox_relay::{ChangeBatch, Relay, RelayMode};
use payments::Publication;
use payments::testing::{MemoryPayments, RecordingPublisher};
use quarantine::MemoryQuarantine;
use serde_json::{Value, json};
use telemetry::Metrics;

/// A stream record with the image of payment `pay_<id>` of order `ord-<id>` at `version`: processing, authorized,
/// captured and refunded in part. Its position is 0 if it is due, and the version if not.
pub(crate) fn change(sequence_number: u32, id: &str, version: u64, is_due: bool) -> Value {
    image(sequence_number, id, version, if is_due { 0 } else { version })
}

pub(crate) fn image(sequence_number: u32, id: &str, version: u64, published_version: u64) -> Value {
    let step = |action: &str, minor: Option<u32>| {
        let mut step = json!({
            "key": {"S": "HOLDER"}, "action": {"S": action}, "at": {"S": "2026-11-22T20:00:00.123Z"},
        });
        if let Some(minor) = minor {
            step["minor"] = json!({"N": minor.to_string()});
        }
        json!({ "M": step })
    };
    let steps = [step("authorize", None), step("capture", None), step("refund", Some(300))];
    let (status, captured, refunded) =
        [("processing", "0", "0"), ("authorized", "0", "0"), ("captured", "1299", "0"), ("captured", "1299", "300")]
            [usize::try_from(version).unwrap()];
    let steps: Vec<_> = steps.into_iter().zip(0..version).map(|(step, _)| step).collect();
    let mut image = json!({
        "payment_id": {"S": format!("pay_{id}")},
        "order_id": {"S": format!("ord-{id}")},
        "status": {"S": status},
        "amount": {"M": {"minor": {"N": "1299"}, "currency": {"S": "EUR"}}},
        "captured_minor": {"N": captured},
        "refunded_minor": {"N": refunded},
        "version": {"N": version.to_string()},
        "created_at": {"S": "2026-11-22T20:00:00.000Z"},
        "updated_at": {"S": "2026-11-22T20:00:00.123Z"},
        "traceparent": {"S": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        "request_fingerprint": {"S": "00"},
        "lease_until": {"S": "2026-11-22T20:00:10.000Z"},
        "lease_holder": {"S": "HOLDER"},
        "steps": {"L": steps},
        "attempt": {"N": "1"},
    });
    if published_version > 0 {
        image["published_version"] = json!({"N": published_version.to_string()});
    }
    record(sequence_number, &image)
}

pub(crate) fn record(sequence_number: u32, image: &Value) -> Value {
    json!({
        "eventID": sequence_number.to_string(),
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_001,
            "Keys": {"payment_id": image["payment_id"]},
            "NewImage": image,
            "SequenceNumber": sequence_number.to_string(),
            "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
        },
    })
}

/// The relay with test doubles around it.
pub(crate) struct Relaying {
    pub(crate) publisher: Arc<RecordingPublisher>,
    pub(crate) quarantine: Arc<MemoryQuarantine>,
    pub(crate) relay: Relay,
    /// Lines of metrics.
    pub(crate) lines: Arc<Mutex<Vec<Value>>>,
}

impl Relaying {
    /// The relay in `direct` mode.
    pub(crate) fn new() -> Self {
        Self::in_mode(|publisher| RelayMode::Direct(Publication::new(publisher, Arc::new(MemoryPayments::default()))))
    }

    pub(crate) fn in_mode(mode: impl FnOnce(Arc<RecordingPublisher>) -> RelayMode) -> Self {
        let (publisher, quarantine) = (Arc::new(RecordingPublisher::default()), Arc::new(MemoryQuarantine::default()));
        let mode = mode(publisher.clone());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&lines);
        let metrics = Metrics::new("relay", move |line| into.lock().unwrap().push(serde_json::from_str(line).unwrap()));
        Self { relay: Relay::new(mode, quarantine.clone(), metrics), publisher, quarantine, lines }
    }

    /// Relays a batch. Returns the reported sequence numbers.
    pub(crate) async fn batch(&self, records: impl IntoIterator<Item = Value>) -> Vec<String> {
        self.batch_within(Duration::from_mins(1), records).await
    }

    pub(crate) async fn batch_within(&self, left: Duration, records: impl IntoIterator<Item = Value>) -> Vec<String> {
        let records: Vec<_> = records.into_iter().collect();
        // As Lambda sends it: as text.
        let batch: ChangeBatch = serde_json::from_str(&json!({"Records": records}).to_string()).unwrap();
        self.relay.handle(batch, SystemTime::now() + left).await.into_iter().collect()
    }

    /// Ids of the published events.
    pub(crate) fn published(&self) -> Vec<String> {
        self.publisher.published().iter().map(payment_events::PaymentEvent::id).collect()
    }

    /// Ids of the quarantined images.
    pub(crate) fn quarantined(&self) -> Vec<String> {
        self.quarantine.records().iter().map(|record| record.id.to_string()).collect()
    }
}

/// A stream record with an image that cannot be decoded.
pub(crate) fn undecodable(sequence_number: u32, id: &str) -> Value {
    record(sequence_number, &json!({"payment_id": {"S": format!("pay_{id}")}, "status": {"S": "disputed"}}))
}

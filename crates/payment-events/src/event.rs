//! The envelope: one CloudEvents 1.0 object in JSON, written strictly and read tolerantly.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::{InvalidPaymentInfo, PaymentId, PaymentInfo, PaymentStatus, Timestamp, TraceParent};

/// The only CloudEvents version there is.
const SPEC_VERSION: &str = "1.0";
/// Where the events come from, a relative URI reference as CloudEvents allows.
const SOURCE: &str = "/payments";
const CONTENT_TYPE: &str = "application/json";
/// The part of an event type that says what it is about.
const TYPE_PREFIX: &str = "payment.";
/// The major version of every event type this crate reads and writes.
const MAJOR_VERSION: &str = "v1";

/// One event: a payment as of one version, and the trace it came about in.
///
/// An event that exists is one that the contract allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvent {
    payment: PaymentInfo,
    trace_parent: Option<TraceParent>,
}

impl PaymentEvent {
    /// The event that publishes `payment`, which must not contradict itself.
    pub fn new(payment: PaymentInfo, trace_parent: Option<TraceParent>) -> Result<Self, InvalidPaymentInfo> {
        payment.check()?;
        Ok(Self { payment, trace_parent })
    }

    /// The payment it carries.
    pub fn payment(&self) -> &PaymentInfo {
        &self.payment
    }

    /// Takes the payment out.
    pub fn into_payment(self) -> PaymentInfo {
        self.payment
    }

    /// The trace it came about in, if one was carried.
    pub fn trace_parent(&self) -> Option<&TraceParent> {
        self.trace_parent.as_ref()
    }

    /// The CloudEvents `id`: `<payment id>:<version>`, the same however often the event is sent.
    pub fn id(&self) -> String {
        format!("{}:{}", self.payment.payment_id, self.payment.version)
    }

    /// The CloudEvents `type`, for example `payment.captured.v1`.
    pub fn event_type(&self) -> &'static str {
        Self::type_of(self.payment.status)
    }

    /// The CloudEvents `type` of events about payments that stand there.
    pub const fn type_of(status: PaymentStatus) -> &'static str {
        match status {
            PaymentStatus::Authorized => "payment.authorized.v1",
            PaymentStatus::Captured => "payment.captured.v1",
            PaymentStatus::Refunded => "payment.refunded.v1",
            PaymentStatus::Voided => "payment.voided.v1",
            PaymentStatus::Declined => "payment.declined.v1",
        }
    }

    /// The Kinesis partition key: the order id.
    pub fn partition_key(&self) -> &str {
        self.payment.order_id.as_str()
    }

    /// The record's data.
    pub fn encode(&self) -> Vec<u8> {
        let envelope = Outgoing {
            specversion: SPEC_VERSION,
            id: self.id(),
            source: SOURCE,
            event_type: self.event_type(),
            subject: self.payment.payment_id.as_str(),
            time: self.payment.updated_at,
            datacontenttype: CONTENT_TYPE,
            traceparent: self.trace_parent.as_ref(),
            data: &self.payment,
        };
        // Only a map with keys that are no strings, or a failing `Serialize`, could fail here; there is neither.
        serde_json::to_vec(&envelope).unwrap_or_default()
    }

    /// Reads a record's data. Unknown fields pass; whatever else does not fit is refused by name, never guessed at.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let envelope: Incoming<'_> =
            serde_json::from_slice(data).map_err(|error| DecodeError::NotAnEvent(error.to_string()))?;
        if envelope.specversion != SPEC_VERSION {
            return Err(DecodeError::SpecVersion(envelope.specversion));
        }
        let status = status_of(&envelope.event_type)?;
        let data = envelope.data.ok_or_else(|| bad_value("/data", "is missing"))?;
        let payment = decode_payment(data.get())?;
        if payment.status != status {
            let reason = format!("is {}, which is not what type {} says", payment.status, envelope.event_type);
            return Err(bad_value("/data/status", reason));
        }
        payment.check().map_err(|error| bad_value("/data", error.to_string()))?;
        // A trace is an aid: one that cannot be read is left out rather than a payment lost over it.
        let trace_parent = envelope.traceparent.and_then(|text| text.parse().ok());
        let event = Self { payment, trace_parent };
        if envelope.id != event.id() {
            return Err(bad_value("/id", format!("must be {} for the payment it carries", event.id())));
        }
        Ok(event)
    }
}

/// Why a record's data is no event that this version of the contract can read. Each says which part and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No JSON, or no CloudEvents envelope.
    #[error("not a CloudEvents object: {0}")]
    NotAnEvent(String),
    /// A CloudEvents version other than 1.0.
    #[error("unsupported CloudEvents specversion {0:?}, expected \"1.0\"")]
    SpecVersion(String),
    /// A type that this contract does not have.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// A type of ours in a major version that this contract does not have.
    #[error("unsupported major version of event type {0:?}, this reader knows v1")]
    UnsupportedVersion(String),
    /// A field whose value is missing, of the wrong type, or contradicts another.
    #[error("{field} {reason}")]
    BadValue {
        /// Where, as a JSON pointer (RFC 6901) into the event.
        field: String,
        /// Why it cannot be accepted.
        reason: String,
    },
}

fn status_of(event_type: &str) -> Result<PaymentStatus, DecodeError> {
    let unknown = || DecodeError::UnknownType(event_type.to_owned());
    let (status, version) =
        event_type.strip_prefix(TYPE_PREFIX).and_then(|rest| rest.split_once('.')).ok_or_else(unknown)?;
    let is_version = version.strip_prefix('v').is_some_and(|digits| digits.parse::<u32>().is_ok());
    match status.parse() {
        Ok(status) if version == MAJOR_VERSION => Ok(status),
        Ok(_) if is_version => Err(DecodeError::UnsupportedVersion(event_type.to_owned())),
        _ => Err(unknown()),
    }
}

fn decode_payment(json: &str) -> Result<PaymentInfo, DecodeError> {
    let deserializer = &mut serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().iter().fold(String::from("/data"), |pointer, segment| format!("{pointer}/{segment}"));
        DecodeError::BadValue { field: path, reason: error.into_inner().to_string() }
    })
}

fn bad_value(field: &str, reason: impl Into<String>) -> DecodeError {
    DecodeError::BadValue { field: field.to_owned(), reason: reason.into() }
}

/// A CloudEvents 1.0 object: what a record on the stream holds.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PaymentEvent")]
pub(crate) struct Outgoing<'a> {
    /// The version of CloudEvents.
    #[schemars(extend("const" = SPEC_VERSION))]
    specversion: &'static str,
    /// `<payment id>:<version>`, the same however often the event is sent.
    #[schemars(extend("examples" = ["pay_01J9Z3NDEKTSV4RRFFQ69G5FAV:3"]))]
    id: String,
    /// Who sent it.
    #[schemars(extend("const" = SOURCE))]
    source: &'static str,
    /// What happened, and the major version of this contract.
    #[serde(rename = "type")]
    event_type: &'static str,
    /// The payment's id.
    #[schemars(with = "PaymentId")]
    subject: &'a str,
    /// When it happened.
    time: Timestamp,
    /// What `data` is.
    #[schemars(extend("const" = CONTENT_TYPE))]
    datacontenttype: &'static str,
    /// The trace in which it happened, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<TraceParent>")]
    traceparent: Option<&'a TraceParent>,
    /// The whole payment as of this version. The highest version is the truth.
    data: &'a PaymentInfo,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    specversion: String,
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(default)]
    traceparent: Option<String>,
    #[serde(borrow, default)]
    data: Option<&'a serde_json::value::RawValue>,
}

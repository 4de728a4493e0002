//! The event envelope: a CloudEvents 1.0 object in JSON, encoded strictly and decoded tolerantly.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::{Decline, InvalidPaymentInfo, PaymentId, PaymentInfo, PaymentStatus, Timestamp, TraceParent, Transition};

/// CloudEvents version of every event.
const SPEC_VERSION: &str = "1.0";
/// CloudEvents `source` of every event: a relative URI reference.
const SOURCE: &str = "/payments";
/// A payment id, a colon, and a version of up to 16 digits.
const ID_LENGTH_MAX: usize = PaymentId::LENGTH_MAX + 1 + 16;
const CONTENT_TYPE: &str = "application/json";
/// Prefix of every event type.
const TYPE_PREFIX: &str = "payment.";
/// Major version of every event type that this crate encodes and decodes.
const MAJOR_VERSION: &str = "v1";

/// A payment as of one version, with the transition that made the version and the trace that produced it.
///
/// Every value satisfies the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvent {
    payment: PaymentInfo,
    transition: Option<Transition>,
    trace_parent: Option<TraceParent>,
}

impl PaymentEvent {
    /// Creates the event that publishes `payment`, without a transition. Fails if its fields contradict each other.
    pub fn new(payment: PaymentInfo, trace_parent: Option<TraceParent>) -> Result<Self, InvalidPaymentInfo> {
        payment.check()?;
        let payment = PaymentInfo { decline: payment.decline.map(Decline::cut), ..payment };
        Ok(Self { payment, transition: None, trace_parent })
    }

    /// Returns the event with the transition that made its version. Fails if the transition cannot have made it.
    pub fn with_transition(self, transition: Transition) -> Result<Self, InvalidPaymentInfo> {
        if !transition.can_make(&self.payment) {
            return Err(InvalidPaymentInfo::Transition(self.payment.status));
        }
        Ok(Self { transition: Some(transition), ..self })
    }

    /// Returns the payment.
    pub fn payment(&self) -> &PaymentInfo {
        &self.payment
    }

    /// Consumes the event and returns its payment.
    pub fn into_payment(self) -> PaymentInfo {
        self.payment
    }

    /// Returns the transition that made this version. `None` if the event has none, like those from before version 2 of
    /// the contracts, or one that this reader does not know.
    pub fn transition(&self) -> Option<Transition> {
        self.transition
    }

    /// Returns the trace that produced this version, if the event carries one.
    pub fn trace_parent(&self) -> Option<&TraceParent> {
        self.trace_parent.as_ref()
    }

    /// Returns the CloudEvents `id`, `<payment id>:<version>`. It stays the same when the event is sent again.
    pub fn id(&self) -> String {
        format!("{}:{}", self.payment.payment_id, self.payment.version)
    }

    /// Returns the CloudEvents `type`, for example `payment.captured.v1`.
    pub fn event_type(&self) -> &'static str {
        Self::type_of(self.payment.status)
    }

    /// Returns the CloudEvents `type` of events about payments with this status.
    pub const fn type_of(status: PaymentStatus) -> &'static str {
        match status {
            PaymentStatus::Authorized => "payment.authorized.v1",
            PaymentStatus::Captured => "payment.captured.v1",
            PaymentStatus::Refunded => "payment.refunded.v1",
            PaymentStatus::Voided => "payment.voided.v1",
            PaymentStatus::Declined => "payment.declined.v1",
        }
    }

    /// Returns the key to publish under, such as the partition key in Kinesis: the order id.
    pub fn partition_key(&self) -> &str {
        self.payment.order_id.as_str()
    }

    /// Encodes the event as the data of a stream record.
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
            data: OutgoingData { payment: &self.payment, transition: self.transition },
        };
        // Serialization fails only on non-string map keys or a failing `Serialize`. The envelope has neither.
        serde_json::to_vec(&envelope).unwrap_or_default()
    }

    /// Decodes the data of a stream record. Ignores unknown fields. Any other mismatch is an error that names the
    /// field.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let envelope: Incoming<'_> =
            serde_json::from_slice(data).map_err(|error| DecodeError::NotAnEvent(error.to_string()))?;
        if envelope.specversion != SPEC_VERSION {
            return Err(DecodeError::SpecVersion(envelope.specversion));
        }
        let status = status_of(&envelope.event_type)?;
        let data = envelope.data.ok_or_else(|| bad_value("/data", "is missing"))?;
        let data = data.get();
        let payment = decode_payment(data)?;
        if payment.status != status {
            let reason = format!("is {}, but the event type is {}", payment.status, envelope.event_type);
            return Err(bad_value("/data/status", reason));
        }
        payment.check().map_err(|error| bad_value("/data", error.to_string()))?;
        let decline_bytes =
            payment.decline.as_ref().map_or(0, |decline| decline.code.len().saturating_add(decline.message.len()));
        if decline_bytes > Decline::READ_BYTES_MAX {
            let reason = format!("has {decline_bytes} bytes, more than {}", Decline::READ_BYTES_MAX);
            return Err(bad_value("/data/decline", reason));
        }
        // The trace only aids diagnosis: drop an unreadable one and keep the payment.
        let trace_parent = envelope.traceparent.and_then(|text| text.parse().ok());
        let transition = decode_transition(data).filter(|transition| transition.can_make(&payment));
        let event = Self { payment, transition, trace_parent };
        if envelope.id != event.id() {
            return Err(bad_value("/id", format!("must be {}, the payment id and version in data", event.id())));
        }
        Ok(event)
    }
}

/// Reason why a record's data could not be decoded. Every variant names the failing part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not a CloudEvents envelope.
    #[error("not a CloudEvents object: {0}")]
    NotAnEvent(String),
    /// A CloudEvents version other than 1.0.
    #[error("unsupported CloudEvents specversion {0:?}, expected \"1.0\"")]
    SpecVersion(String),
    /// An event type that is not in this contract.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// A known event type in a major version that is not in this contract.
    #[error("unsupported major version of event type {0:?}, this reader knows v1")]
    UnsupportedVersion(String),
    /// A field that is missing, has the wrong type, or contradicts another field.
    #[error("{field} {reason}")]
    BadValue {
        /// JSON pointer (RFC 6901) to the field, from the root of the event.
        field: String,
        /// Reason for the rejection, worded to follow the field.
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

/// Decodes the transition. An unreadable one counts as missing, so that the payment is kept: a consumer of states does not
/// need the transition, and a consumer of changes does not act without one.
fn decode_transition(data: &str) -> Option<Transition> {
    let data: IncomingData<'_> = serde_json::from_str(data).ok()?;
    serde_json::from_str(data.transition?.get()).ok()
}

fn bad_value(field: &str, reason: impl Into<String>) -> DecodeError {
    DecodeError::BadValue { field: field.to_owned(), reason: reason.into() }
}

/// A CloudEvents 1.0 object, the data of a stream record.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PaymentEvent")]
pub(crate) struct Outgoing<'a> {
    /// CloudEvents version.
    #[schemars(extend("const" = SPEC_VERSION))]
    specversion: &'static str,
    /// `<payment id>:<version>`. It stays the same when the event is sent again.
    #[schemars(length(max = ID_LENGTH_MAX), extend("examples" = ["pay_01J9Z3NDEKTSV4RRFFQ69G5FAV:3"]))]
    id: String,
    /// Service that sent the event.
    #[schemars(extend("const" = SOURCE))]
    source: &'static str,
    /// Kind of change, and the major version of this event type.
    #[serde(rename = "type")]
    event_type: &'static str,
    /// Id of the payment.
    #[schemars(with = "PaymentId")]
    subject: &'a str,
    /// Time of the change.
    time: Timestamp,
    /// Media type of `data`.
    #[schemars(extend("const" = CONTENT_TYPE))]
    datacontenttype: &'static str,
    /// Trace that produced this version, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "SchemaGenerator::subschema_for::<TraceParent>")]
    traceparent: Option<&'a TraceParent>,
    /// The whole payment as of this version. The highest version wins.
    #[schemars(with = "PaymentInfo")]
    data: OutgoingData<'a>,
}

#[derive(Serialize)]
struct OutgoingData<'a> {
    #[serde(flatten)]
    payment: &'a PaymentInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    transition: Option<Transition>,
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

/// The part of `data` that is not in [`PaymentInfo`].
#[derive(Deserialize)]
struct IncomingData<'a> {
    #[serde(borrow, default)]
    transition: Option<&'a serde_json::value::RawValue>,
}

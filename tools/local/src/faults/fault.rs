//! What can be made to go wrong: a fault, as it is written in Rust and in JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::emulators::{ErrorAnswer, Service};

/// Matches every operation.
pub(super) const ANY_OPERATION: &str = "*";

/// Something that is to go wrong, where, and how often.
///
/// In JSON it has the same fields; all but `target` and `effect` may be left out:
///
/// ```
/// use paystream_local::{Effect, Fault, Target};
///
/// let fault: Fault = serde_json::from_str(
///     r#"{"target": "dynamodb", "operation": "PutItem", "from": "PaymentApi", "effect": {"reset": "after"}, "count": 1}"#,
/// )?;
/// let same = Fault::new(Target::DynamoDb, Effect::reset_after()).operation("PutItem").from("PaymentApi").count(1);
/// assert_eq!(fault, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What the calls are made to.
    pub target: Target,
    /// Which calls: an operation as the service spells it, `Invoke` for a function, a route of an API as the template spells
    /// it (`GET /payments`), or `*` for every one (the default).
    #[serde(default = "any_operation")]
    pub operation: String,
    /// What happens to them.
    pub effect: Effect,
    /// Only calls of this function, by its logical id. A function as the target has no such callers; those of an API are
    /// known by their signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// So many matching calls pass first.
    #[serde(default)]
    pub skip: u64,
    /// It happens so often at most, and then never again. Without it there is no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The probability with which it happens to a call that matches and is not skipped: above 0, and at most 1 (the
    /// default).
    #[serde(default = "always")]
    pub probability: f64,
    /// The seed of everything that is left to chance. The same seed and the same order of calls give the same faults.
    #[serde(default)]
    pub seed: u64,
}

/// What calls are made to. In JSON, and as text, it is `kinesis`, `dynamodb`, or the logical id of a function or of an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Target {
    /// The emulator of Kinesis.
    Kinesis,
    /// The emulator of DynamoDB.
    DynamoDb,
    /// A function, by its logical id, of which the invocations are called; or an API, of which the routes are, by whoever
    /// calls.
    Resource(String),
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It is answered with an error, in the form of the service or of API Gateway, and not carried out. An invocation fails
    /// with it.
    Error(ErrorAnswer),
    /// It is refused for being one too many: `ProvisionedThroughputExceededException` of either service,
    /// `TooManyRequestsException` of Lambda and of API Gateway.
    Throttle,
    /// It is carried out this many milliseconds later, or meets the next fault then; one minute at most.
    LatencyMs(u64),
    /// The TCP connection is reset. An invocation is lost, or its answer.
    Reset(Moment),
    /// The process that makes the call is killed (SIGKILL), and is gone before anything else happens. Of an invocation,
    /// the process that would have run it, or has.
    Kill(Moment),
    /// `PutRecords` of Kinesis only: each entry is refused with this probability, and the others are written.
    Partial(f64),
}

/// Before a call is carried out, which then it is not; or after it took effect, so that its answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The call is not carried out.
    Before,
    /// The call took effect, and nobody is told.
    After,
}

fn any_operation() -> String {
    ANY_OPERATION.to_owned()
}

fn always() -> f64 {
    1.0
}

impl Fault {
    /// This, to every call of the target.
    pub fn new(target: Target, effect: Effect) -> Self {
        let (operation, probability) = (any_operation(), always());
        Self { target, operation, effect, from: None, skip: 0, count: None, probability, seed: 0 }
    }

    /// Only to this operation.
    #[must_use]
    pub fn operation(self, operation: impl Into<String>) -> Self {
        Self { operation: operation.into(), ..self }
    }

    /// Only to calls of this function.
    #[must_use]
    pub fn from(self, function: impl Into<String>) -> Self {
        Self { from: Some(function.into()), ..self }
    }

    /// Only after so many matching calls have passed.
    #[must_use]
    pub fn skip(self, calls: u64) -> Self {
        Self { skip: calls, ..self }
    }

    /// So often at most.
    #[must_use]
    pub fn count(self, times: u64) -> Self {
        Self { count: Some(times), ..self }
    }

    /// With this probability, from this seed on.
    #[must_use]
    pub fn probability(self, probability: f64, seed: u64) -> Self {
        Self { probability, seed, ..self }
    }

    /// Leaves the probability, and begins what is left to chance here.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

impl Target {
    /// A function, by its logical id.
    pub fn function(logical_id: impl Into<String>) -> Self {
        Self::Resource(logical_id.into())
    }

    /// An API, by its logical id.
    pub fn api(logical_id: impl Into<String>) -> Self {
        Self::Resource(logical_id.into())
    }
}

impl From<Service> for Target {
    fn from(service: Service) -> Self {
        match service {
            Service::Kinesis => Self::Kinesis,
            Service::DynamoDb => Self::DynamoDb,
        }
    }
}

impl From<String> for Target {
    fn from(text: String) -> Self {
        match text.as_str() {
            "kinesis" => Self::Kinesis,
            "dynamodb" => Self::DynamoDb,
            _ => Self::Resource(text),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kinesis => "kinesis",
            Self::DynamoDb => "dynamodb",
            Self::Resource(logical_id) => logical_id,
        })
    }
}

impl Effect {
    /// An error with this code, and nothing else said of it.
    pub fn error(code: impl Into<String>) -> Self {
        Self::Error(ErrorAnswer { code: code.into(), message: None, status: None })
    }

    /// The connection is reset, and the call not carried out.
    pub fn reset_before() -> Self {
        Self::Reset(Moment::Before)
    }

    /// The connection is reset when the call has taken effect.
    pub fn reset_after() -> Self {
        Self::Reset(Moment::After)
    }

    /// The calling process is killed, and the call not carried out.
    pub fn kill_before() -> Self {
        Self::Kill(Moment::Before)
    }

    /// The calling process is killed when the call has taken effect.
    pub fn kill_after() -> Self {
        Self::Kill(Moment::After)
    }
}

//! Definition of a fault, in Rust and in JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::emulators::{ErrorAnswer, Service};

/// Matches every operation.
pub(super) const ANY_OPERATION: &str = "*";

/// A failure to inject: which calls it strikes, its effect, and how often.
///
/// In JSON it has the same fields. Only `target` and `effect` are required:
///
/// ```
/// use paystream_local::{Effect, Fault, FaultTarget};
///
/// let fault: Fault = serde_json::from_str(
///     r#"{"target": "dynamodb", "operation": "PutItem", "from": "PaymentApi", "effect": {"reset": "after"}, "count": 1}"#,
/// )?;
/// let same = Fault::new(FaultTarget::DynamoDb, Effect::reset_after()).operation("PutItem").from("PaymentApi").count(1);
/// assert_eq!(fault, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Target of the calls.
    pub target: FaultTarget,
    /// Operation of the calls: as the service spells it (`Connect` for a new connection to a broker), `Invoke` for a function, a route of an API as the template
    /// spells it (`GET /payments`), or `*` for all (the default).
    #[serde(default = "any_operation")]
    pub operation: String,
    /// Effect on a call.
    pub effect: Effect,
    /// Restricts the fault to calls of this function, by its logical id. Not allowed if the target is a function.
    /// Callers of an API are identified by their signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Number of matching calls that pass first.
    #[serde(default)]
    pub skip: u64,
    /// Maximum number of calls that the fault strikes; no limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Probability that the fault strikes a call that matches and is not skipped: above 0 and at most 1 (the default).
    #[serde(default = "always")]
    pub probability: f64,
    /// Random seed. The same seed and the same order of calls give the same result.
    #[serde(default)]
    pub seed: u64,
}

/// Target of a fault. In JSON and as text: `kinesis`, `dynamodb`, `secretsmanager`, `kafka`, `rabbitmq`, or the logical id
/// of a function or an API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum FaultTarget {
    /// The Kinesis emulator.
    Kinesis,
    /// The DynamoDB emulator.
    DynamoDb,
    /// The Secrets Manager emulator.
    SecretsManager,
    /// The Kafka brokers, through the proxy before them.
    Kafka,
    /// The RabbitMQ broker, through the proxy before it.
    RabbitMq,
    /// A function (its invocations) or an API (its requests, from any client), by logical id.
    Resource(String),
}

/// Effect of a fault on a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The call returns this error, in the format of the service or of API Gateway, and is not executed. An invocation
    /// fails with it.
    Error(ErrorAnswer),
    /// The call is throttled: `ProvisionedThroughputExceededException` of either service, `TooManyRequestsException` of
    /// Lambda and of API Gateway.
    Throttle,
    /// The call is delayed by this many milliseconds, at most one minute; later faults still apply.
    LatencyMs(u64),
    /// The TCP connection is reset. For an invocation, the event or the response is lost. A broker's response counts as
    /// lost with it; `before` on `Connect` refuses the connection.
    Reset(Moment),
    /// The calling process is killed (SIGKILL), and has ended before anything else happens. For an invocation, the
    /// sandbox that would run it, or has run it, is killed.
    Kill(Moment),
    /// `PutRecords` only: each entry is rejected with this probability, and the others are written.
    Partial(f64),
    /// Kinesis only: the call is held in flight for a random time of up to this many milliseconds, at most one minute, so
    /// that calls in flight at the same time arrive in another order. The entries of `PutRecords` are written in random
    /// order. Kinesis guarantees neither order.
    Reorder(u64),
}

/// Moment of a reset or kill, relative to the execution of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before: the call is not executed.
    Before,
    /// After: the call is executed, and its response is lost.
    After,
}

fn any_operation() -> String {
    ANY_OPERATION.to_owned()
}

fn always() -> f64 {
    1.0
}

impl Fault {
    /// Creates a fault that strikes every call of the target.
    pub fn new(target: FaultTarget, effect: Effect) -> Self {
        let (operation, probability) = (any_operation(), always());
        Self { target, operation, effect, from: None, skip: 0, count: None, probability, seed: 0 }
    }

    /// Restricts the fault to this operation.
    #[must_use]
    pub fn operation(self, operation: impl Into<String>) -> Self {
        Self { operation: operation.into(), ..self }
    }

    /// Restricts the fault to calls of this function.
    #[must_use]
    pub fn from(self, function: impl Into<String>) -> Self {
        Self { from: Some(function.into()), ..self }
    }

    /// Lets this many matching calls pass first.
    #[must_use]
    pub fn skip(self, calls: u64) -> Self {
        Self { skip: calls, ..self }
    }

    /// Limits the number of calls that the fault strikes.
    #[must_use]
    pub fn count(self, times: u64) -> Self {
        Self { count: Some(times), ..self }
    }

    /// Sets the probability and the random seed.
    #[must_use]
    pub fn probability(self, probability: f64, seed: u64) -> Self {
        Self { probability, seed, ..self }
    }

    /// Sets the random seed, and leaves the probability.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

impl FaultTarget {
    /// A function, by its logical id.
    pub fn function(logical_id: impl Into<String>) -> Self {
        Self::Resource(logical_id.into())
    }

    /// An API, by its logical id.
    pub fn api(logical_id: impl Into<String>) -> Self {
        Self::Resource(logical_id.into())
    }
}

impl From<Service> for FaultTarget {
    fn from(service: Service) -> Self {
        match service {
            Service::Kinesis => Self::Kinesis,
            Service::DynamoDb => Self::DynamoDb,
            Service::SecretsManager => Self::SecretsManager,
            Service::Kafka => Self::Kafka,
            Service::RabbitMq => Self::RabbitMq,
        }
    }
}

impl From<String> for FaultTarget {
    fn from(text: String) -> Self {
        match text.as_str() {
            "kinesis" => Self::Kinesis,
            "dynamodb" => Self::DynamoDb,
            "secretsmanager" => Self::SecretsManager,
            "kafka" => Self::Kafka,
            "rabbitmq" => Self::RabbitMq,
            _ => Self::Resource(text),
        }
    }
}

impl From<FaultTarget> for String {
    fn from(target: FaultTarget) -> Self {
        target.to_string()
    }
}

impl fmt::Display for FaultTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kinesis => "kinesis",
            Self::DynamoDb => "dynamodb",
            Self::SecretsManager => "secretsmanager",
            Self::Kafka => "kafka",
            Self::RabbitMq => "rabbitmq",
            Self::Resource(logical_id) => logical_id,
        })
    }
}

impl Effect {
    /// An error with this code, and the default message and status.
    pub fn error(code: impl Into<String>) -> Self {
        Self::Error(ErrorAnswer { code: code.into(), message: None, status: None })
    }

    /// The connection is reset, and the call is not executed.
    pub fn reset_before() -> Self {
        Self::Reset(Moment::Before)
    }

    /// The connection is reset after the call has been executed.
    pub fn reset_after() -> Self {
        Self::Reset(Moment::After)
    }

    /// The calling process is killed, and the call is not executed.
    pub fn kill_before() -> Self {
        Self::Kill(Moment::Before)
    }

    /// The calling process is killed after the call has been executed.
    pub fn kill_after() -> Self {
        Self::Kill(Moment::After)
    }
}

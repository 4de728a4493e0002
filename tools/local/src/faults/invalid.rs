//! Validation of faults.

use std::collections::BTreeMap;

use super::fault::{ANY_OPERATION, Effect, Fault, FaultTarget};
use crate::emulators::Service;

/// Maximum number of injected faults, spent ones included.
pub(super) const FAULTS_MAX: usize = 1000;
/// Longer than any client waits.
const LATENCY_MS_MAX: u64 = 60_000;
/// An error code is sent in a header.
const CODE_CHARS_MAX: usize = 128;
/// The only operation of a function.
pub(super) const INVOKE: &str = "Invoke";

/// Reasons for which a fault is rejected. Nothing has been injected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFault {
    /// The JSON is not a fault.
    #[error("{0}")]
    Malformed(String),
    /// The target is neither a function of the template nor an API with routes.
    #[error("target: unknown function or API {name:?}{}", listed(resources))]
    UnknownTarget {
        /// Name given.
        name: String,
        /// Functions and APIs of the environment, by logical id.
        resources: Vec<String>,
    },
    /// `from` is not a function of the template.
    #[error("from: unknown function {name:?}{}", listed(functions))]
    UnknownFunction {
        /// Name given.
        name: String,
        /// Functions of the environment, by logical id.
        functions: Vec<String>,
    },
    /// The target has no such operation.
    #[error(
        "operation: {target} has no operation {operation:?}: {}, or leave it out to match all",
        spelling_of(target)
    )]
    UnknownOperation {
        /// Target of the fault.
        target: FaultTarget,
        /// Operation given.
        operation: String,
    },
    /// The API has no such route.
    #[error("operation: {target} has no route {operation:?}{}", listed(routes))]
    UnknownRoute {
        /// Target of the fault.
        target: FaultTarget,
        /// Operation given.
        operation: String,
        /// Routes of the API.
        routes: Vec<String>,
    },
    /// `from` with a function as the target.
    #[error("from: invocations of a function have no calling function: leave it out")]
    FromOfInvocation,
    /// A probability outside its bounds. Holds the field.
    #[error("{0}: a probability must be above 0 and at most 1")]
    Probability(&'static str),
    /// The fault would strike no call.
    #[error("count: must be at least 1; leave it out for no limit")]
    CountOfNone,
    /// A latency outside its bounds.
    #[error("effect: latency_ms must be from 1 to {LATENCY_MS_MAX}")]
    Latency,
    /// An error code with other characters, or too long.
    #[error(
        "effect: an error's code must be 1 to {CODE_CHARS_MAX} letters, digits or dots, such as InternalServerError"
    )]
    ErrorCode,
    /// A status that is not an error.
    #[error("effect: an error's status must be from 400 to 599")]
    ErrorStatus,
    /// A status for an invocation, whose error is not an HTTP response.
    #[error("effect: the error of a function has no status: leave it out")]
    StatusOfFunction,
    /// `partial` for anything but `PutRecords`, the only operation with a result for each entry.
    #[error("effect: partial needs the target kinesis and the operation PutRecords")]
    PartialOfOther,
    /// `reorder` for anything but Kinesis.
    #[error("effect: reorder needs the target kinesis")]
    ReorderOfOther,
    /// An effect that needs a protocol with errors of its own, for a message broker.
    #[error("effect: {target} is a message broker: its calls can have latency_ms, reset or kill")]
    EffectOfBroker {
        /// Target of the fault.
        target: FaultTarget,
    },
    /// `kill` for any client of an API.
    #[error("effect: kill on an API needs from: only functions can be killed")]
    KillOfAnybody,
    /// `kill` in an environment without functions.
    #[error("effect: kill needs functions, and this environment runs none")]
    NothingToKill,
    /// Too many faults.
    #[error("at most {FAULTS_MAX} faults can be injected, spent ones included: delete some first")]
    TooMany,
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { "; none are known here".to_owned() } else { format!("; known are {}", known.join(", ")) }
}

/// Returns how the operations of a target are spelled, for a message.
fn spelling_of(target: &FaultTarget) -> &'static str {
    match target {
        FaultTarget::Kafka => "spell it as the Kafka protocol does (Produce, Fetch, Metadata), or Connect",
        FaultTarget::RabbitMq => "known are Connect, Publish, Ack, Nack and those that docs/local-environment.md lists",
        FaultTarget::Kinesis | FaultTarget::DynamoDb | FaultTarget::SecretsManager | FaultTarget::Resource(_) => {
            "spell it as the AWS API does"
        }
    }
}

/// Names that a fault may refer to.
pub(super) struct KnownTargets<'a> {
    /// Logical ids of the functions; `None` if every caller counts as a function.
    pub(super) functions: Option<&'a [String]>,
    /// Routes of the APIs.
    pub(super) apis: &'a Apis,
}

/// Routes (`GET /payments`) of each API, by its logical id.
pub(super) type Apis = BTreeMap<String, Vec<String>>;

/// Kind of a known target.
#[derive(Clone, Copy)]
enum TargetKind<'a> {
    Service(Service),
    Function,
    Api(&'a [String]),
}

impl<'a> KnownTargets<'a> {
    fn kind_of(&self, target: &FaultTarget) -> Result<TargetKind<'a>, InvalidFault> {
        let name = match target {
            FaultTarget::Kinesis => return Ok(TargetKind::Service(Service::Kinesis)),
            FaultTarget::DynamoDb => return Ok(TargetKind::Service(Service::DynamoDb)),
            FaultTarget::SecretsManager => return Ok(TargetKind::Service(Service::SecretsManager)),
            FaultTarget::Kafka => return Ok(TargetKind::Service(Service::Kafka)),
            FaultTarget::RabbitMq => return Ok(TargetKind::Service(Service::RabbitMq)),
            FaultTarget::Resource(name) => name,
        };
        let functions = self.functions.unwrap_or_default();
        match self.apis.get(name) {
            Some(routes) => Ok(TargetKind::Api(routes)),
            None if functions.contains(name) => Ok(TargetKind::Function),
            None => {
                let resources = functions.iter().chain(self.apis.keys()).cloned().collect();
                Err(InvalidFault::UnknownTarget { name: name.clone(), resources })
            }
        }
    }
}

/// Rejects a fault that could never strike as written.
pub(super) fn check(fault: &Fault, known: &KnownTargets<'_>) -> Result<(), InvalidFault> {
    let kind = known.kind_of(&fault.target)?;
    if let (TargetKind::Function, Some(_)) = (kind, &fault.from) {
        return Err(InvalidFault::FromOfInvocation);
    }
    if let (Some(name), Some(functions)) = (&fault.from, known.functions)
        && !functions.contains(name)
    {
        return Err(InvalidFault::UnknownFunction { name: name.clone(), functions: functions.to_vec() });
    }
    if fault.operation != ANY_OPERATION {
        check_operation(fault, kind)?;
    }
    if fault.count == Some(0) {
        return Err(InvalidFault::CountOfNone);
    }
    probability("probability", fault.probability)?;
    check_effect(fault, kind, known.functions.is_some())
}

fn check_operation(fault: &Fault, kind: TargetKind<'_>) -> Result<(), InvalidFault> {
    let (target, operation) = (fault.target.clone(), fault.operation.clone());
    match kind {
        TargetKind::Service(service) if !service.knows(&operation) => {
            Err(InvalidFault::UnknownOperation { target, operation })
        }
        TargetKind::Function if operation != INVOKE => Err(InvalidFault::UnknownOperation { target, operation }),
        TargetKind::Api(routes) if !routes.contains(&operation) => {
            Err(InvalidFault::UnknownRoute { target, operation, routes: routes.to_vec() })
        }
        _ => Ok(()),
    }
}

fn check_effect(fault: &Fault, kind: TargetKind<'_>, are_processes: bool) -> Result<(), InvalidFault> {
    if matches!(kind, TargetKind::Service(service) if service.is_broker())
        && matches!(fault.effect, Effect::Error(_) | Effect::Throttle | Effect::Partial(_) | Effect::Reorder(_))
    {
        return Err(InvalidFault::EffectOfBroker { target: fault.target.clone() });
    }
    match &fault.effect {
        Effect::Error(error) => {
            let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
            if !(1..=CODE_CHARS_MAX).contains(&error.code.len()) || !error.code.bytes().all(is_code) {
                return Err(InvalidFault::ErrorCode);
            }
            match (error.status, kind) {
                (Some(_), TargetKind::Function) => Err(InvalidFault::StatusOfFunction),
                (Some(status), _) if !(400..=599).contains(&status) => Err(InvalidFault::ErrorStatus),
                _ => Ok(()),
            }
        }
        Effect::LatencyMs(latency_ms) if !(1..=LATENCY_MS_MAX).contains(latency_ms) => Err(InvalidFault::Latency),
        Effect::Kill(_) if !are_processes => Err(InvalidFault::NothingToKill),
        Effect::Kill(_) if matches!(kind, TargetKind::Api(_)) && fault.from.is_none() => {
            Err(InvalidFault::KillOfAnybody)
        }
        Effect::Partial(of_entry) => match kind {
            TargetKind::Service(Service::Kinesis) if fault.operation == "PutRecords" => {
                probability("effect: partial", *of_entry)
            }
            _ => Err(InvalidFault::PartialOfOther),
        },
        Effect::Reorder(_) if !matches!(kind, TargetKind::Service(Service::Kinesis)) => {
            Err(InvalidFault::ReorderOfOther)
        }
        Effect::Reorder(held_ms_max) if *held_ms_max > LATENCY_MS_MAX => Err(InvalidFault::Latency),
        _ => Ok(()),
    }
}

fn probability(field: &'static str, probability: f64) -> Result<(), InvalidFault> {
    let is_one = probability > 0.0 && probability <= 1.0;
    if is_one { Ok(()) } else { Err(InvalidFault::Probability(field)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulators::ErrorAnswer;

    #[test]
    fn a_fault_that_can_never_strike_is_rejected_with_its_field() {
        let functions = ["OrderApi".to_owned(), "PaymentApi".to_owned()];
        let apis = Apis::from([("PaymentsApi".to_owned(), vec!["GET /payments".to_owned()])]);
        let payments = |effect| Fault::new(FaultTarget::api("PaymentsApi"), effect);
        let throttle = |target| Fault::new(target, Effect::Throttle);
        let dynamodb = |effect| Fault::new(FaultTarget::DynamoDb, effect);
        let api = || FaultTarget::function("PaymentApi");
        let answer = |code: &str, status| Effect::Error(ErrorAnswer { code: code.to_owned(), message: None, status });
        for (fault, refusal) in [
            (
                throttle(FaultTarget::function("Payment")),
                "target: unknown function or API \"Payment\"; known are OrderApi, PaymentApi, PaymentsApi",
            ),
            (throttle(FaultTarget::Kinesis).from("kinesis"), "from: unknown function \"kinesis\"; known are"),
            (throttle(api()).from("OrderApi"), "from: invocations of a function have no calling function"),
            (
                throttle(FaultTarget::DynamoDb).operation("PutItems"),
                "operation: dynamodb has no operation \"PutItems\"",
            ),
            (throttle(FaultTarget::Kinesis).operation("PutItem"), "operation: kinesis has no operation \"PutItem\""),
            (
                throttle(FaultTarget::Kafka),
                "effect: kafka is a message broker: its calls can have latency_ms, reset or kill",
            ),
            (Fault::new(FaultTarget::RabbitMq, Effect::error("Boom")), "effect: rabbitmq is a message broker"),
            (Fault::new(FaultTarget::RabbitMq, Effect::Reorder(5)), "effect: rabbitmq is a message broker"),
            (Fault::new(FaultTarget::Kafka, Effect::Partial(0.5)), "effect: kafka is a message broker"),
            (
                Fault::new(FaultTarget::Kafka, Effect::reset_after()).operation("PutRecord"),
                "operation: kafka has no operation \"PutRecord\": spell it as the Kafka protocol does",
            ),
            (
                Fault::new(FaultTarget::RabbitMq, Effect::reset_after()).operation("Produce"),
                "operation: rabbitmq has no operation \"Produce\": known are Connect, Publish",
            ),
            (throttle(api()).operation("PutItem"), "operation: PaymentApi has no operation \"PutItem\""),
            (
                payments(Effect::Throttle).operation("/payments"),
                "operation: PaymentsApi has no route \"/payments\"; known are GET /payments",
            ),
            (payments(Effect::kill_before()), "effect: kill on an API needs from"),
            (payments(answer("Boom", Some(399))), "effect: an error's status must be from 400 to 599"),
            (payments(Effect::Partial(0.5)), "effect: partial needs the target kinesis"),
            (throttle(FaultTarget::Kinesis).count(0), "count: must be at least 1"),
            (
                throttle(FaultTarget::Kinesis).probability(0.0, 1),
                "probability: a probability must be above 0 and at most 1",
            ),
            (throttle(FaultTarget::Kinesis).probability(1.01, 1), "probability: a probability"),
            (throttle(FaultTarget::Kinesis).probability(f64::NAN, 1), "probability: a probability"),
            (dynamodb(Effect::LatencyMs(0)), "effect: latency_ms must be from 1 to 60000"),
            (dynamodb(Effect::LatencyMs(60_001)), "effect: latency_ms"),
            (dynamodb(Effect::error("")), "effect: an error's code"),
            (dynamodb(Effect::error("a#b")), "effect: an error's code"),
            (dynamodb(Effect::error("a".repeat(129))), "effect: an error's code"),
            (dynamodb(answer("Boom", Some(399))), "effect: an error's status must be from 400 to 599"),
            (dynamodb(answer("Boom", Some(600))), "effect: an error's status"),
            (Fault::new(api(), answer("Boom", Some(500))), "effect: the error of a function has no status"),
            (dynamodb(Effect::Partial(0.5)).operation("PutItem"), "effect: partial needs the target kinesis"),
            (Fault::new(FaultTarget::Kinesis, Effect::Partial(0.5)), "effect: partial needs the target kinesis"),
            (dynamodb(Effect::Reorder(5)), "effect: reorder needs the target kinesis"),
            (Fault::new(FaultTarget::Kinesis, Effect::Reorder(60_001)), "effect: latency_ms"),
            (
                Fault::new(FaultTarget::Kinesis, Effect::Partial(1.5)).operation("PutRecords"),
                "effect: partial: a probability",
            ),
        ] {
            let error =
                check(&fault, &KnownTargets { functions: Some(&functions), apis: &apis }).unwrap_err().to_string();
            assert!(error.starts_with(refusal), "{error}");
        }
    }

    #[test]
    fn valid_faults_are_accepted() {
        let functions = ["PaymentApi".to_owned()];
        let apis = Apis::from([("PaymentsApi".to_owned(), vec!["GET /payments".to_owned()])]);
        let unavailable = Effect::Error(ErrorAnswer { code: "Down".to_owned(), message: None, status: Some(503) });
        let error = ErrorAnswer { code: "Runtime.ExitError".to_owned(), message: Some(String::new()), status: None };
        for fault in [
            Fault::new(FaultTarget::function("PaymentApi"), Effect::Error(error)).operation("Invoke"),
            Fault::new(FaultTarget::function("PaymentApi"), Effect::kill_after()).operation("*"),
            Fault::new(FaultTarget::DynamoDb, Effect::kill_before()).operation("TransactWriteItems").from("PaymentApi"),
            Fault::new(FaultTarget::Kinesis, Effect::Partial(1.0)).operation("PutRecords").probability(1.0, u64::MAX),
            Fault::new(FaultTarget::api("PaymentsApi"), unavailable).operation("GET /payments"),
            Fault::new(FaultTarget::Kafka, Effect::kill_after()).operation("Produce").from("PaymentApi"),
            Fault::new(FaultTarget::RabbitMq, Effect::reset_before()).operation("Connect"),
            Fault::new(FaultTarget::api("PaymentsApi"), Effect::kill_after()).from("PaymentApi"),
            Fault::new(FaultTarget::Kinesis, Effect::LatencyMs(60_000)).skip(u64::MAX).count(u64::MAX),
        ] {
            assert_eq!(check(&fault, &KnownTargets { functions: Some(&functions), apis: &apis }), Ok(()), "{fault:?}");
        }
    }
}

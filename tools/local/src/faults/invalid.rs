//! Why a fault is refused, and what to do about it.

use std::collections::BTreeMap;

use super::fault::{ANY_OPERATION, Effect, Fault, Target};
use crate::emulators::Service;

/// Faults at once, spent ones included.
pub(super) const FAULTS_MAX: usize = 1000;
/// Longer than anything waits.
const LATENCY_MS_MAX: u64 = 60_000;
/// An error code goes into a header.
const CODE_CHARS_MAX: usize = 128;
/// The only operation of a function.
pub(super) const INVOKE: &str = "Invoke";

/// A fault that could never happen as it is written. Nothing has been injected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFault {
    /// It is no fault in JSON.
    #[error("{0}")]
    Malformed(String),
    /// The target is no function of the template and no API with routes.
    #[error("target: there is no function and no API {name:?}{}", listed(resources))]
    UnknownTarget {
        /// The name.
        name: String,
        /// The functions and APIs that there are, by logical id.
        resources: Vec<String>,
    },
    /// `from` is no function of the template.
    #[error("from: there is no function {name:?}{}", listed(functions))]
    UnknownFunction {
        /// The name.
        name: String,
        /// The functions that there are, by logical id.
        functions: Vec<String>,
    },
    /// The target has no such operation.
    #[error("operation: {target} has no operation {operation:?}: spell it as the API does, or leave it out for all")]
    UnknownOperation {
        /// The target.
        target: Target,
        /// What was given.
        operation: String,
    },
    /// The API has no such route.
    #[error("operation: {target} has no route {operation:?}{}", listed(routes))]
    UnknownRoute {
        /// The target.
        target: Target,
        /// What was given.
        operation: String,
        /// The routes that there are.
        routes: Vec<String>,
    },
    /// The target is a function.
    #[error("from: invocations of a function come from no function: leave it out")]
    FromOfInvocation,
    /// Not above 0 and at most 1.
    #[error("{0}: a probability is above 0 and at most 1")]
    Probability(&'static str),
    /// It would never happen.
    #[error("count: 0 would be no fault: give how often it happens at most, or leave it out")]
    CountOfNone,
    /// Too long.
    #[error("effect: latency_ms is at least 1 and at most {LATENCY_MS_MAX}")]
    Latency,
    /// No code.
    #[error(
        "effect: an error's code is its name alone, for example InternalServerError: 1 to {CODE_CHARS_MAX} of A-Za-z0-9."
    )]
    ErrorCode,
    /// No error status.
    #[error("effect: an error's status is from 400 to 599")]
    ErrorStatus,
    /// A function's error is no HTTP answer.
    #[error("effect: the error of a function has no status: leave it out")]
    StatusOfFunction,
    /// Nothing else answers entry by entry.
    #[error("effect: only kinesis and its operation PutRecords can fail in part: name both")]
    PartialOfOther,
    /// Anybody may call an API.
    #[error("effect: of those who call an API only functions can be killed: name one in from")]
    KillOfAnybody,
    /// The callers are not processes of this environment.
    #[error("effect: there are no functions here that could be killed")]
    NothingToKill,
    /// Too many.
    #[error("there can be {FAULTS_MAX} faults at once, spent ones included: delete those that are done with")]
    TooMany,
}

fn listed(functions: &[String]) -> String {
    if functions.is_empty() {
        ": there are none here".to_owned()
    } else {
        format!(": there are {}", functions.join(", "))
    }
}

/// What a fault may name.
pub(super) struct KnownTargets<'a> {
    /// The logical ids of the functions, or none where everyone who calls is taken for a function.
    pub(super) functions: Option<&'a [String]>,
    /// The routes of each API, by its logical id.
    pub(super) apis: &'a Apis,
}

/// The routes of each API, by its logical id: `GET /payments`.
pub(super) type Apis = BTreeMap<String, Vec<String>>;

/// What a target is, among what is known.
#[derive(Clone, Copy)]
enum TargetKind<'a> {
    Service(Service),
    Function,
    Api(&'a [String]),
}

impl<'a> KnownTargets<'a> {
    fn kind_of(&self, target: &Target) -> Result<TargetKind<'a>, InvalidFault> {
        let name = match target {
            Target::Kinesis => return Ok(TargetKind::Service(Service::Kinesis)),
            Target::DynamoDb => return Ok(TargetKind::Service(Service::DynamoDb)),
            Target::Resource(name) => name,
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

/// Refuses what could never happen.
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
    fn what_could_never_happen_is_refused_by_name() {
        let functions = ["OrderApi".to_owned(), "PaymentApi".to_owned()];
        let apis = Apis::from([("PaymentsApi".to_owned(), vec!["GET /payments".to_owned()])]);
        let payments = |effect| Fault::new(Target::api("PaymentsApi"), effect);
        let throttle = |target| Fault::new(target, Effect::Throttle);
        let dynamodb = |effect| Fault::new(Target::DynamoDb, effect);
        let api = || Target::function("PaymentApi");
        let answer = |code: &str, status| Effect::Error(ErrorAnswer { code: code.to_owned(), message: None, status });
        for (fault, refusal) in [
            (
                throttle(Target::function("Payment")),
                "target: there is no function and no API \"Payment\": there are OrderApi, PaymentApi, PaymentsApi",
            ),
            (throttle(Target::Kinesis).from("kinesis"), "from: there is no function \"kinesis\": there are"),
            (throttle(api()).from("OrderApi"), "from: invocations of a function come from no function"),
            (throttle(Target::DynamoDb).operation("PutItems"), "operation: dynamodb has no operation \"PutItems\""),
            (throttle(Target::Kinesis).operation("PutItem"), "operation: kinesis has no operation \"PutItem\""),
            (throttle(api()).operation("PutItem"), "operation: PaymentApi has no operation \"PutItem\""),
            (
                payments(Effect::Throttle).operation("/payments"),
                "operation: PaymentsApi has no route \"/payments\": there are GET /payments",
            ),
            (payments(Effect::kill_before()), "effect: of those who call an API only functions can be killed"),
            (payments(answer("Boom", Some(399))), "effect: an error's status is from 400 to 599"),
            (payments(Effect::Partial(0.5)), "effect: only kinesis and its operation PutRecords"),
            (throttle(Target::Kinesis).count(0), "count: 0 would be no fault"),
            (throttle(Target::Kinesis).probability(0.0, 1), "probability: a probability is above 0 and at most 1"),
            (throttle(Target::Kinesis).probability(1.01, 1), "probability: a probability"),
            (throttle(Target::Kinesis).probability(f64::NAN, 1), "probability: a probability"),
            (dynamodb(Effect::LatencyMs(0)), "effect: latency_ms is at least 1 and at most 60000"),
            (dynamodb(Effect::LatencyMs(60_001)), "effect: latency_ms"),
            (dynamodb(Effect::error("")), "effect: an error's code"),
            (dynamodb(Effect::error("a#b")), "effect: an error's code"),
            (dynamodb(Effect::error("a".repeat(129))), "effect: an error's code"),
            (dynamodb(answer("Boom", Some(399))), "effect: an error's status is from 400 to 599"),
            (dynamodb(answer("Boom", Some(600))), "effect: an error's status"),
            (Fault::new(api(), answer("Boom", Some(500))), "effect: the error of a function has no status"),
            (dynamodb(Effect::Partial(0.5)).operation("PutItem"), "effect: only kinesis and its operation PutRecords"),
            (Fault::new(Target::Kinesis, Effect::Partial(0.5)), "effect: only kinesis and its operation PutRecords"),
            (
                Fault::new(Target::Kinesis, Effect::Partial(1.5)).operation("PutRecords"),
                "effect: partial: a probability",
            ),
        ] {
            let error =
                check(&fault, &KnownTargets { functions: Some(&functions), apis: &apis }).unwrap_err().to_string();
            assert!(error.starts_with(refusal), "{error}");
        }
    }

    #[test]
    fn what_may_happen_is_taken() {
        let functions = ["PaymentApi".to_owned()];
        let apis = Apis::from([("PaymentsApi".to_owned(), vec!["GET /payments".to_owned()])]);
        let unavailable = Effect::Error(ErrorAnswer { code: "Down".to_owned(), message: None, status: Some(503) });
        let error = ErrorAnswer { code: "Runtime.ExitError".to_owned(), message: Some(String::new()), status: None };
        for fault in [
            Fault::new(Target::function("PaymentApi"), Effect::Error(error)).operation("Invoke"),
            Fault::new(Target::function("PaymentApi"), Effect::kill_after()).operation("*"),
            Fault::new(Target::DynamoDb, Effect::kill_before()).operation("TransactWriteItems").from("PaymentApi"),
            Fault::new(Target::Kinesis, Effect::Partial(1.0)).operation("PutRecords").probability(1.0, u64::MAX),
            Fault::new(Target::api("PaymentsApi"), unavailable).operation("GET /payments"),
            Fault::new(Target::api("PaymentsApi"), Effect::kill_after()).from("PaymentApi"),
            Fault::new(Target::Kinesis, Effect::LatencyMs(60_000)).skip(u64::MAX).count(u64::MAX),
        ] {
            assert_eq!(check(&fault, &KnownTargets { functions: Some(&functions), apis: &apis }), Ok(()), "{fault:?}");
        }
    }
}

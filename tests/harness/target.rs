//! Target and hub of the end-to-end tests, and the tests that they skip.
//!
//! Every test runs on every target and over every hub, unless it declares with [`skip_without`] what it needs beyond
//! requests and tables. If the target or the hub lacks it, the test is skipped and prints the reason; docs/parity.md lists
//! all skipped tests.

use std::fmt;
use std::io::Write;

use paystream_local::HubKind;

/// Variable that selects the target.
const VARIABLE: &str = "PAYSTREAM_TARGET";
/// Variable that selects the hub of local environments.
const HUB_VARIABLE: &str = "PAYSTREAM_HUB";

/// Place where the system under test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestTarget {
    /// A local environment in the test process, one per test.
    Embedded,
    /// A stack on LocalStack, shared by all tests.
    LocalStack,
    /// A stack on AWS, shared by all tests and possibly other users.
    Aws,
}

/// Capability that some tests need and some targets lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Faults in calls between functions and services.
    Faults,
    /// Killing function processes.
    Kill,
    /// Counting the calls of functions.
    Calls,
    /// Template parameters other than the defaults.
    Parameters,
    /// Reading the complete log of the functions.
    Log,
    /// Restarting the whole system with its tables.
    Restart,
    /// Exclusive use of the system.
    Alone,
    /// The API documents, which the local environment serves.
    Documents,
    /// API Gateway's own limit on the size of a body.
    GatewayLimit,
    /// Kinesis, or the `direct` publish mode, which only Kinesis has.
    Kinesis,
}

impl TestTarget {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Embedded, Self::LocalStack, Self::Aws];

    /// The target that `PAYSTREAM_TARGET` names; embedded if it is unset.
    ///
    /// # Panics
    /// If there is no target of that name.
    pub fn current() -> Self {
        let name = std::env::var_os(VARIABLE).unwrap_or_default();
        Self::named(&name.to_string_lossy()).unwrap_or_else(|reason| panic!("{VARIABLE} {reason}"))
    }

    /// The target of this name; embedded for the empty string.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|target| name == target.to_string());
        let found = found.or_else(|| name.is_empty().then_some(Self::Embedded));
        found.ok_or_else(|| format!("is {name:?}, and must be embedded, localstack or aws"))
    }

    /// Why the target lacks this capability, or `None` if it has it.
    pub fn lacks(self, need: Need) -> Option<&'static str> {
        match (self, need) {
            (Self::Embedded, _) | (_, Need::Kinesis) | (Self::Aws, Need::GatewayLimit) => None,
            (Self::LocalStack, Need::GatewayLimit) => Some("its API Gateway accepts bodies of any size"),
            (_, Need::Faults | Need::Calls) => Some("no proxy sits between functions and services"),
            (_, Need::Kill) => Some("function processes cannot be killed"),
            (_, Need::Log) => Some("its log is shared by all tests and delayed"),
            (_, Need::Parameters | Need::Restart | Need::Alone) => Some("one stack is shared by all tests"),
            (_, Need::Documents) => Some("it serves only the routes of the APIs"),
        }
    }
}

impl fmt::Display for TestTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::LocalStack => "localstack",
            Self::Aws => "aws",
        })
    }
}

impl Need {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Faults,
        Self::Kill,
        Self::Calls,
        Self::Parameters,
        Self::Log,
        Self::Restart,
        Self::Alone,
        Self::Documents,
        Self::GatewayLimit,
        Self::Kinesis,
    ];
}

/// The hub of local environments that `PAYSTREAM_HUB` names; Kinesis if it is unset. A broker's address is in
/// `PAYSTREAM_KAFKA` or `PAYSTREAM_RABBITMQ`.
///
/// # Panics
/// If there is no hub of that name, or if `PAYSTREAM_TARGET` selects a deployed stack, which has its own hub.
pub fn current_hub() -> HubKind {
    let Some(name) = std::env::var_os(HUB_VARIABLE) else { return HubKind::Kinesis };
    let name = name.to_string_lossy();
    let hub =
        name.parse().unwrap_or_else(|_| panic!("{HUB_VARIABLE} is {name:?}, and must be kinesis, kafka or rabbitmq"));
    let target = TestTarget::current();
    assert!(
        hub == HubKind::Kinesis || target == TestTarget::Embedded,
        "{HUB_VARIABLE} selects the hub of local environments, but {VARIABLE} is {target}"
    );
    hub
}

/// Why a local environment over this hub lacks a capability, or why the test is not run again over it; `None` if it has
/// the capability.
pub fn hub_lacks(hub: HubKind, need: Need) -> Option<&'static str> {
    match (hub, need) {
        (HubKind::Kinesis, _) => None,
        (_, Need::Kinesis) => Some("the test is about Kinesis or the `direct` publish mode"),
        (_, Need::Parameters) => Some("the parameters are those of the APIs, which are the same over every hub"),
        (_, Need::Documents) => Some("the documents are the same over every hub"),
        (_, Need::GatewayLimit) => Some("the gateway is the same over every hub"),
        _ => None,
    }
}

/// True if the calling test must be skipped because the target or the hub lacks one of these needs. Prints the reason in
/// that case.
///
/// # Panics
/// If `PAYSTREAM_TARGET` names no target, or `PAYSTREAM_HUB` no hub.
pub fn skip_without(needs: &[Need]) -> bool {
    let (target, hub) = (TestTarget::current(), current_hub());
    let reason = |need: Need| target.lacks(need).or_else(|| hub_lacks(hub, need));
    let lacking = needs.iter().find_map(|need| Some((need, reason(*need)?)));
    if let Some((need, reason)) = lacking {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        // Not with `eprintln!`, whose output the test runner shows for failing tests only.
        let _ = writeln!(std::io::stderr(), "skipped on {target} over {hub}: {test} needs {need:?}: {reason}");
    }
    lacking.is_some()
}

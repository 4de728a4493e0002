//! Which Paystream the end-to-end tests are run against, and what cannot be tested there.
//!
//! Every test runs on every target, unless it says by [`skip_without`] what it needs beyond requests and tables. Where that is
//! lacking it is passed over, by name and with the reason; docs/parity.md lists what that comes to.

use std::fmt;
use std::io::Write;

/// The variable that says which.
const VARIABLE: &str = "PAYSTREAM_TARGET";

/// Where a Paystream runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// In the process of the test, one for each test: the local environment.
    Embedded,
    /// Deployed on LocalStack, one for all tests.
    LocalStack,
    /// Deployed on AWS, one for all tests, and perhaps for others.
    Aws,
}

/// What some tests need, and not every target has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Making calls between functions and services go wrong.
    Faults,
    /// Killing the processes of a function.
    Kill,
    /// Counting the calls of functions.
    Calls,
    /// A system with parameters of the template other than their defaults.
    Parameters,
    /// Reading all that functions log.
    Log,
    /// Stopping the whole system and starting it again with its tables.
    Restart,
    /// A system that nobody else uses meanwhile.
    Alone,
    /// The documents that are served beside the APIs.
    Documents,
    /// The limit that API Gateway itself puts on a body.
    GatewayLimit,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Embedded, Self::LocalStack, Self::Aws];

    /// The one that `PAYSTREAM_TARGET` names; embedded, where it names none.
    ///
    /// # Panics
    /// Where there is none of that name.
    pub fn current() -> Self {
        let name = std::env::var_os(VARIABLE).unwrap_or_default();
        Self::named(&name.to_string_lossy()).unwrap_or_else(|reason| panic!("{VARIABLE} {reason}"))
    }

    /// The one of that name; embedded, for none.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|target| name == target.to_string());
        let found = found.or_else(|| name.is_empty().then_some(Self::Embedded));
        found.ok_or_else(|| format!("is {name:?}, and must be embedded, localstack or aws"))
    }

    /// Why it cannot give what is needed, if it cannot.
    pub fn lacks(self, need: Need) -> Option<&'static str> {
        match (self, need) {
            (Self::Embedded, _) | (Self::Aws, Need::GatewayLimit) => None,
            (Self::LocalStack, Need::GatewayLimit) => Some("its API Gateway takes bodies of any size"),
            (_, Need::Faults | Need::Calls) => Some("nothing stands between its functions and its services"),
            (_, Need::Kill) => Some("its functions' processes are out of reach"),
            (_, Need::Log) => Some("its log holds what all tests do, and comes late"),
            (_, Need::Parameters | Need::Restart | Need::Alone) => Some("its stack is deployed once, for all tests"),
            (_, Need::Documents) => Some("its APIs serve their own routes and nothing else"),
        }
    }
}

impl fmt::Display for Target {
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
    pub const ALL: [Self; 9] = [
        Self::Faults,
        Self::Kill,
        Self::Calls,
        Self::Parameters,
        Self::Log,
        Self::Restart,
        Self::Alone,
        Self::Documents,
        Self::GatewayLimit,
    ];
}

/// Whether the test that asks is to be passed over, because its target lacks something of this. Says so if it is.
///
/// # Panics
/// Where there is no such target.
pub fn skip_without(needs: &[Need]) -> bool {
    let target = Target::current();
    let lacking = needs.iter().find_map(|need| Some((need, target.lacks(*need)?)));
    if let Some((need, reason)) = lacking {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        // Not by `eprintln!`, which is shown of failing tests only.
        let _ = writeln!(std::io::stderr(), "skipped on {target}: {test} needs {need:?}, but {reason}");
    }
    lacking.is_some()
}

//! A whole system for one test: a local environment of its own, or a shared deployed stack.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_types::SdkConfig;
use payments_aws::PaymentsTable;
use paystream_client::{Client, Pace, emulator};
use paystream_local::{Environment, Functions, Hub, HubKind, Options, Profile, build_functions};

use crate::TestTarget;
use crate::deployed::Deployed;
use crate::hub::Broker;
use crate::log::TestLog;

/// Bound on every wait. Passing tests need a fraction of a second, or some seconds on a deployed stack; the margin is
/// for a busy machine.
pub(crate) const EVENTUALLY_MAX: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(5);
/// Poll interval on a deployed stack, where requests are shared and cost money.
const POLL_DEPLOYED: Duration = Duration::from_millis(100);

/// Package of the operator commands.
const COMMANDS: &str = "paystream-commands";

/// Function binaries of each hub, built once per test process.
static FUNCTIONS: [OnceLock<Functions>; 3] = [const { OnceLock::new() }; 3];

/// A running system and a client of its APIs. A local environment ends with the test.
pub struct Paystream {
    pub(crate) system: System,
    pub(crate) client: Client,
    /// Random part of all names that this test uses.
    mark: String,
    names: AtomicU32,
}

pub(crate) enum System {
    Embedded { environment: Box<Environment>, log: TestLog, broker: Option<Broker> },
    Deployed(Box<Deployed>),
}

impl Paystream {
    /// The system that `PAYSTREAM_TARGET` selects: a new local environment over the hub that `PAYSTREAM_HUB` selects, or
    /// the shared deployed stack.
    ///
    /// # Panics
    /// If it cannot be started or reached.
    pub async fn of_target() -> Self {
        match TestTarget::current() {
            TestTarget::Embedded => Self::of_hub(&[]).await,
            target => Self::new(System::Deployed(Box::new(Deployed::reach(target).await))),
        }
    }

    /// Starts a local environment that keeps its tables in memory.
    ///
    /// # Panics
    /// If the functions do not build or the environment does not start.
    pub async fn start() -> Self {
        Self::start_with(None, &[]).await
    }

    /// Starts a local environment with these template parameters.
    ///
    /// # Panics
    /// If the functions do not build or the environment does not start.
    pub async fn start_with_parameters(parameters: &[(&str, &str)]) -> Self {
        Self::start_with(None, parameters).await
    }

    /// Starts a local environment of each API flavour: `rest` and `http`.
    ///
    /// # Panics
    /// If the functions do not build or an environment does not start.
    pub async fn both_flavours() -> [(&'static str, Self); 2] {
        let start = async |flavour| (flavour, Self::start_with_parameters(&[("ApiFlavour", flavour)]).await);
        [start("rest").await, start("http").await]
    }

    /// Starts a local environment that keeps its tables in this directory.
    ///
    /// # Panics
    /// If the functions do not build or the environment does not start.
    pub async fn start_in(directory: &Path) -> Self {
        Self::start_with(Some(directory.to_owned()), &[]).await
    }

    /// Starts a local environment of another template, with its tables in memory.
    ///
    /// # Panics
    /// If the functions do not build or the environment does not start.
    pub async fn start_of(template: &Path) -> Self {
        Self::start_with_options(Options { template: template.to_owned(), ..Options::default() }).await
    }

    async fn start_with(data: Option<PathBuf>, parameters: &[(&str, &str)]) -> Self {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let template = workspace().join("template.yaml");
        Self::start_with_options(Options { template, data, parameters, ..Options::default() }).await
    }

    /// Starts a local environment with these options. Its log goes to the harness, whatever they say.
    ///
    /// # Panics
    /// If the functions do not build or the environment does not start.
    pub async fn start_with_options(options: Options) -> Self {
        let log = TestLog::default();
        let options = Options { log: log.sink(), ..options };
        let hub = options.hub.as_ref().map_or(HubKind::Kinesis, Hub::kind);
        let functions = match hub {
            HubKind::Kinesis => &FUNCTIONS[0],
            HubKind::Kafka => &FUNCTIONS[1],
            HubKind::RabbitMq => &FUNCTIONS[2],
        };
        let functions = functions.get_or_init(|| self::functions(&options));
        let (hub, parameters) = (options.hub.clone(), options.parameters.clone());
        let environment = Environment::start(options, functions).await.unwrap_or_else(|error| panic!("{error}"));
        let broker = match hub {
            Some(hub) => Some(Broker::reach(&hub, &parameters).await),
            None => None,
        };
        Self::new(System::Embedded { environment: Box::new(environment), log, broker })
    }

    fn new(system: System) -> Self {
        // Letters only: a long run of digits may look like a card number.
        let mark = std::iter::repeat_with(fastrand::lowercase).take(10).collect();
        let client = Client::new(match &system {
            System::Embedded { environment, .. } => paystream_client::Target::local(environment.url()),
            System::Deployed(deployed) => deployed.apis(),
        });
        Self { system, client, mark, names: AtomicU32::new(0) }
    }

    /// Shuts a local environment down. Does nothing on a deployed stack.
    pub async fn stop(self) {
        if let System::Embedded { environment, .. } = self.system {
            environment.shutdown().await;
        }
    }

    /// The local environment, for what the APIs do not offer.
    ///
    /// # Panics
    /// On a deployed stack. The test must declare its needs ([`crate::skip_without`]).
    pub fn environment(&self) -> &Environment {
        match &self.system {
            System::Embedded { environment, .. } => environment,
            System::Deployed(_) => panic!("a deployed stack has no local environment: `skip_without` is missing"),
        }
    }

    /// The log of the functions, if the target makes it readable.
    pub(crate) fn log(&self) -> Option<&TestLog> {
        match &self.system {
            System::Embedded { log, .. } => Some(log),
            System::Deployed(_) => None,
        }
    }

    /// The broker of an environment over another hub than Kinesis.
    pub(crate) fn broker(&self) -> Option<&Broker> {
        match &self.system {
            System::Embedded { broker, .. } => broker.as_ref(),
            System::Deployed(_) => None,
        }
    }

    /// Advice to print when the system does not respond.
    pub(crate) fn hint(&self) -> &'static str {
        match &self.system {
            System::Embedded { .. } => "",
            System::Deployed(deployed) => deployed.hint(),
        }
    }

    /// A unique name for an order or an idempotency key.
    pub fn name(&self, prefix: &str) -> String {
        format!("{prefix}-{}-{}", self.mark, self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// Kills every process of a function, in the middle of an invocation, too.
    ///
    /// # Panics
    /// If the template has no such function.
    pub async fn kill(&self, function: &str) {
        self.environment().kill_sandboxes(function).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The payments table, through the adapter of Payments.
    ///
    /// # Panics
    /// If the template has no such table.
    pub fn payments_table(&self) -> PaymentsTable {
        PaymentsTable::new(self.dynamodb(), self.physical_name("PaymentsTable"))
    }

    /// Physical name of a resource.
    ///
    /// # Panics
    /// If the stack has no such table or stream.
    pub fn physical_name(&self, logical_id: &str) -> &str {
        match &self.system {
            System::Embedded { environment, .. } => {
                environment.physical_name(logical_id).unwrap_or_else(|| panic!("no {logical_id}"))
            }
            System::Deployed(deployed) => deployed.output(logical_id),
        }
    }

    /// Client of the stack's tables.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk(Environment::dynamodb_url))
    }

    pub(crate) fn sdk(&self, endpoint: impl Fn(&Environment) -> &str) -> SdkConfig {
        match &self.system {
            System::Embedded { environment, .. } => emulator(endpoint(environment)),
            System::Deployed(deployed) => deployed.sdk().clone(),
        }
    }

    /// Number of items in a table.
    ///
    /// # Panics
    /// If the template has no such table.
    pub async fn item_count(&self, table: &str) -> u64 {
        let status = self.environment().status().await;
        status.tables.get(table).and_then(|table| table.items).unwrap_or_else(|| panic!("no table {table}"))
    }

    /// Polls until `probe` returns a value.
    ///
    /// # Panics
    /// If it returns none in time; the message has `what`.
    pub async fn eventually<T>(what: &str, probe: impl AsyncFn() -> Option<T>) -> T {
        let pause = if TestTarget::current() == TestTarget::Embedded { POLL } else { POLL_DEPLOYED };
        let found = Pace::within(EVENTUALLY_MAX, pause).poll(probe).await;
        found.unwrap_or_else(|| panic!("timed out waiting until {what}"))
    }
}

/// Builds the functions of the template.
pub fn function_binaries() -> Functions {
    functions(&Options { template: workspace().join("template.yaml"), ..Options::default() })
}

fn functions(options: &Options) -> Functions {
    let template = options.template().unwrap_or_else(|error| panic!("{error}"));
    let packages = [template.packages(), vec![COMMANDS.to_owned()]].concat();
    let built = build_functions(&workspace(), Profile::own(), &packages);
    built.unwrap_or_else(|error| panic!("{error}"))
}

/// Path of the `paystream` binary, which is built together with the functions.
pub fn command_line() -> PathBuf {
    built("paystream")
}

/// Path of the binary with every command of `paystream` except `up`, built likewise.
pub(crate) fn commands() -> PathBuf {
    built(COMMANDS)
}

fn built(program: &str) -> PathBuf {
    let directory = if cfg!(debug_assertions) { "debug" } else { "release" };
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    target.join(directory).join(format!("{program}{}", std::env::consts::EXE_SUFFIX))
}

/// Root of the repository.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

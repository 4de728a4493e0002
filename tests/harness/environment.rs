//! A whole Paystream, for one test: of its own, or the one that is deployed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_types::SdkConfig;
use payments_aws::PaymentsTable;
use paystream_client::{Client, Pace, emulator};
use paystream_local::{Environment, Functions, Options, Profile, Template, build_functions};

use crate::Target;
use crate::deployed::Deployed;
use crate::log::TestLog;

/// How long anything may take to come about. Passing tests need a fraction of a second, and some seconds where they share a
/// deployed stack; the bound is for failing ones, on a machine that is busy with other things.
pub(crate) const EVENTUALLY_MAX: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(5);
/// The same for what is shared, where each look is a request that somebody else waits for, or pays.
const POLL_DEPLOYED: Duration = Duration::from_millis(100);

/// The package of the commands that operate a system.
const COMMANDS: &str = "paystream-commands";

/// The functions, built once for all tests of a process.
static FUNCTIONS: OnceLock<Functions> = OnceLock::new();

/// A running Paystream and a client of its APIs. One of its own ends with the test.
pub struct Paystream {
    pub(crate) system: System,
    pub(crate) client: Client,
    /// What sets the names of this test apart from those of others.
    mark: String,
    names: AtomicU32,
}

pub(crate) enum System {
    Embedded { environment: Box<Environment>, log: TestLog },
    Deployed(Box<Deployed>),
}

impl Paystream {
    /// The one that `PAYSTREAM_TARGET` says: one that starts for this test, or one that is deployed and shared.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn of_target() -> Self {
        match Target::current() {
            Target::Embedded => Self::start().await,
            target => Self::new(System::Deployed(Box::new(Deployed::reach(target).await))),
        }
    }

    /// Starts one that forgets.
    ///
    /// # Panics
    /// Where the functions do not build or the environment does not start.
    pub async fn start() -> Self {
        Self::start_with(None, &[]).await
    }

    /// Starts one with these template parameters instead of their defaults.
    ///
    /// # Panics
    /// Where the functions do not build or the environment does not start.
    pub async fn start_with_parameters(parameters: &[(&str, &str)]) -> Self {
        Self::start_with(None, parameters).await
    }

    /// Starts one that keeps its tables in that directory.
    ///
    /// # Panics
    /// Where the functions do not build or the environment does not start.
    pub async fn start_in(directory: &Path) -> Self {
        Self::start_with(Some(directory.to_owned()), &[]).await
    }

    /// Starts one that forgets, of another template.
    ///
    /// # Panics
    /// Where the functions do not build or the environment does not start.
    pub async fn start_of(template: &Path) -> Self {
        Self::start_with_options(Options { template: template.to_owned(), ..Options::default() }).await
    }

    async fn start_with(data: Option<PathBuf>, parameters: &[(&str, &str)]) -> Self {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let template = workspace().join("template.yaml");
        Self::start_with_options(Options { template, data, parameters, ..Options::default() }).await
    }

    /// Starts one as these options say, apart from where its log goes.
    ///
    /// # Panics
    /// Where the functions do not build or the environment does not start.
    pub async fn start_with_options(options: Options) -> Self {
        let log = TestLog::default();
        let options = Options { log: log.sink(), ..options };
        let functions = FUNCTIONS.get_or_init(|| functions(&options));
        let environment = Environment::start(options, functions).await.unwrap_or_else(|error| panic!("{error}"));
        Self::new(System::Embedded { environment: Box::new(environment), log })
    }

    fn new(system: System) -> Self {
        // Letters alone, as digits might come to be a card number.
        let mark = std::iter::repeat_with(fastrand::lowercase).take(10).collect();
        let client = Client::new(match &system {
            System::Embedded { environment, .. } => paystream_client::Target::local(environment.url()),
            System::Deployed(deployed) => deployed.apis(),
        });
        Self { system, client, mark, names: AtomicU32::new(0) }
    }

    /// Ends it in order, where it is of its own.
    pub async fn stop(self) {
        if let System::Embedded { environment, .. } = self.system {
            environment.shutdown().await;
        }
    }

    /// The environment, for what the APIs do not offer.
    ///
    /// # Panics
    /// Where there is none: the test should say what it needs ([`crate::skip_without`]).
    pub fn environment(&self) -> &Environment {
        match &self.system {
            System::Embedded { environment, .. } => environment,
            System::Deployed(_) => panic!("what is deployed has no local environment: `skip_without` is missing"),
        }
    }

    /// What the functions logged, where that can be read.
    pub(crate) fn log(&self) -> Option<&TestLog> {
        match &self.system {
            System::Embedded { log, .. } => Some(log),
            System::Deployed(_) => None,
        }
    }

    /// What to do where it does not answer.
    pub(crate) fn hint(&self) -> &'static str {
        match &self.system {
            System::Embedded { .. } => "",
            System::Deployed(deployed) => deployed.hint(),
        }
    }

    /// A name that nothing else has, for an order or a key.
    pub fn name(&self, what: &str) -> String {
        format!("{what}-{}-{}", self.mark, self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// Kills every process of a function, whatever it is doing.
    ///
    /// # Panics
    /// Where the template has no such function.
    pub async fn kill(&self, function: &str) {
        self.environment().kill_sandboxes(function).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The payments table, through Payments' own adapter.
    ///
    /// # Panics
    /// Where the template has no such table.
    pub fn payments_table(&self) -> PaymentsTable {
        PaymentsTable::new(self.dynamodb(), self.physical_name("PaymentsTable"))
    }

    /// # Panics
    /// Where the stack has no such table or stream.
    pub(crate) fn physical_name(&self, logical_id: &str) -> &str {
        match &self.system {
            System::Embedded { environment, .. } => {
                environment.physical_name(logical_id).unwrap_or_else(|| panic!("no {logical_id}"))
            }
            System::Deployed(deployed) => deployed.output(logical_id),
        }
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk(Environment::dynamodb_url))
    }

    pub(crate) fn sdk(&self, endpoint: impl Fn(&Environment) -> &str) -> SdkConfig {
        match &self.system {
            System::Embedded { environment, .. } => emulator(endpoint(environment)),
            System::Deployed(deployed) => deployed.sdk().clone(),
        }
    }

    /// How many items a table holds.
    ///
    /// # Panics
    /// Where the template has no such table.
    pub async fn item_count(&self, table: &str) -> u64 {
        let status = self.environment().status().await;
        status.tables.get(table).and_then(|table| table.items).unwrap_or_else(|| panic!("no table {table}"))
    }

    /// Asks until there is an answer.
    ///
    /// # Panics
    /// Where there is none in time, with what was waited for.
    pub async fn eventually<T>(what: &str, probe: impl AsyncFn() -> Option<T>) -> T {
        let pause = if Target::current() == Target::Embedded { POLL } else { POLL_DEPLOYED };
        let found = Pace::within(EVENTUALLY_MAX, pause).poll(probe).await;
        found.unwrap_or_else(|| panic!("waited in vain until {what}"))
    }
}

/// The functions of the template, built.
pub fn function_binaries() -> Functions {
    functions(&Options { template: workspace().join("template.yaml"), ..Options::default() })
}

fn functions(options: &Options) -> Functions {
    let template = Template::load(&options.template, &options.parameters).unwrap_or_else(|error| panic!("{error}"));
    let packages = [template.packages(), vec![COMMANDS.to_owned()]].concat();
    let built = build_functions(&workspace(), Profile::own(), &packages);
    built.unwrap_or_else(|error| panic!("{error}"))
}

/// The `paystream` program, as it was built together with the functions.
pub fn command_line() -> PathBuf {
    built("paystream")
}

/// The program with every command of `paystream` but `up`, built likewise.
pub(crate) fn commands() -> PathBuf {
    built(COMMANDS)
}

fn built(program: &str) -> PathBuf {
    let directory = if cfg!(debug_assertions) { "debug" } else { "release" };
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    target.join(directory).join(format!("{program}{}", std::env::consts::EXE_SUFFIX))
}

/// Where everything is.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

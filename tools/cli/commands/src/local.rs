//! Local environments that a command starts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use paystream_local::{
    BuildError, Environment, Functions, Hub, LogSink, NoTemplate, Options, Profile, StartError, find_template,
};

/// Flags of local environments.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LocalArguments {
    /// Template to run [default: template.yaml, here or in a parent directory]
    #[arg(long, value_name = "PATH")]
    template: Option<PathBuf>,
    /// Build the functions in release mode, as they deploy
    #[arg(long)]
    pub(crate) release: bool,
    /// Show the log of the functions, on standard error
    #[arg(long)]
    log: bool,
}

/// Error of building or starting an environment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    #[error(transparent)]
    Template(#[from] NoTemplate),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A template with its built functions.
pub(crate) struct Built {
    template: PathBuf,
    parameters: BTreeMap<String, String>,
    hub: Option<Hub>,
    functions: Functions,
    pub(crate) profile: Profile,
    log: bool,
}

impl LocalArguments {
    /// Finds the template and builds its functions.
    pub(crate) async fn build(self, parameters: BTreeMap<String, String>) -> Result<Built, LocalError> {
        self.build_over(None, parameters).await
    }

    /// Does the same for a stack over this hub.
    pub(crate) async fn build_over(
        self,
        hub: Option<Hub>,
        parameters: BTreeMap<String, String>,
    ) -> Result<Built, LocalError> {
        let template = find_template(self.template)?;
        let profile = if self.release { Profile::Release } else { Profile::own() };
        let options = Options { template: template.clone(), parameters: parameters.clone(), hub, ..Options::default() };
        let functions = options.template().map_err(StartError::from)?.build_functions(profile).await?;
        Ok(Built { template, parameters, hub: options.hub, functions, profile, log: self.log })
    }
}

impl Built {
    /// Starts an environment with these options, apart from its template, parameters, hub and log.
    pub(crate) async fn start(&self, options: Options) -> Result<Environment, LocalError> {
        let log = if self.log { LogSink::stderr() } else { LogSink::discard() };
        let (template, parameters, hub) = (self.template.clone(), self.parameters.clone(), self.hub.clone());
        Ok(Environment::start(Options { template, parameters, hub, log, ..options }, &self.functions).await?)
    }
}

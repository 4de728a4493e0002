//! Environments of a command's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use paystream_local::{
    BuildError, Environment, Functions, LogSink, NoTemplate, Options, Profile, StartError, Template, find_template,
};

/// Flags about environments of a command's own.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LocalArguments {
    /// The template to run [default: template.yaml, here or in a directory above]
    #[arg(long, value_name = "PATH")]
    template: Option<PathBuf>,
    /// Build the functions as they deploy
    #[arg(long)]
    release: bool,
    /// Show what the functions log, on standard error
    #[arg(long)]
    log: bool,
}

/// Reasons for which there is no environment.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    #[error(transparent)]
    Template(#[from] NoTemplate),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A template whose functions are built.
pub(crate) struct Built {
    template: PathBuf,
    parameters: BTreeMap<String, String>,
    functions: Functions,
    pub(crate) profile: Profile,
    log: bool,
}

impl LocalArguments {
    /// Finds the template and builds its functions.
    pub(crate) async fn build(self, parameters: BTreeMap<String, String>) -> Result<Built, LocalError> {
        let template = find_template(self.template)?;
        let profile = if self.release { Profile::Release } else { Profile::own() };
        let loaded = Template::load(&template, &parameters).map_err(StartError::from)?;
        let functions = loaded.build_functions(profile).await?;
        Ok(Built { template, parameters, functions, profile, log: self.log })
    }
}

impl Built {
    /// Starts an environment with these options, apart from its template, parameters and log.
    pub(crate) async fn start(&self, options: Options) -> Result<Environment, LocalError> {
        let log = if self.log { LogSink::stderr() } else { LogSink::discard() };
        let (template, parameters) = (self.template.clone(), self.parameters.clone());
        Ok(Environment::start(Options { template, parameters, log, ..options }, &self.functions).await?)
    }
}

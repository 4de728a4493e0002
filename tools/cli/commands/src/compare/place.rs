//! What is compared: environments of our own, one for each scenario, or a deployed stack.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use paystream_comparison::{
    Costs, LoadSettings, Scenario, ScenarioResult, Signer, Target, run_costs, run_scenario,
};
use paystream_local::{
    Environment, Functions, LogSink, Options, Profile, StartError, Template, build_functions, find_template,
    workspace_of,
};
use paystream_operations::aws_of_operator;
use tokio_util::sync::CancellationToken;

use super::CompareError;
use super::progress::Bar;
use crate::target::output;

/// Orders in each mode whose use of what AWS bills is counted.
const COSTED_ORDERS: u32 = 200;

/// What can be said of environments of our own.
#[derive(Debug, clap::Args)]
pub(super) struct LocalArguments {
    /// The template to run [default: template.yaml, here or in a directory above]
    #[arg(long, value_name = "PATH", conflicts_with = "stack_outputs")]
    template: Option<PathBuf>,
    /// Build the functions as they deploy
    #[arg(long, conflicts_with = "stack_outputs")]
    release: bool,
    /// Show what the functions log, on standard error
    #[arg(long, conflicts_with = "stack_outputs")]
    log: bool,
}

/// What is measured.
pub(super) enum Place {
    /// Environments of our own, one for each scenario.
    Local { template: PathBuf, functions: Functions, profile: Profile, log: bool },
    /// A deployed stack.
    Stack(Box<Target>),
}

impl Place {
    /// A deployed stack where its outputs are given, and else environments of our own, whose functions are built.
    pub(super) async fn find(local: &LocalArguments, stack_outputs: Option<&Path>) -> Result<Self, CompareError> {
        if let Some(path) = stack_outputs {
            let url = |name| {
                let url = output(path, name)?.ok_or_else(|| CompareError::NoUrl { path: path.to_owned(), name })?;
                Ok::<_, CompareError>(url.trim_end_matches('/').to_owned())
            };
            let (payments_url, orders_url) = (url("PaymentsUrl")?, url("OrdersUrl")?);
            let signer = Some(Signer::new(aws_of_operator().await));
            return Ok(Self::Stack(Box::new(Target { payments_url, orders_url, signer })));
        }
        let template = match &local.template {
            Some(template) => template.clone(),
            None => find_template()?,
        };
        let profile = if local.release { Profile::Release } else { Profile::own() };
        let packages = Template::load(&template, &BTreeMap::new()).map_err(StartError::from)?.packages();
        let functions = build_functions(&workspace_of(&template), profile, &packages)?;
        Ok(Self::Local { template, functions, profile, log: local.log })
    }

    /// As it is told.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Local { profile, .. } => {
                let built = match profile {
                    Profile::Dev => "built for development: run it in release for figures to show",
                    Profile::Release => "built as they deploy",
                };
                format!("the local environment, one for each scenario, with the functions {built}")
            }
            Self::Stack(target) => format!("a deployed stack, {}", target.orders_url),
        }
    }

    /// Why a scenario cannot be run here, where it cannot.
    pub(super) fn skips(&self, scenario: Scenario) -> Option<String> {
        let is_deployed = matches!(self, Self::Stack(_));
        (is_deployed && scenario.needs_faults())
            .then(|| "something has to go wrong in it, which only the local environment can be made to do".to_owned())
    }

    async fn start(&self, sandboxes_max: usize) -> Result<Option<Environment>, CompareError> {
        let Self::Local { template, functions, log, .. } = self else { return Ok(None) };
        let options = Options {
            template: template.clone(),
            log: if *log { LogSink::stderr() } else { LogSink::discard() },
            warm: true,
            sandboxes_max,
            ..Options::default()
        };
        Ok(Some(Environment::start(options, functions).await?))
    }

    /// Measures one scenario, in a system of its own where it is a local one.
    pub(super) async fn run(
        &self,
        scenario: Scenario,
        load: &LoadSettings,
        stop: &CancellationToken,
        bar: &Bar,
    ) -> Result<ScenarioResult, CompareError> {
        let environment = self.start(scenario.sandboxes_max(load.rate)).await?;
        let target = match (self, &environment) {
            (Self::Stack(target), _) => Target::clone(target),
            (Self::Local { .. }, environment) => {
                Target::local(environment.as_ref().map(Environment::url).unwrap_or_default())
            }
        };
        let progress = {
            let bar = bar.clone();
            move |progress| bar.show(progress)
        };
        let run = run_scenario(target, environment.as_ref(), scenario, load, stop, progress).await;
        if let Some(environment) = environment {
            environment.shutdown().await;
        }
        run.map_err(|source| CompareError::Run { scenario, source })
    }

    /// What each mode uses of what AWS bills, where that can be counted.
    pub(super) async fn costs(&self, load: &LoadSettings, stop: &CancellationToken) -> Result<Option<Costs>, CompareError> {
        if stop.is_cancelled() {
            return Ok(None);
        }
        let Some(environment) = self.start(Scenario::Healthy.sandboxes_max(load.rate)).await? else { return Ok(None) };
        let costs = run_costs(&environment, load, COSTED_ORDERS, stop).await;
        environment.shutdown().await;
        Ok(costs)
    }
}

//! Systems under measurement: a local environment for each scenario, or a deployed stack.

use std::collections::BTreeMap;
use std::path::Path;

use paystream_client::{Signer, Target};
use paystream_comparison::{Costs, LoadSettings, Scenario, ScenarioResult, run_costs, run_scenario};
use paystream_local::{Environment, Options, Profile};
use paystream_operations::aws_of_operator;
use tokio_util::sync::CancellationToken;

use super::CompareError;
use super::progress::Bar;
use crate::local::{Built, LocalArguments};
use crate::target::output;

/// Number of orders in each mode whose billed usage is measured.
const COSTED_ORDERS: u32 = 200;

/// System under measurement.
pub(super) enum Place {
    /// A local environment for each scenario.
    Local(Built),
    /// A deployed stack.
    Stack(Box<Target>),
}

impl Place {
    /// Returns the deployed stack, if its outputs are given. Otherwise builds the functions for local environments.
    pub(super) async fn find(local: LocalArguments, stack_outputs: Option<&Path>) -> Result<Self, CompareError> {
        if let Some(path) = stack_outputs {
            let url = |name| {
                let url = output(path, name)?.ok_or_else(|| CompareError::NoUrl { path: path.to_owned(), name })?;
                Ok::<_, CompareError>(url.trim_end_matches('/').to_owned())
            };
            let (payments_url, orders_url) = (url("PaymentsUrl")?, url("OrdersUrl")?);
            let signer = Some(Signer::for_apis(aws_of_operator().await));
            return Ok(Self::Stack(Box::new(Target { payments_url, orders_url, signer })));
        }
        Ok(Self::Local(local.build(BTreeMap::new()).await?))
    }

    /// Name in the report.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Local(built) => {
                format!("the local environment, one for each scenario, with the functions {}", built_as(built.profile))
            }
            Self::Stack(target) => format!("a deployed stack, {}", target.orders_url),
        }
    }

    /// Returns the reason for skipping a scenario, or `None` if it can run.
    pub(super) fn skips(&self, scenario: Scenario) -> Option<String> {
        let is_deployed = matches!(self, Self::Stack(_));
        (is_deployed && scenario.needs_faults())
            .then(|| "needs injected faults, which only the local environment supports".to_owned())
    }

    async fn start(&self, sandboxes_max: usize) -> Result<Option<Environment>, CompareError> {
        let Self::Local(built) = self else { return Ok(None) };
        Ok(Some(built.start(Options { warm: true, sandboxes_max, ..Options::default() }).await?))
    }

    /// Measures one scenario, locally in a new environment.
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
            (Self::Local(_), environment) => {
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

    /// Measures the billed usage of each mode; `None` for a deployed stack or after Ctrl-C.
    pub(super) async fn costs(
        &self,
        load: &LoadSettings,
        stop: &CancellationToken,
    ) -> Result<Option<Costs>, CompareError> {
        if stop.is_cancelled() {
            return Ok(None);
        }
        let Some(environment) = self.start(Scenario::Healthy.sandboxes_max(load.rate)).await? else { return Ok(None) };
        let costs = run_costs(&environment, load, COSTED_ORDERS, stop).await;
        environment.shutdown().await;
        Ok(costs)
    }
}

/// Says how the functions were built.
pub(super) fn built_as(profile: Profile) -> &'static str {
    match profile {
        Profile::Dev => "built for development: use --release for representative figures",
        Profile::Release => "built in release mode, as they deploy",
    }
}

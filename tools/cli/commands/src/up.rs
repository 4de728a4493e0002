//! `paystream up --hub-url`: connects to the hub, and runs the system over it.

use std::process::ExitCode;

use paystream_hubs::{HubError, connect};
use paystream_local::{NoTemplate, Template, TemplateError, find_template};
use paystream_up::{Up, UpError, tell};

/// Error of `up` over a hub.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HubUpError {
    #[error(transparent)]
    NoTemplate(#[from] NoTemplate),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error(transparent)]
    Up(#[from] UpError),
}

/// Runs until Ctrl-C or SIGTERM.
pub(crate) async fn run(up: Up) -> Result<(), HubUpError> {
    let template = find_template(up.template.clone())?;
    let given = up.parameters.iter().cloned().collect();
    let hub = match up.hub_url.clone() {
        Some(url) => Some(connect(Template::hub_of(&template, &given)?, url).await?),
        None => None,
    };
    paystream_up::run(Up { template: Some(template), ..up }, hub).await?;
    Ok(())
}

/// Returns the exit code: that of `paystream up`.
pub(crate) fn ended(result: Result<(), HubUpError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

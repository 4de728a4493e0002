//! `paystream up`: builds the functions, starts the environment, prints examples, and shuts down in order.

use std::io::{self, Write};

use paystream_local::{
    BuildError, Environment, Hub, LogSink, NoTemplate, Options, Prepared, Profile, StartError, find_template,
};

use crate::{Up, tell};

/// Error of `paystream up`.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// There is no template.
    #[error(transparent)]
    NoTemplate(#[from] NoTemplate),
    /// The environment did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The functions did not build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Signals cannot be received.
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
    /// A second signal arrived during the shutdown.
    #[error("stopped immediately; running functions were killed")]
    StoppedAtOnce,
    /// A signal arrived during the build.
    #[error("interrupted")]
    Interrupted,
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

/// Runs until Ctrl-C or SIGTERM, over this hub; without one, over the embedded Kinesis.
pub async fn run(up: Up, hub: Option<Hub>) -> Result<(), UpError> {
    let mut signals = Signals::new().map_err(UpError::Signals)?;
    let profile = if up.release { Profile::Release } else { Profile::own() };
    let options = Options {
        template: find_template(up.template)?,
        port: up.port,
        data: up.data,
        parameters: up.parameters.into_iter().collect(),
        hub,
        processor: up.processor,
        log: LogSink::stderr(),
        warm: true,
        ..Options::default()
    };
    let prepared = Prepared::new(options)?;
    let functions = tokio::select! {
        built = prepared.template().build_functions(profile) => built?,
        // The terminal signals cargo as well.
        () = signals.next() => return Err(UpError::Interrupted),
    };
    let environment = prepared.start(&functions).await?;
    if let Err(error) = greet(&environment) {
        environment.shutdown().await;
        return Err(UpError::Output(error));
    }
    signals.next().await;
    tell("stopping; press Ctrl-C again to stop immediately");
    tokio::select! {
        () = environment.shutdown() => Ok(()),
        () = signals.next() => Err(UpError::StoppedAtOnce),
    }
}

/// Prints the line `ready URL`, the routes, and example requests. A reader that only waited for the first line may have
/// closed the pipe.
fn greet(environment: &Environment) -> io::Result<()> {
    let written = io::stdout().write_all(greeting(environment).as_bytes()).and_then(|()| io::stdout().flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

fn greeting(environment: &Environment) -> String {
    let url = environment.url();
    let mut lines = vec![format!("ready {url}"), format!("hub   {}", environment.hub()), String::new()];
    // Without the catch-alls, which respond to paths and methods that do not exist.
    let routes: Vec<_> = environment.template().routes().iter().filter(|route| route.method != "ANY").collect();
    let width = routes.iter().map(|route| route.path.len()).max().unwrap_or_default();
    for route in routes {
        lines.push(format!("  {:<6} {:<width$}  {}", route.method, route.path, route.function));
    }
    lines.push(format!("  {:<6} {:<width$}  functions, event sources, streams, tables", "GET", "/_local/status"));
    lines.push(format!("  {:<6} {:<width$}  failed batches (on-failure destination)", "GET", "/_local/failures"));
    lines.push(format!("  {:<6} {:<width$}  injects a fault; GET lists, DELETE removes", "POST", "/_local/faults"));
    lines.push(format!("  {:<6} {:<width$}  calls of functions to Kinesis and DynamoDB", "GET", "/_local/calls"));
    lines.push(format!("  {:<6} {:<width$}  usage in the units that AWS bills, by function", "GET", "/_local/usage"));
    lines.push(format!("  {:<6} {:<width$}  API reference, to read and try in a browser", "GET", "/reference"));
    lines.push(String::new());
    lines.push("Pay, place an order, and read the payment in Orders' read model:".to_owned());
    lines.push(String::new());
    lines.push(format!(
        "  curl -i -X POST {url}/payments -H 'content-type: application/json' -H 'idempotency-key: first-1' \\"
    ));
    lines.push(
        r#"    -d '{"order_id":"ord-42","amount":{"minor":1299,"currency":"EUR"},"method":{"token":"tok_approve"}}'"#
            .to_owned(),
    );
    lines.push(format!("  curl -i -X POST {url}/orders -H 'content-type: application/json' \\"));
    lines.push(
        r#"    -d '{"order_id":"ord-42","customer_id":"cust-7","lines":[{"sku":"tea","quantity":1,"unit_price":{"minor":1299,"currency":"EUR"}}]}'"#
            .to_owned(),
    );
    lines.push(format!("  curl -i {url}/orders/ord-42/payments"));
    lines.push("\n".to_owned());
    lines.join("\n")
}

/// Signals that stop the environment: Ctrl-C, and SIGTERM on Unix.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        // If signals are not available, runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

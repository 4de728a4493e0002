//! Errors that prevent an environment from starting.

use std::io;
use std::path::PathBuf;

use crate::hubs::HubKind;
use crate::template::TemplateError;

/// Reason why an environment could not be started. None of its parts keeps running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template is invalid, or uses something that the local environment does not support.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Another process listens on the port.
    #[error("port {0} is in use: choose another with --port, or --port 0 for a free one")]
    PortTaken(u16),
    /// Listening on 127.0.0.1 failed.
    #[error("cannot listen on 127.0.0.1:{port}: {reason}")]
    Listen {
        /// Requested port.
        port: u16,
        /// Error of the operating system.
        reason: io::Error,
    },
    /// Another environment uses the data directory.
    #[error("{} is in use by another environment: stop it, or choose another directory with --data", .0.display())]
    DataInUse(PathBuf),
    /// The data directory cannot be used.
    #[error("cannot use data directory {}: {reason}", path.display())]
    Data {
        /// Data directory.
        path: PathBuf,
        /// Cause.
        reason: String,
    },
    /// A function has not been built.
    #[error("function {function} has no binary: build package {package} first")]
    NoBinary {
        /// Logical id of the function.
        function: String,
        /// Cargo package of the function.
        package: String,
    },
    /// An emulator rejected a resource of the template.
    #[error("{}:{line}: resource {resource}: {reason}", template.display())]
    Resource {
        /// Path of the template.
        template: PathBuf,
        /// Line that declares the resource.
        line: usize,
        /// Logical id of the resource.
        resource: String,
        /// Message of the emulator.
        reason: String,
    },
    /// The template's hub is outside this process, and its address was not given.
    #[error(
        "Hub={0} needs the address of a broker: --hub-url HOST:PORT. `hubs/host/{0} start` starts one, or in Docker \
         `docker compose -f hubs/compose.yaml up --detach {0}`"
    )]
    NoHub(HubKind),
    /// The address is that of another hub.
    #[error("Hub={chosen}, but the address is that of {}: choose one with --parameter Hub", given.name())]
    OtherHub {
        /// Value of the parameter `Hub`.
        chosen: HubKind,
        /// Kind of the hub with the address.
        given: HubKind,
    },
    /// The hub cannot be used.
    #[error(
        "{reason}. `hubs/host/{hub} start` starts a broker, or in Docker `docker compose -f hubs/compose.yaml up \
         --detach {hub}`"
    )]
    Hub {
        /// Kind of the hub.
        hub: HubKind,
        /// Message of its client.
        reason: String,
    },
    /// An emulator call failed.
    #[error("emulator error: {0}")]
    Emulator(String),
}

//! Why an environment cannot be started, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::template::TemplateError;

/// An environment that could not be started. Nothing of it is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template is broken, or says what the local environment cannot run.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Something else listens on the port.
    #[error("port {0} is taken: choose another with --port, or --port 0 for any that is free")]
    PortTaken(u16),
    /// Loopback cannot be listened on.
    #[error("cannot listen on 127.0.0.1:{port}: {reason}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the operating system said.
        reason: io::Error,
    },
    /// Another environment uses the directory.
    #[error("{} is in use by another environment: stop that one, or name another directory with --data", .0.display())]
    DataInUse(PathBuf),
    /// The directory cannot be used.
    #[error("cannot keep data in {}: {reason}", path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A function has not been built.
    #[error("there is no binary of function {function}: build package {package} first")]
    NoBinary {
        /// The logical id of the function.
        function: String,
        /// Its cargo package.
        package: String,
    },
    /// An emulator cannot create what the template declares.
    #[error("{}:{line}: resource {resource}: {reason}", template.display())]
    Resource {
        /// The template.
        template: PathBuf,
        /// Where the resource is declared.
        line: usize,
        /// Its logical id.
        resource: String,
        /// What the emulator said.
        reason: String,
    },
    /// An emulator does not do what it should.
    #[error("an emulator failed: {0}")]
    Emulator(String),
}

//! Forwarding of commands to `paystream-commands`, which is built when it is first needed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use paystream_local::{BuildError, Profile, build_functions, directory_with};

/// Package and binary of the other commands.
const COMMANDS: &str = "paystream-commands";
/// File that identifies a workspace with that package.
const MANIFEST: &str = "tools/cli/commands/Cargo.toml";

/// The default command.
const UP: &str = "up";

/// Error of forwarding a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwardError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot run {}: {reason}; `cargo build --package {COMMANDS}` in the workspace builds it", program.display())]
    Run { program: PathBuf, reason: std::io::Error },
}

/// Runs `paystream-commands` with this process's arguments, and returns its exit code.
pub(crate) fn run() -> Result<ExitCode, ForwardError> {
    run_with(std::env::args_os().skip(1))
}

/// Runs `paystream-commands up`, also if this process's arguments leave `up` out.
pub(crate) fn run_up() -> Result<ExitCode, ForwardError> {
    let options = std::env::args_os().skip(1).skip_while(|argument| argument == UP);
    run_with([OsString::from(UP)].into_iter().chain(options))
}

fn run_with(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode, ForwardError> {
    let program = program()?;
    run_instead(&program, arguments).map_err(|reason| ForwardError::Run { program, reason })
}

/// Returns the binary: built, if this program or the current directory is in a workspace; otherwise the one beside this
/// program.
fn program() -> Result<PathBuf, ForwardError> {
    let own = std::env::current_exe().unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let beside = own.with_file_name(format!("{COMMANDS}{}", std::env::consts::EXE_SUFFIX));
    match directory_with(MANIFEST, [&*own, &*here]) {
        Some(workspace) => {
            let built = build_functions(workspace, Profile::own(), &[COMMANDS.to_owned()])?;
            Ok(built.get(COMMANDS).map_or(beside, Path::to_owned))
        }
        None => Ok(beside),
    }
}

/// Replaces this process, so that the program itself gets signals and sets the exit code.
#[cfg(unix)]
fn run_instead(program: &Path, arguments: impl Iterator<Item = OsString>) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(Command::new(program).args(arguments).exec())
}

#[cfg(not(unix))]
fn run_instead(program: &Path, arguments: impl Iterator<Item = OsString>) -> std::io::Result<ExitCode> {
    let status = Command::new(program).args(arguments).status()?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2)))
}

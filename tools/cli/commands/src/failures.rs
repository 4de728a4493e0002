//! `paystream failures`: failed batches in the on-failure destination.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use paystream_operations::failures::{
    BatchKind, Failure, FailureRedriven, FailureSource, FailureSourceError, LocalFailures, redrive,
    redrive_dead_letters, would_redrive,
};
use serde_json::json;

use crate::outcomes::{self, OUTCOMES, WaitArguments};
use crate::output::{self, CommandError, OutputError};
use crate::progress::Bar;
use crate::target::{HubArguments, OperatingArguments, ResolvedTarget};

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// List failed batches, oldest first
    List(List),
    /// Redrive failed batches, and delete those whose records are handled
    Redrive(Redrive),
    /// Publish dead-lettered messages of RabbitMQ again, and remove them from their queue
    DeadLetters(DeadLetters),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    /// Read files in a directory, filled by `aws s3 sync`, instead of the bucket
    #[arg(long, value_name = "DIR")]
    from_directory: Option<PathBuf>,
    #[command(flatten)]
    operating: OperatingArguments,
}

#[derive(Debug, Clone, Args)]
#[group(id = "which", required = true, multiple = false, args = ["ids", "all"])]
pub(crate) struct Which {
    /// Ids as `failures list` prints them
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Redrive all failed batches, oldest first
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = OUTCOMES)]
pub(crate) struct Redrive {
    #[command(flatten)]
    which: Which,
    /// Read files in a directory, filled by `aws s3 sync`, instead of the bucket
    #[arg(long, value_name = "DIR")]
    from_directory: Option<PathBuf>,
    /// Print what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wait: WaitArguments,
    #[command(flatten)]
    hub: HubArguments,
    #[command(flatten)]
    operating: OperatingArguments,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DeadLetters {
    /// Dead-letter queue [default: the name of Orders' queue, with .dead after it]
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Print how many messages would be published, and publish none
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    hub: HubArguments,
    #[command(flatten)]
    operating: OperatingArguments,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, CommandError> {
    match command {
        Command::List(arguments) => list(arguments).await,
        Command::Redrive(arguments) => redrive_failures(arguments).await,
        Command::DeadLetters(arguments) => dead_letters(arguments).await,
    }
}

async fn dead_letters(arguments: DeadLetters) -> Result<ExitCode, CommandError> {
    let DeadLetters { queue, dry_run, hub, operating } = arguments;
    let stack = hub.stack_of(&operating.target.resolve().await?);
    let bar = Bar::new();
    let watch = |progress| bar.show(progress);
    let redriven = redrive_dead_letters(&stack, queue, dry_run, &watch).await?;
    bar.finish();
    if operating.json {
        output::json(&json!({"dry_run": dry_run, "dead_letters": redriven}))?;
    } else {
        let verb = if dry_run { "would publish" } else { "published" };
        let messages = count(redriven.messages, "message");
        output::line(&format!("{verb} {messages} of {} again", output::foreign(&redriven.queue, 255)))?;
        output::lines(
            redriven.not_sent.iter().map(|reason| format!("  not published: {}", output::foreign(reason, 300))),
        )?;
    }
    Ok(if redriven.not_sent.is_none() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn list(arguments: List) -> Result<ExitCode, CommandError> {
    let source = match arguments.from_directory {
        Some(directory) => FailureSource::Directory(directory),
        None => source_of(&arguments.operating.target.resolve().await?).await?,
    };
    let found = source.list().await.map_err(paystream_operations::OperationError::from)?;
    if arguments.operating.json {
        output::json(&json!({"failures": found.failures, "unreadable": found.unreadable, "is_cut": found.is_cut}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let records: u64 = found.failures.iter().map(|failure| failure.records).sum();
    output::line(&format!("{} with {}", output::count(found.failures.len(), "failure"), count(records, "record")))?;
    output::lines(found.failures.iter().map(line))?;
    output::lines(
        found
            .unreadable
            .iter()
            .map(|invalid| format!("  not a failure record: {}", output::foreign(&invalid.to_string(), 300))),
    )?;
    if found.is_cut {
        output::line("  … and more, beyond the limit of one listing")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn count(number: u64, noun: &str) -> String {
    output::count(usize::try_from(number).unwrap_or(usize::MAX), noun)
}

fn line(failure: &Failure) -> String {
    let what = match failure.kind {
        BatchKind::Kinesis => "payment stream",
        BatchKind::DynamoDb => "change stream of the payments table",
        BatchKind::Kafka => "Kafka topic",
    };
    let partitions: Vec<_> = failure
        .partitions
        .iter()
        .map(|part| format!("{} offsets {} to {}", part.partition, part.first_offset, part.last_offset))
        .collect();
    let partitions = match partitions.as_slice() {
        [] => String::new(),
        parts => format!(" ({})", output::foreign(&parts.join(", "), 200)),
    };
    let error = failure.error.as_deref().map(|error| format!(", {}", output::foreign(error, 100)));
    let payload = if failure.has_payload { "" } else { ", without payload" };
    format!(
        "  {}  {}  {what}{partitions}: {}, {} after {}{}{payload}",
        output::foreign(&failure.id, 200),
        failure.at,
        count(failure.records, "record"),
        output::foreign(&failure.condition, 60),
        count(failure.invocations, "invocation"),
        error.unwrap_or_default(),
    )
}

async fn redrive_failures(arguments: Redrive) -> Result<ExitCode, CommandError> {
    let target = arguments.operating.target.resolve().await?;
    let stack = arguments.hub.stack_of(&target);
    let source = match arguments.from_directory {
        Some(directory) => FailureSource::Directory(directory),
        None => source_of(&target).await?,
    };
    let failed = paystream_operations::OperationError::from;
    let ids: Vec<String> = if arguments.which.all {
        source.list().await.map_err(failed)?.failures.into_iter().map(|failure| failure.id).collect()
    } else {
        arguments.which.ids
    };
    if arguments.dry_run {
        let mut planned = Vec::with_capacity(ids.len());
        for id in &ids {
            planned.push(would_redrive(&stack, &source, id).await);
        }
        report(&planned, true, arguments.operating.json)?;
        let is_sendable = planned.iter().all(|failure| failure.not_sent.is_empty());
        return Ok(if is_sendable { ExitCode::SUCCESS } else { ExitCode::from(1) });
    }
    let bar = Bar::new();
    let watch = |progress| bar.show(progress);
    let redriven = redrive(&stack, &source, &ids, arguments.wait.wait_max(), &watch).await?;
    bar.finish();
    report(&redriven, false, arguments.operating.json)?;
    let is_done = redriven.iter().all(FailureRedriven::is_success);
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn report(redriven: &[FailureRedriven], dry_run: bool, as_json: bool) -> Result<(), OutputError> {
    if as_json {
        return output::json(&json!({"dry_run": dry_run, "failures": redriven}));
    }
    let verb = if dry_run { "would send" } else { "sent" };
    let sent = redriven.iter().filter(|failure| failure.not_sent.is_empty()).count();
    output::line(&format!("{verb} {} again", output::count(sent, "failure")))?;
    output::lines(redriven.iter().map(batch_line))?;
    let records: Vec<_> = redriven.iter().flat_map(|failure| &failure.outcomes).collect();
    let others: Vec<_> = records.into_iter().filter(|record| !record.outcome.is_success()).collect();
    outcomes::print(others.into_iter())
}

/// Formats a batch: what was sent, the outcomes, and whether it is closed.
fn batch_line(failure: &FailureRedriven) -> String {
    let mut parts = Vec::new();
    if failure.records > 0 {
        parts.push(format!("{} to the hub", output::count(failure.records, "record")));
    }
    if !failure.payments.is_empty() {
        parts.push(format!("{} published in the current version", output::count(failure.payments.len(), "payment")));
    }
    if failure.recovering > 0 {
        parts.push(format!("{} to payment-recovery", output::count(failure.recovering, "payment")));
    }
    if failure.settled > 0 {
        parts.push(format!("{} already published", output::count(failure.settled, "payment")));
    }
    parts.extend(failure.not_sent.iter().map(|left| format!("not sent: {}: {}", left.id, left.reason)));
    if !failure.outcomes.is_empty() {
        parts.push(outcomes::counts(&failure.outcomes));
    }
    if failure.is_closed {
        parts.push("closed".to_owned());
    }
    parts.extend(failure.not_closed.iter().map(|reason| format!("not closed: {}", output::foreign(reason, 200))));
    format!("  {}: {}", output::foreign(&failure.id, 200), parts.join(", "))
}

/// Returns the source of failed batches: the bucket on AWS, `/_local/failures` of the local environment.
async fn source_of(target: &ResolvedTarget) -> Result<FailureSource, CommandError> {
    let Some(local) = &target.local else {
        return Ok(FailureSource::Bucket(Box::new(target.stack.failures_bucket()?)));
    };
    let listed = LocalFailures::read(local.client()).await.map_err(FailureSourceError::from);
    Ok(FailureSource::Local(Box::new(listed.map_err(paystream_operations::OperationError::from)?)))
}

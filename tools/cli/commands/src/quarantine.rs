//! `paystream quarantine`: records that the projector could not decode or store, and images of the payments table that the
//! relay could not decode. Each service has its own table; the id of a record names it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, Subcommand};
use payment_events::Timestamp;
use paystream_operations::quarantine;
use paystream_operations::{NotSent, QuarantinedRecord, RecordId, RecordOutcome, RecordSummary, Stack};
use serde::Serialize;
use serde_json::json;

use crate::outcomes::{self, OUTCOMES, WaitArguments};
use crate::output::{self, CommandError, OutputError};
use crate::progress::Bar;
use crate::target::{HubArguments, OperatingArguments, TargetArguments};

/// Maximum number of records of one command. The newest are listed; older ones are left for the next run.
const RECORDS_MAX: usize = 10_000;
/// Bytes of a record in the text output of `show`.
const PREVIEW_BYTES: usize = 512;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// List quarantined records, newest first
    List(List),
    /// Show one record
    Show(Show),
    /// Put records back on the stream, store those of Kafka and RabbitMQ in Orders, or publish the payments of images, and
    /// delete those that are handled
    Redrive(Redrive),
    /// Delete records permanently
    Drop(Drop),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    #[command(flatten)]
    operating: OperatingArguments,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Show {
    /// Id of the record: <source>#<position>
    #[arg(value_name = "ID")]
    id: RecordId,
    /// Write only its bytes to standard output
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    /// Print one JSON document, with the bytes in base64
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: TargetArguments,
}

#[derive(Debug, Clone, Args)]
#[group(id = "which", required = true, multiple = false, args = ["ids", "all"])]
pub(crate) struct Which {
    /// Ids of the records: <source>#<position>
    #[arg(value_name = "ID")]
    ids: Vec<RecordId>,
    /// All records, up to 10,000
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = OUTCOMES)]
pub(crate) struct Redrive {
    #[command(flatten)]
    which: Which,
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
pub(crate) struct Drop {
    #[command(flatten)]
    which: Which,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Print what would be dropped, and drop nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    operating: OperatingArguments,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode, CommandError> {
    match command {
        Command::List(arguments) => list(arguments).await,
        Command::Show(arguments) => show(arguments).await,
        Command::Redrive(arguments) => redrive(arguments).await,
        Command::Drop(arguments) => drop_records(arguments).await,
    }
}

#[derive(Serialize)]
struct Listed {
    id: String,
    reason: String,
    bytes: u64,
    partition_key: String,
    arrived_at: Timestamp,
    quarantined_at: Timestamp,
}

impl From<RecordSummary> for Listed {
    fn from(record: RecordSummary) -> Self {
        Self {
            id: record.id.to_string(),
            reason: record.reason,
            bytes: record.bytes,
            partition_key: record.partition_key,
            arrived_at: record.arrived_at,
            quarantined_at: record.quarantined_at,
        }
    }
}

async fn list(arguments: List) -> Result<ExitCode, CommandError> {
    let stack = arguments.operating.target.resolve().await?.stack;
    let records: Vec<Listed> = stack.quarantined(RECORDS_MAX).await?.into_iter().map(Listed::from).collect();
    if arguments.operating.json {
        output::json(&json!({"records": records}))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(&format!("{} in quarantine", output::count(records.len(), "record")))?;
    output::lines(records.iter().map(|record| {
        let (key, reason) = (output::foreign(&record.partition_key, 64), output::foreign(&record.reason, 120));
        format!("  {}  {}  {} bytes under key {key}: {reason}", record.id, record.quarantined_at, record.bytes)
    }))?;
    Ok(ExitCode::SUCCESS)
}

async fn show(arguments: Show) -> Result<ExitCode, CommandError> {
    let stack = arguments.target.resolve().await?.stack;
    let Some(record) = stack.quarantine_of(&arguments.id)?.load(&arguments.id).await? else {
        return Err(CommandError::Usage(format!("record {} is not in quarantine", arguments.id)));
    };
    if arguments.raw {
        output::bytes(&record.data)?;
    } else if arguments.json {
        output::json(&json!({
            "id": arguments.id.to_string(),
            "reason": record.reason.as_str(),
            "bytes": record.data.len(),
            "partition_key": record.partition_key,
            "arrived_at": record.arrived_at,
            "quarantined_at": record.quarantined_at,
            "data_base64": BASE64_STANDARD.encode(&record.data),
        }))?;
    } else {
        print(&arguments.id, &record)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(id: &RecordId, record: &QuarantinedRecord) -> Result<(), OutputError> {
    output::line(&format!("record         {id}"))?;
    output::line(&format!("reason         {}", output::foreign(record.reason.as_str(), 1_024)))?;
    output::line(&format!("partition key  {}", output::foreign(&record.partition_key, 256)))?;
    output::line(&format!("arrived        {}", record.arrived_at))?;
    output::line(&format!("quarantined    {}", record.quarantined_at))?;
    output::line(&format!("bytes          {}", record.data.len()))?;
    let shown = &record.data[..record.data.len().min(PREVIEW_BYTES)];
    for (row, bytes) in shown.chunks(16).enumerate() {
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let plain = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        output::line(&format!(
            "  {:06x}  {:<47}  {}",
            row * 16,
            hex.join(" "),
            bytes.iter().map(plain).collect::<String>()
        ))?;
    }
    if shown.len() < record.data.len() {
        output::line(&format!("  … and {} bytes more; --raw writes all", record.data.len() - shown.len()))?;
    }
    Ok(())
}

/// Returns the ids of the chosen records; with `--all`, oldest first.
async fn chosen(stack: &Stack, which: Which) -> Result<Vec<RecordId>, CommandError> {
    if !which.all {
        return Ok(which.ids);
    }
    let listed = stack.quarantined(RECORDS_MAX).await?;
    Ok(listed.into_iter().rev().map(|record| record.id).collect())
}

async fn redrive(arguments: Redrive) -> Result<ExitCode, CommandError> {
    let stack = arguments.hub.stack_of(&arguments.operating.target.resolve().await?);
    let ids = chosen(&stack, arguments.which).await?;
    if arguments.dry_run {
        return would_redrive(&ids, arguments.operating.json);
    }
    let bar = Bar::new();
    let records = quarantine::redrive(&stack, &ids, arguments.wait.wait_max(), &|progress| bar.show(progress)).await?;
    bar.finish();
    if arguments.operating.json {
        // `sent` and `not_sent` are what this command reported before it waited for outcomes.
        let (not_sent, sent): (Vec<_>, Vec<_>) = records.iter().partition(|record| is_not_sent(&record.outcome));
        let sent: Vec<_> = sent.iter().map(|record| &record.id).collect();
        let not_sent = not_sent.iter().map(|record| NotSent {
            id: record.id.clone(),
            reason: record.outcome.reason().unwrap_or_default().to_owned(),
        });
        let not_sent: Vec<_> = not_sent.collect();
        output::json(&json!({"dry_run": false, "sent": sent, "not_sent": not_sent, "records": records}))?;
    } else {
        let counts = if records.is_empty() { String::new() } else { format!(": {}", outcomes::counts(&records)) };
        output::line(&format!("redrove {}{counts}", output::count(records.len(), "record")))?;
        outcomes::print(records.iter())?;
    }
    let is_done = records.iter().all(|record| record.outcome.is_success());
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn is_not_sent(outcome: &RecordOutcome) -> bool {
    matches!(outcome, RecordOutcome::NotSent { .. } | RecordOutcome::StillUnreadable { .. })
}

fn would_redrive(ids: &[RecordId], as_json: bool) -> Result<ExitCode, CommandError> {
    let ids: Vec<String> = ids.iter().map(RecordId::to_string).collect();
    if as_json {
        output::json(&json!({"dry_run": true, "sent": ids, "not_sent": [], "records": []}))?;
    } else {
        output::line(&format!("would redrive {}", output::count(ids.len(), "record")))?;
        output::lines(ids.iter().map(|id| format!("  {id}")))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn drop_records(arguments: Drop) -> Result<ExitCode, CommandError> {
    let stack = arguments.operating.target.resolve().await?.stack;
    let ids = chosen(&stack, arguments.which).await?;
    if !arguments.dry_run && !arguments.yes && !ids.is_empty() && !confirmed(&ids)? {
        return Err(CommandError::Usage("not confirmed; nothing was dropped".to_owned()));
    }
    let (mut dropped, mut unknown) = (Vec::new(), Vec::new());
    for id in ids {
        let is_there = if arguments.dry_run {
            stack.quarantine_of(&id)?.load(&id).await?.is_some()
        } else {
            stack.quarantine_of(&id)?.drop(&id).await?
        };
        if is_there { dropped.push(id.to_string()) } else { unknown.push(id.to_string()) }
    }
    if arguments.operating.json {
        output::json(&json!({"dry_run": arguments.dry_run, "dropped": dropped, "unknown": unknown}))?;
    } else {
        let verb = if arguments.dry_run { "would drop" } else { "dropped" };
        output::line(&format!("{verb} {}", output::count(dropped.len(), "record")))?;
        output::lines(dropped.iter().map(|id| format!("  {id}")))?;
        output::lines(unknown.iter().map(|id| format!("  not found: {id}")))?;
    }
    Ok(if unknown.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Asks for confirmation on a terminal. Without one, `--yes` is required.
#[expect(clippy::print_stderr, reason = "this is how a command line talks to its user")]
fn confirmed(ids: &[RecordId]) -> Result<bool, CommandError> {
    if !std::io::stdin().is_terminal() {
        return Err(CommandError::Usage("dropping deletes records permanently: confirm with --yes".to_owned()));
    }
    eprint!("drop {} permanently? [y/N] ", output::count(ids.len(), "record"));
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
}

//! `paystream replay`: publishes stored payments again (backfill).

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use payment_events::{OrderId, PaymentId, Timestamp};
use paystream_operations::{Replay, Replayed};
use serde::Serialize;

use crate::output::{self, CommandError, OutputError};
use crate::progress::Bar;
use crate::target::{HubArguments, OperatingArguments};

/// End of the `--help` text.
const EXIT_CODES: &str = "\
Events carry whole payments with their versions, so consumers that already have them change nothing.

Exit codes:
  0  all payments were published
  1  stopped before the end; the output says how to resume
  2  could not start";

#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Only payments that changed at or after this time, such as 2026-11-22T20:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only the payments of this order
    #[arg(long, value_name = "ID", conflicts_with = "after")]
    order_id: Option<OrderId>,
    /// Resume after this payment, where an earlier replay stopped
    #[arg(long, value_name = "PAYMENT_ID")]
    after: Option<PaymentId>,
    /// Maximum number of events per second; a payment has one for each version
    #[arg(long, value_name = "N", default_value = "200")]
    rate: NonZeroU32,
    /// Count what would be published, and publish nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    hub: HubArguments,
    #[command(flatten)]
    operating: OperatingArguments,
}

#[derive(Serialize)]
struct Report<'r> {
    dry_run: bool,
    #[serde(flatten)]
    replayed: &'r Replayed,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, CommandError> {
    let stack = arguments.hub.stack_of(&arguments.operating.target.resolve().await?);
    let replay = Replay {
        since: arguments.since,
        order_id: arguments.order_id.clone(),
        after: arguments.after.clone(),
        rate_per_second: arguments.rate,
        dry_run: arguments.dry_run,
    };
    let stopped = Arc::new(AtomicBool::new(false));
    let signalled = Arc::clone(&stopped);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            signalled.store(true, Ordering::Relaxed);
        }
    });
    let bar = Bar::new();
    let replayed = replay.run(&stack, &|| stopped.load(Ordering::Relaxed), &|progress| bar.show(progress)).await?;
    bar.finish();
    if arguments.operating.json {
        output::json(&Report { dry_run: arguments.dry_run, replayed: &replayed })?;
    } else {
        print(&arguments, &replayed)?;
    }
    Ok(if replayed.is_complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print(arguments: &Arguments, replayed: &Replayed) -> Result<(), OutputError> {
    let verb = if arguments.dry_run { "would publish" } else { "published" };
    let passed_over = match replayed.passed_over {
        0 => String::new(),
        number => format!(", skipped {number}"),
    };
    output::line(&format!("{verb} {} of {} payments{passed_over}", replayed.sent, replayed.read))?;
    output::lines(replayed.unreadable.iter().map(|item| {
        format!("  could not be decoded: {}: {}", output::foreign(&item.key, 100), output::foreign(&item.reason, 200))
    }))?;
    output::lines(replayed.not_sent.iter().map(|left| format!("  not published: {}: {}", left.id, left.reason)))?;
    if !replayed.is_complete {
        let after = replayed.go_on_after.as_ref().map(|payment_id| format!(" and --after {payment_id}"));
        output::line(&format!("stopped before the end; resume with the same command{}", after.unwrap_or_default()))?;
    }
    Ok(())
}

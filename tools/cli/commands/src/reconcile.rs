//! `paystream reconcile`: whether Orders has what Payments has, and mending it where not.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use paystream_operations::{Difference, DifferenceClass, Reconcile, Reconciled, SendReport, SentPayment};
use serde::Serialize;

use crate::output::{self, CommandError};
use crate::progress::Bar;
use crate::target::OperatingArguments;

/// What `--help` says below.
const EXIT_CODES: &str = "\
Exit codes:
  0  both sides agree, or what did not was published again
  1  they do not agree; with --repair: something is beyond repair, was not published or, with --wait, has not arrived
  2  they could not be compared";

#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Publish again what is missing, stale or different
    #[arg(long)]
    repair: bool,
    /// Say what would be published, and publish nothing
    #[arg(long, requires = "repair")]
    dry_run: bool,
    /// Wait until Orders has what was published, for so many seconds at most
    #[arg(long, value_name = "SECONDS", requires = "repair", num_args = 0..=1, require_equals = true,
        default_missing_value = "60")]
    wait: Option<u64>,
    /// What changed at Payments within so many seconds may still be on its way
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    grace: u64,
    #[command(flatten)]
    operating: OperatingArguments,
}

#[derive(Serialize)]
struct Report<'r> {
    agrees: bool,
    #[serde(flatten)]
    found: &'r Reconciled,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<Repair>,
}

#[derive(Debug, Default, Serialize)]
struct Repair {
    dry_run: bool,
    #[serde(flatten)]
    report: SendReport,
    /// What Orders did not have in time, where that was waited for.
    not_arrived: Vec<SentPayment>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, CommandError> {
    let stack = arguments.operating.target.resolve().await?.stack;
    let reconcile = Reconcile::new(&stack, arguments.grace.saturating_mul(1_000));
    let bar = Bar::new();
    let watch = |progress| bar.show(progress);
    let found = reconcile.compare(&watch).await?;
    let mut repair = None;
    if arguments.repair && arguments.dry_run {
        let sent = found.repairable().filter_map(would_send).collect();
        repair = Some(Repair { dry_run: true, report: SendReport { sent, not_sent: Vec::new() }, not_arrived: vec![] });
    } else if arguments.repair {
        let report = reconcile.repair(&found, &watch).await?;
        let not_arrived = match arguments.wait {
            Some(seconds) => reconcile.wait(&report.sent, Duration::from_secs(seconds), &watch).await?,
            None => Vec::new(),
        };
        repair = Some(Repair { dry_run: false, report, not_arrived });
    }
    bar.finish();
    let is_well = match &repair {
        Some(repair) if !repair.dry_run => {
            !found.is_beyond_repair() && repair.report.not_sent.is_empty() && repair.not_arrived.is_empty()
        }
        _ => found.agrees(),
    };
    if arguments.operating.json {
        output::json(&Report { agrees: found.agrees(), found: &found, repair });
    } else {
        print(&found, repair.as_ref(), arguments.wait.is_some());
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn would_send(difference: &Difference) -> Option<SentPayment> {
    let (order_id, payment_id) = (difference.order_id.clone(), difference.payment_id.clone());
    Some(SentPayment { order_id, payment_id, version: difference.payments_version? })
}

fn print(found: &Reconciled, repair: Option<&Repair>, waited: bool) {
    let seen = &found.seen;
    output::line(&format!(
        "{} payments, {} copies: {} agree, {} pending, {} processing, {} differ",
        seen.payments,
        seen.copies,
        seen.agreeing,
        seen.pending,
        seen.processing,
        found.differences.len()
    ));
    for class in DifferenceClass::ALL {
        let count = found.count(class);
        if count > 0 {
            output::line(&format!("{count} {}: {}", class.as_str(), meaning(class)));
            let of_class: Vec<_> = found.differences.iter().filter(|difference| difference.class == class).collect();
            output::lines(of_class.into_iter().map(difference_line));
        }
    }
    if !found.unreadable.is_empty() {
        output::line(&format!(
            "{} cannot be understood, and were not compared:",
            output::count(found.unreadable.len(), "item")
        ));
        let line = |item: &paystream_operations::Unreadable| {
            format!("  {:?} {}: {}", item.side, output::foreign(&item.key, 150), output::foreign(&item.reason, 200))
        };
        output::lines(found.unreadable.iter().map(line));
    }
    if let Some(repair) = repair {
        print_repair(repair, waited);
    } else if found.repairable().next().is_some() {
        output::line("`paystream reconcile --repair` publishes again what is missing, stale or different");
    }
}

fn print_repair(repair: &Repair, waited: bool) {
    let sent = output::count(repair.report.sent.len(), "payment");
    if repair.dry_run {
        output::line(&format!("would publish {sent} again"));
        return;
    }
    let arrived = if waited && repair.not_arrived.is_empty() && !repair.report.sent.is_empty() {
        ", and Orders has them"
    } else {
        ""
    };
    output::line(&format!("published {sent} again{arrived}"));
    output::lines(repair.report.not_sent.iter().map(|left| format!("  not published: {}: {}", left.id, left.reason)));
    let late = |sent: &SentPayment| format!("  not with Orders yet: {} of order {}", sent.payment_id, sent.order_id);
    output::lines(repair.not_arrived.iter().map(late));
}

fn meaning(class: DifferenceClass) -> &'static str {
    match class {
        DifferenceClass::Missing => "Orders has no copy",
        DifferenceClass::Stale => "Orders' copy is of an earlier version",
        DifferenceClass::Different => "Orders' copy of the same version says something else",
        DifferenceClass::Ahead => "Orders' copy is of a later version than Payments has; publishing does not mend it",
        DifferenceClass::Orphaned => "Payments does not have the payment of this copy; publishing does not mend it",
    }
}

fn difference_line(difference: &Difference) -> String {
    let version = |version: Option<u64>| version.map_or("none".to_owned(), |version| format!("v{version}"));
    let marked = if difference.unpublished { ", still marked as unpublished" } else { "" };
    let at = difference.updated_at.map_or(String::new(), |at| format!(", changed {at}"));
    format!(
        "  {} of order {}: Payments {}, Orders {}{at}{marked}",
        difference.payment_id,
        difference.order_id,
        version(difference.payments_version),
        version(difference.orders_version),
    )
}

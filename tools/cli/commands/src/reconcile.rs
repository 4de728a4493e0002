//! `paystream reconcile`: comparison of Orders' read model with Payments, and repair.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use paystream_operations::{Difference, DifferenceClass, Reconcile, Reconciled, SendReport, SentPayment};
use serde::Serialize;

use crate::output::{self, CommandError};
use crate::progress::Bar;
use crate::target::OperatingArguments;

/// End of the `--help` text.
const EXIT_CODES: &str = "\
Exit codes:
  0  both services agree, or with --repair all differences were published again
  1  they differ; with --repair: a difference is not repairable, was not published or, with --wait, has not arrived
  2  they could not be compared";

#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Publish missing, stale and different payments again
    #[arg(long)]
    repair: bool,
    /// Print what would be published, and publish nothing
    #[arg(long, requires = "repair")]
    dry_run: bool,
    /// Wait until Orders has the published payments, at most this many seconds
    #[arg(long, value_name = "SECONDS", requires = "repair", num_args = 0..=1, require_equals = true,
        default_missing_value = "60")]
    wait: Option<u64>,
    /// Count changes younger than this as pending, not as differences
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
    /// Payments that did not arrive in Orders in time; empty without `--wait`.
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
            "{} could not be decoded, and were not compared:",
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
        output::line("`paystream reconcile --repair` publishes missing, stale and different payments again");
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
    let late = |sent: &SentPayment| format!("  not yet in Orders: {} of order {}", sent.payment_id, sent.order_id);
    output::lines(repair.not_arrived.iter().map(late));
}

fn meaning(class: DifferenceClass) -> &'static str {
    match class {
        DifferenceClass::Missing => "Orders has no copy",
        DifferenceClass::Stale => "Orders' copy has an earlier version",
        DifferenceClass::Different => "Orders' copy has the same version and different content",
        DifferenceClass::Ahead => "Orders' copy has a later version than Payments; publishing does not repair it",
        DifferenceClass::Orphaned => "Payments has no such payment; publishing does not repair it",
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

//! `paystream reconcile`: comparison of Orders' read model with Payments, and of orders with it, and repair.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use payment_events::PaymentId;
use paystream_operations::{
    Difference, DifferenceClass, OrderDifference, OrderDifferenceClass, Reconcile, Reconciled, RepairReport,
    SentPayment,
};
use serde::Serialize;

use crate::output::{self, CommandError, OutputError};
use crate::progress::Bar;
use crate::target::{HubArguments, OperatingArguments};

/// End of the `--help` text.
const EXIT_CODES: &str = "\
Exit codes:
  0  both services agree and all orders match their payments, or --repair repaired every difference
  1  there are differences; with --repair: a difference is not repairable, was not repaired or, with --wait, the payment
     has not arrived or is not decided
  2  they could not be compared, or the output could not be written
Orders that are on hold in fulfilment are listed for people. They are not differences.";

#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Publish missing, stale, unpublished and different payments again, have undecided payments recovered, and settle orders
    /// that do not match their payments
    #[arg(long)]
    repair: bool,
    /// Also replace copies that are ahead: Payments' table is the truth. Orders forgets the later versions, for example
    /// after a restore that is meant to undo them
    #[arg(long, requires = "repair")]
    repair_ahead: bool,
    /// Print what would be published and settled, and change nothing
    #[arg(long, requires = "repair")]
    dry_run: bool,
    /// Wait until Orders has the published payments, and then until the undecided ones are decided, each for at most this
    /// many seconds
    #[arg(long, value_name = "SECONDS", requires = "repair", num_args = 0..=1, require_equals = true,
        default_missing_value = "60")]
    wait: Option<u64>,
    /// Count changes younger than this as pending, not as differences
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    grace: u64,
    #[command(flatten)]
    hub: HubArguments,
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
    report: RepairReport,
    /// Payments that did not arrive in Orders in time; empty without `--wait`.
    not_arrived: Vec<SentPayment>,
    /// Payments that the recovery did not decide in time; empty without `--wait`.
    not_decided: Vec<PaymentId>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, CommandError> {
    let stack = arguments.hub.stack_of(&arguments.operating.target.resolve().await?);
    let reconcile = Reconcile::new(&stack, arguments.grace.saturating_mul(1_000));
    let bar = Bar::new();
    let watch = |progress| bar.show(progress);
    let found = reconcile.compare(&watch).await?;
    let mut repair = None;
    if arguments.repair && arguments.dry_run {
        let report = found.plan(arguments.repair_ahead);
        repair = Some(Repair { dry_run: true, report, ..Repair::default() });
    } else if arguments.repair {
        let mut report = reconcile.repair(&found, arguments.repair_ahead, &watch).await?;
        let (mut not_arrived, mut not_decided) = (Vec::new(), Vec::new());
        if let Some(wait_max) = arguments.wait.map(Duration::from_secs) {
            not_arrived = reconcile.wait(&report.payments.sent, wait_max, &watch).await?;
            if not_arrived.is_empty() {
                reconcile.settle_awaiting(&mut report).await?;
            }
            not_decided = reconcile.wait_for_decisions(&report.recoveries, wait_max).await?;
        }
        repair = Some(Repair { dry_run: false, report, not_arrived, not_decided });
    }
    bar.finish();
    let is_well = match &repair {
        Some(repair) if !repair.dry_run => {
            !found.is_beyond_repair(arguments.repair_ahead)
                && repair.report.is_complete()
                && repair.not_arrived.is_empty()
                && repair.not_decided.is_empty()
        }
        _ => found.agrees(),
    };
    if arguments.operating.json {
        output::json(&Report { agrees: found.agrees(), found: &found, repair })?;
    } else {
        print(&found, repair.as_ref(), arguments.wait.is_some())?;
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print(found: &Reconciled, repair: Option<&Repair>, waited: bool) -> Result<(), OutputError> {
    print_counts(found)?;
    for class in DifferenceClass::ALL {
        let count = found.count(class);
        if count > 0 {
            output::line(&format!("{count} {}: {}", class.as_str(), meaning(class)))?;
            let of_class: Vec<_> = found.differences.iter().filter(|difference| difference.class == class).collect();
            output::lines(of_class.into_iter().map(difference_line))?;
        }
    }
    for class in OrderDifferenceClass::ALL {
        let of_class: Vec<_> = found.order_differences.iter().filter(|order| order.class == class).collect();
        if !of_class.is_empty() {
            output::line(&format!("{} {}: {}", of_class.len(), class.as_str(), order_meaning(class)))?;
            output::lines(of_class.into_iter().map(order_line))?;
        }
    }
    if !found.unreadable.is_empty() {
        output::line(&format!(
            "{} could not be decoded, and were not compared:",
            output::count(found.unreadable.len(), "item")
        ))?;
        let line = |item: &paystream_operations::Unreadable| {
            format!("  {:?} {}: {}", item.side, output::foreign(&item.key, 150), output::foreign(&item.reason, 200))
        };
        output::lines(found.unreadable.iter().map(line))?;
    }
    match repair {
        Some(repair) => print_repair(repair, waited),
        None => print_advice(found),
    }
}

fn print_counts(found: &Reconciled) -> Result<(), OutputError> {
    let seen = &found.seen;
    output::line(&format!(
        "{} payments, {} copies: {} agree, {} pending, {} processing, {} differ",
        seen.payments,
        seen.copies,
        seen.agreeing,
        seen.pending,
        seen.processing,
        found.differences.len()
    ))?;
    let on_hold = found.count_orders(OrderDifferenceClass::OnHoldInFulfilment);
    let orders = &found.orders_seen;
    output::line(&format!(
        "{} orders: {} settled, {} pending, {on_hold} on hold in fulfilment, {} differ",
        orders.orders,
        orders.settled,
        orders.pending,
        found.order_differences.len().saturating_sub(on_hold)
    ))
}

fn print_advice(found: &Reconciled) -> Result<(), OutputError> {
    let undecided = found.count(DifferenceClass::Undecided);
    if found.repairable(false).count() > undecided || found.repairable_orders().next().is_some() {
        output::line("`paystream reconcile --repair` publishes these payments again, and settles these orders")?;
    }
    if undecided > 0 {
        output::line("`paystream reconcile --repair` sends undecided payments to payment-recovery again")?;
    }
    if found.count(DifferenceClass::Ahead) > 0 {
        output::line(
            "`paystream reconcile --repair --repair-ahead` replaces copies that are ahead by Payments' version",
        )?;
    }
    Ok(())
}

fn print_repair(repair: &Repair, waited: bool) -> Result<(), OutputError> {
    let RepairReport { payments, copies_deleted, orders_settled, orders_not_settled, orders_awaiting, .. } =
        &repair.report;
    let (would_publish, would_settle, would_delete) = if repair.dry_run {
        ("would publish", "would settle", "would delete")
    } else {
        ("published", "settled", "deleted")
    };
    let sent = output::count(payments.sent.len(), "payment");
    let arrived =
        if waited && repair.not_arrived.is_empty() && !payments.sent.is_empty() { ", and Orders has them" } else { "" };
    output::line(&format!("{would_publish} {sent} again{arrived}"))?;
    if !copies_deleted.is_empty() {
        let copies =
            if copies_deleted.len() == 1 { "1 copy".to_owned() } else { format!("{} copies", copies_deleted.len()) };
        output::line(&format!("{would_delete} {copies} of payments that Payments has not published"))?;
    }
    print_recoveries(repair, waited)?;
    if !orders_settled.is_empty() {
        output::line(&format!("{would_settle} {}", output::count(orders_settled.len(), "order")))?;
    }
    if !orders_awaiting.is_empty() {
        let awaiting = output::count(orders_awaiting.len(), "order");
        output::line(&format!("the projector settles {awaiting} when the payments arrive"))?;
    }
    output::lines(payments.not_sent.iter().map(|left| format!("  not published: {}: {}", left.id, left.reason)))?;
    let unsettled = orders_not_settled.iter();
    output::lines(unsettled.map(|left| format!("  not settled: {}: {}", left.id, output::foreign(&left.reason, 200))))?;
    let late = |sent: &SentPayment| format!("  not yet in Orders: {} of order {}", sent.payment_id, sent.order_id);
    output::lines(repair.not_arrived.iter().map(late))
}

fn print_recoveries(repair: &Repair, waited: bool) -> Result<(), OutputError> {
    let RepairReport { recoveries, recoveries_not_requested, .. } = &repair.report;
    if !recoveries.is_empty() {
        let recoveries = output::count(recoveries.len(), "undecided payment");
        output::line(&match (repair.dry_run, waited && repair.not_decided.is_empty()) {
            (true, _) => format!("would send {recoveries} to payment-recovery"),
            (false, true) => format!("sent {recoveries} to payment-recovery, which decided all of them"),
            (false, false) => format!("sent {recoveries} to payment-recovery, which decides within minutes"),
        })?;
    }
    output::lines(
        recoveries_not_requested
            .iter()
            .map(|left| format!("  not sent to payment-recovery: {}: {}", left.id, output::foreign(&left.reason, 200))),
    )?;
    output::lines(repair.not_decided.iter().map(|payment_id| format!("  not yet decided: {payment_id}")))
}

fn meaning(class: DifferenceClass) -> &'static str {
    match class {
        DifferenceClass::Missing => "Orders has no copy",
        DifferenceClass::Stale => "Orders' copy has an earlier version",
        DifferenceClass::Unpublished => "Payments has not published it yet, and is retrying",
        DifferenceClass::Undecided => "its request ended, and neither a retry nor payment-recovery has decided it",
        DifferenceClass::Different => "Orders' copy has the same version and different content",
        DifferenceClass::Ahead => "Orders' copy has a later version than Payments; publishing does not repair it",
        DifferenceClass::Orphaned => "Payments has no such payment of this order; publishing does not repair it",
    }
}

fn order_meaning(class: OrderDifferenceClass) -> &'static str {
    match class {
        OrderDifferenceClass::CoveredNotAccepted => "its payments cover the order, and it is not accepted",
        OrderDifferenceClass::AcceptedUncovered => "the order is accepted, and its payments do not cover it",
        OrderDifferenceClass::OnHoldInFulfilment => "fulfilment started, and the payments no longer cover the order",
    }
}

fn difference_line(difference: &Difference) -> String {
    let version = |version: Option<u64>| version.map_or("none".to_owned(), |version| format!("v{version}"));
    let at = difference.updated_at.map_or(String::new(), |at| format!(", changed {at}"));
    let other = difference.belongs_to.as_ref().map(|order_id| format!(", belongs to order {order_id}"));
    format!(
        "  {} of order {}: Payments {}, Orders {}{at}{}",
        difference.payment_id,
        difference.order_id,
        version(difference.payments_version),
        version(difference.orders_version),
        other.unwrap_or_default(),
    )
}

fn order_line(order: &OrderDifference) -> String {
    let OrderDifference { order_id, status, covered_minor, total_minor, currency, updated_at, .. } = order;
    let started = order.fulfilment_started_at.map(|at| format!(", fulfilment started {at}"));
    format!(
        "  {order_id}: {status}, {covered_minor} of {total_minor} {currency} minor units covered, changed {updated_at}{}",
        started.unwrap_or_default()
    )
}

//! What stands beside the figures: what they cost, what they cannot show, and how they were come by.

use super::Report;
use super::published::{FAN_OUT, POLLING, Published, SOURCE, STANDARD};
use super::text::{markdown_table, ms, of, times};
use crate::costs::{Costs, PerOrder};
use crate::scenario::Scenario;

pub(super) fn bill(costs: &Costs) -> String {
    let head =
        ["each", "API requests", "invocations", "billed ms", "GB-s", "read units", "write units", "payload units"];
    let row = |what: &str, used: PerOrder| {
        vec![
            what.to_owned(),
            times(used.api_requests),
            times(used.invocations),
            format!("{:.1}", used.billed_ms),
            format!("{:.4}", used.gb_seconds),
            times(used.read_units),
            times(used.write_units),
            times(used.payload_units),
        ]
    };
    let rows = [
        row("payment, in either mode", costs.payment),
        row("payment: keeping Orders' copy of it", costs.copy),
        row("order, asynchronous", costs.asynchronous_order),
        row("order, synchronous", costs.synchronous_order),
        row("**asynchronous, copy and order**", costs.copy.and(costs.asynchronous_order)),
        row("**synchronous, order**", costs.synchronous_order),
    ];
    format!(
        "## What each costs\n\nCounted at the emulators and at the functions, {} of each, one thing after the other: payments, then \
         orders in one mode, then in the other. The last two lines are what differs between the modes for an order with one \
         payment. Synchronous orders that wait, or whose payment is voided later, are settled by the copy, whose cost is not in \
         the last line.\n\n{}\nUnits are as AWS bills them: read units of 4 KB, write units of 1 KB, payload units of 25 KB. Beside them the \
         stream costs by the hour, asynchronous mode only. Billed time is that of this machine. What `payment-api` spends on \
         publishing is in the payment's time, in both modes.\n",
        costs.orders,
        markdown_table(&head, rows)
    )
}

pub(super) fn aws(report: &Report) -> String {
    let published = |published: &Published| {
        vec![published.what.to_owned(), ms(published.p50), ms(published.p90), ms(published.p99)]
    };
    let local = report.comparison(Scenario::Healthy).map(|found| {
        let lag = &found.asynchronous.lag_ms;
        vec![
            "here, Payments to Orders' copy (healthy)".to_owned(),
            of(lag, |lag| lag.p50),
            of(lag, |lag| lag.p90),
            of(lag, |lag| lag.p99),
        ]
    });
    let rows = local.into_iter().chain([published(&STANDARD), published(&FAN_OUT)]);
    format!(
        "## What one machine cannot show about AWS\n\n\
         - **The way to Orders' copy is longer there.** The local event source hands a record on as soon as it is there; Lambda polls \
         a shard once a second unless it has enhanced fan-out ({POLLING}). Published figures ({SOURCE}) beside those of here:\n\n{}\n\
         - **A call to Payments is longer there**, by a network, API Gateway, a signature and now and then a cold start on \
         either side. Here it is a few milliseconds on one machine: the difference between the modes is smaller than there.\n\
         - **Synchronous mode is not always fresh there.** It finds an order's payments by an index, which DynamoDB keeps up to \
         date a moment later (usually within milliseconds, with no bound): a payment that was just made may be missing, and its order \
         waits. The emulator's index is never behind.\n\
         - **Rare requests take longer here.** With little to do, processors go to sleep between two requests, and each hop from one \
         process to the next waits until one is awake: the longer the way, the less its own work counts. At a few orders a second the \
         modes are therefore closer to each other than under load.\n\
         - **Everything shares the processor here.** Synchronous mode's second function takes time from the first; there it \
         does not. Latencies are of this machine; what carries over is how the modes compare.\n\
         - **Scale is another there**: a function has a thousand sandboxes, DynamoDB and Kinesis have limits that the emulators \
         do not, and an outage is seldom as clean as a fault that is injected.\n\
         - **How fast a backlog drains** is up to the pauses between retries of the event source: here at most 10 s, on AWS not \
         documented.\n",
        markdown_table(&["", "p50", "p90", "p99"], rows)
    )
}

pub(super) fn method(report: &Report) -> String {
    format!(
        "## How it was measured\n\n\
         - **An open loop**: orders come at {} a second in each mode whatever becomes of those before, and each latency counts from \
         when the order was to be sent. The generator was late by {} at most in 99 of 100 cases.\n\
         - **Payments come a second or more before their orders**, by up to half a second more at random, so that orders and \
         payments do not come at the same moments.\n\
         - **In turns**: each order goes through both modes, half a period apart, and each mode is first every other time. What \
         drifts, drifts for both.\n\
         - **A system of its own for each scenario**, warmed up by the same load before it is measured.\n\
         - **What went wrong**: requests of the Payments API are delayed, answered with 500 or have their connections reset; Kinesis \
         answers every call of a function with an error; the consumer fails every batch. Where that is for a while, it is the middle \
         third. Where Payments is slow or answers with errors all the time, that is preceded by half as long without, which is what \
         *before in the same system* is measured in.\n\
         - **Afterwards every order is read** again, until it is where its payment puts it, or for a minute. An order is lost where \
         it was answered and is not there, or its payment was answered and Orders does not have it.\n",
        report.rate,
        report
            .comparisons
            .iter()
            .flat_map(|found| [&found.asynchronous, &found.synchronous])
            .map(|measured| measured.lateness_ms)
            .max_by(|one, other| one.p99.total_cmp(&other.p99))
            .map_or_else(|| "–".to_owned(), |lateness| of(&lateness, |lateness| lateness.p99))
    )
}

//! Cost of settlement in capacity units, by the number of payments of the order. The table in docs/performance.md has the
//! expected values.

use paystream_local::Usage;
use paystream_tests::{Paystream, eur, line, order_body};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../docs/performance.md");
const SECTION: &str = "## Units of settlement";
/// Maximum attempts until the cost is as expected. On a busy machine the SDK may retry a call; a path that always costs
/// more still fails.
const TRIES: usize = 10;
/// Number of payments in each row. The last is more than settlement considers.
const ROWS: [(&str, usize); 5] = [("1", 1), ("10", 10), ("100", 100), ("1,000", 1_000), ("1,100", 1_100)];
/// Total of the order. Only its last payment covers it.
const TOTAL: i64 = 1_000_000;

/// Units of a table that a function used: write units, read units.
fn units(usage: &Usage, function: &str, table: &str) -> (f64, f64) {
    let used = usage.functions.get(function).and_then(|function| function.dynamodb.get(table));
    used.map_or((0.0, 0.0), |units| (units.write_units, units.read_units))
}

/// Rows of the table, as text.
fn rows() -> Vec<Vec<&'static str>> {
    let (_, section) = DOCUMENT.split_once(SECTION).unwrap();
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[tokio::test]
async fn settlement_costs_exactly_the_units_of_its_row() {
    let paystream = Paystream::start().await;
    let rows = rows();
    let mut wrong = Vec::new();
    for (row, (name, payments)) in rows.iter().zip(ROWS) {
        assert_eq!(row[0], name, "number of payments in the row");
        let mut measured = Vec::new();
        for _ in 0..TRIES {
            measured = cost(&paystream, payments).await;
            if measured == row[1..] {
                break;
            }
        }
        if measured != row[1..] {
            wrong.push(format!("{name} payments cost {measured:?}, not {:?}", &row[1..]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(rows.len(), ROWS.len());
}

/// Makes a payment, and waits until the projector has handled its event.
async fn pay(paystream: &Paystream, order_id: &str, minor: i64) -> Value {
    let handled = async || {
        let status = paystream.environment().status().await;
        let sources = status.event_sources.values().filter(|source| source.function == "OrderProjector");
        sources.map(|source| source.records).sum::<u64>()
    };
    let before = handled().await;
    let payment = paystream.pay(order_id, &eur(minor), "tok_approve").await;
    Paystream::eventually("the event is handled", async || (handled().await > before).then_some(())).await;
    payment
}

/// Measures the columns of a row with a new order.
async fn cost(paystream: &Paystream, payments: usize) -> Vec<String> {
    let order_id = &paystream.name("ord");
    let environment = paystream.environment();
    if payments > 1 {
        let first = pay(paystream, order_id, 1).await;
        paystream.copy_payment(&first, payments.saturating_sub(2)).await;
    }
    let body = order_body(order_id, &[line("tea", 1, &eur(TOTAL))]);
    // A client that gets no response in time repeats the request, and then the order is known.
    let placed = paystream.post("/orders", &body).await;
    assert!([200, 202].contains(&placed.status.as_u16()), "{placed:?}");

    environment.reset_usage();
    pay(paystream, order_id, TOTAL).await;
    let settled = units(&environment.usage(), "OrderProjector", "OrdersTable");
    let status = if payments > orders::PAYMENTS_MAX { "awaiting_payment" } else { "accepted" };

    environment.reset_usage();
    let order = paystream.get(&format!("/orders/{order_id}")).await.expect(200);
    assert_eq!(order["status"], status);
    let read = units(&environment.usage(), "OrderApi", "OrdersTable").1;
    environment.reset_usage();
    paystream.pages(&format!("/orders/{order_id}/payments")).await;
    let listed = units(&environment.usage(), "OrderApi", "OrdersTable").1;
    environment.reset_usage();
    paystream.post("/sync/orders", &body).await.expect(200);
    let usage = environment.usage();
    let looked_up = units(&usage, "PaymentApi", "PaymentsTable").1;
    let lookups = usage.requests("PaymentsApi", "GET", "/payments");
    let numbers = [settled.0, settled.1, read, listed, looked_up].map(|units| units.to_string());
    numbers.into_iter().chain([lookups.to_string()]).collect()
}

//! What is to happen when: the same orders for both modes, in turns.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::mode::Mode;
use crate::scenario::Scenario;

/// The most that an order costs, in minor units.
const MINOR_MAX: i64 = 20_000;
/// A payment that is voided is so at most this long before its order: about as long as it takes the news to travel.
const VOID_LEAD_MS_MAX: u64 = 40;

/// One order, its payment, and when what is to happen, from when the scenario begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedOrder {
    pub(crate) order_id: String,
    pub(crate) mode: Mode,
    pub(crate) minor: i64,
    pub(crate) order_at: Duration,
    pub(crate) pay_at: Duration,
    pub(crate) void_at: Option<Duration>,
    /// Orders before the window begins only warm everything up.
    pub(crate) is_measured: bool,
}

/// When the window that is measured begins and ends, and when something goes wrong, from when the scenario begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Times {
    pub(crate) window: Duration,
    pub(crate) end: Duration,
    pub(crate) rate: f64,
    warm_up: Duration,
    lead: Duration,
}

impl Times {
    pub(crate) fn new(scenario: Scenario, rate: f64, duration: Duration, warm_up: Duration) -> Self {
        let lead = scenario.lead(duration / 3);
        let window = lead + warm_up;
        Self { window, end: window + duration, rate, warm_up, lead }
    }
}

/// When an outage begins and ends within the window.
pub(crate) fn outage(duration: Duration) -> (Duration, Duration) {
    (duration / 3, duration * 2 / 3)
}

/// All orders of a scenario. Each mode gets an order of the same amount at the same rate, half a period apart, and each
/// is the first of the two every other time.
pub(crate) fn plan(scenario: Scenario, times: &Times, prefix: &str, seed: u64) -> Vec<PlannedOrder> {
    let mut rng = Rng::with_seed(seed);
    let first = times.window.saturating_sub(times.warm_up);
    let mut orders = Vec::new();
    for number in 0_u32.. {
        let at = first + Duration::from_secs_f64(f64::from(number) / times.rate);
        if at >= times.end {
            break;
        }
        let minor = rng.i64(1..=MINOR_MAX);
        let void_lead = Duration::from_millis(rng.u64(..VOID_LEAD_MS_MAX));
        let half = Duration::from_secs_f64(0.5 / times.rate);
        let modes = if number % 2 == 0 { Mode::BOTH } else { [Mode::Synchronous, Mode::Asynchronous] };
        for (mode, order_at) in modes.into_iter().zip([at, at + half]) {
            orders.push(PlannedOrder {
                order_id: format!("{prefix}-{}-{number}", &mode.as_str()[..1]),
                mode,
                minor,
                order_at,
                pay_at: scenario.late().map_or_else(|| order_at.saturating_sub(times.lead), |late| order_at + late),
                void_at: scenario.voids().then(|| order_at.saturating_sub(void_lead)),
                is_measured: at >= times.window,
            });
        }
    }
    orders
}

impl PlannedOrder {
    /// The body of `POST /payments`.
    pub(crate) fn payment_body(&self) -> Value {
        json!({"order_id": self.order_id, "amount": self.amount(), "method": {"token": "tok_approve"}})
    }

    /// The body of `POST /orders`.
    pub(crate) fn order_body(&self) -> Value {
        let line = json!({"sku": "tea", "quantity": 1, "unit_price": self.amount()});
        json!({"order_id": self.order_id, "customer_id": "cust-7", "lines": [line]})
    }

    fn amount(&self) -> Value {
        json!({"minor": self.minor, "currency": "EUR"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn planned(scenario: Scenario) -> (Times, Vec<PlannedOrder>) {
        let times = Times::new(scenario, 10.0, 6 * SECOND, SECOND);
        (times, plan(scenario, &times, "cmp", 7))
    }

    #[test]
    fn both_modes_get_the_same_orders_at_the_same_rate_and_take_turns() {
        let (times, orders) = planned(Scenario::Healthy);
        let of = |mode| orders.iter().filter(move |order| order.mode == mode && order.is_measured);
        assert_eq!((of(Mode::Asynchronous).count(), of(Mode::Synchronous).count()), (60, 60));
        for (one, other) in of(Mode::Asynchronous).zip(of(Mode::Synchronous)) {
            assert_eq!(one.minor, other.minor);
            assert_eq!(one.order_at.abs_diff(other.order_at), SECOND / 20);
        }
        let firsts = orders.chunks(2).filter(|pair| pair[0].mode == Mode::Asynchronous).count();
        assert_eq!(firsts * 4, orders.len());
        assert!(orders.iter().all(|order| order.order_at < times.end + SECOND / 20));
    }

    #[test]
    fn payments_come_before_their_orders_and_before_payments_is_down() {
        let (times, orders) = planned(Scenario::PaymentsDown);
        let (begin, end) = outage(6 * SECOND);
        let during = |order: &&PlannedOrder| (times.window + begin..times.window + end).contains(&order.order_at);
        assert!(orders.iter().filter(during).all(|order| order.pay_at < times.window + begin));
        assert!(planned(Scenario::OrderFirst).1.iter().all(|order| order.pay_at > order.order_at));
        assert!(planned(Scenario::PaymentVoided).1.iter().all(|order| order.void_at.unwrap() <= order.order_at));
    }

    #[test]
    fn the_same_seed_makes_the_same_plan_and_every_order_has_a_name_of_its_own() {
        let (times, orders) = planned(Scenario::Healthy);
        assert_eq!(orders, plan(Scenario::Healthy, &times, "cmp", 7));
        assert_ne!(orders, plan(Scenario::Healthy, &times, "cmp", 8));
        let names: std::collections::BTreeSet<_> = orders.iter().map(|order| &order.order_id).collect();
        assert_eq!(names.len(), orders.len());
    }
}

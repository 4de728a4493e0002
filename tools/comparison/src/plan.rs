//! Schedule of a scenario: the same orders for both modes, alternating.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::mode::Mode;
use crate::scenario::{Extent, Scenario};

/// Maximum order total, in minor units.
const MINOR_MAX: i64 = 20_000;
/// Random extra time between a void and its order. It is about the propagation time of an event, so that some orders
/// see the void and some do not.
const VOID_SPREAD_MS: u64 = 40;

/// Maximum random extra time between a payment and its order. With a constant lead every order would coincide with the
/// payment of a later order, and both modes would measure that contention.
const SPREAD: Duration = Duration::from_millis(500);

/// One order and its payment. Times are offsets from the start of the scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedOrder {
    pub(crate) order_id: String,
    pub(crate) mode: Mode,
    pub(crate) minor: i64,
    pub(crate) order_at: Duration,
    pub(crate) pay_at: Duration,
    pub(crate) void_at: Option<Duration>,
    pub(crate) phase: Phase,
}

/// Phase of a scenario that an order belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Warm-up; not measured.
    WarmUp,
    /// Reference measurement in the same system before a fault that covers the whole window.
    Before,
    /// Measured window.
    Window,
}

/// Begin and end of the phases, as offsets from the start of the scenario.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Times {
    pub(crate) window: Duration,
    pub(crate) end: Duration,
    pub(crate) rate: f64,
    /// Time of the first order.
    first: Duration,
    /// Begin of the reference phase.
    before: Duration,
    lead: Duration,
    spread: Duration,
    outage: Duration,
}

impl Times {
    pub(crate) fn new(scenario: Scenario, rate: f64, duration: Duration, warm_up: Duration) -> Self {
        let outage = duration / 3;
        let (lead, spread) = (scenario.lead(outage), SPREAD.min(outage / 4));
        let first = lead + spread;
        let before = first + warm_up;
        let window = before + if scenario.extent() == Extent::Whole { duration / 2 } else { Duration::ZERO };
        Self { window, end: window + duration, rate, first, before, lead, spread, outage }
    }
}

/// Returns begin and end of an outage, as offsets from the start of the window.
pub(crate) fn outage(duration: Duration) -> (Duration, Duration) {
    (duration / 3, duration * 2 / 3)
}

/// Generates all orders of a scenario. Both modes get the same amounts at the same rate, half a period apart, and the
/// mode that comes first alternates.
pub(crate) fn plan(scenario: Scenario, times: &Times, prefix: &str, seed: u64) -> Vec<PlannedOrder> {
    let mut rng = Rng::with_seed(seed);
    let mut orders = Vec::new();
    for number in 0_u32.. {
        let at = times.first + Duration::from_secs_f64(f64::from(number) / times.rate);
        if at >= times.end {
            break;
        }
        let minor = rng.i64(1..=MINOR_MAX);
        let void_lead =
            scenario.void_lead(times.outage).map(|least| least + Duration::from_millis(rng.u64(..VOID_SPREAD_MS)));
        let apart = times.spread.mul_f64(rng.f64());
        let half = Duration::from_secs_f64(0.5 / times.rate);
        let modes = if number % 2 == 0 { Mode::BOTH } else { [Mode::Synchronous, Mode::Asynchronous] };
        for (mode, order_at) in modes.into_iter().zip([at, at + half]) {
            orders.push(PlannedOrder {
                order_id: format!("{prefix}-{}-{number}", &mode.as_str()[..1]),
                mode,
                minor,
                order_at,
                pay_at: match scenario.late() {
                    Some(late) => order_at + late + apart,
                    None => order_at.saturating_sub(times.lead + apart),
                },
                void_at: void_lead.map(|void_lead| order_at.saturating_sub(void_lead)),
                phase: match at {
                    at if at >= times.window => Phase::Window,
                    at if at >= times.before => Phase::Before,
                    _ => Phase::WarmUp,
                },
            });
        }
    }
    orders
}

impl PlannedOrder {
    /// Body of `POST /payments`.
    pub(crate) fn payment_body(&self) -> Value {
        json!({"order_id": self.order_id, "amount": self.amount(), "method": {"token": "tok_approve"}})
    }

    /// Body of `POST /orders`.
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
    fn both_modes_get_the_same_orders_at_the_same_rate_and_alternate() {
        let (times, orders) = planned(Scenario::Healthy);
        let of = |mode| orders.iter().filter(move |order| order.mode == mode && order.phase == Phase::Window);
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
    fn payments_are_made_before_their_orders_and_before_payments_is_down() {
        let (times, orders) = planned(Scenario::PaymentsDown);
        let (begin, end) = outage(6 * SECOND);
        let during = |order: &&PlannedOrder| (times.window + begin..times.window + end).contains(&order.order_at);
        assert!(orders.iter().filter(during).all(|order| order.pay_at < times.window + begin));
        assert!(planned(Scenario::OrderFirst).1.iter().all(|order| order.pay_at > order.order_at));
        assert!(planned(Scenario::PaymentVoided).1.iter().all(|order| order.void_at.unwrap() <= order.order_at));
    }

    #[test]
    fn payments_do_not_coincide_with_other_orders() {
        let (_, orders) = planned(Scenario::Healthy);
        let leads: std::collections::BTreeSet<_> =
            orders.iter().map(|order| order.order_at.abs_diff(order.pay_at)).collect();
        assert!(leads.len() > orders.len() / 4, "only both orders of a pair share a lead: {leads:?}");
        assert!(leads.iter().all(|lead| (SECOND..=SECOND + SPREAD).contains(lead)), "{leads:?}");
    }

    #[test]
    fn a_fault_over_the_whole_window_has_a_reference_phase_half_as_long() {
        let of = |scenario, phase| planned(scenario).1.iter().filter(|order| order.phase == phase).count();
        assert_eq!(of(Scenario::Payments200Ms, Phase::Before) * 2, of(Scenario::Payments200Ms, Phase::Window));
        assert_eq!(of(Scenario::Payments200Ms, Phase::WarmUp), of(Scenario::Healthy, Phase::WarmUp));
        assert_eq!(of(Scenario::Healthy, Phase::Before), 0);
    }

    #[test]
    fn an_unheard_void_comes_well_before_its_order_and_after_its_payment() {
        let (times, orders) = planned(Scenario::VoidedUnheard);
        let (begin, _) = outage(6 * SECOND);
        for order in &orders {
            let void_at = order.void_at.unwrap();
            assert!(order.order_at >= void_at + SECOND && order.pay_at + SECOND < void_at);
        }
        let during = orders.iter().filter(|order| order.void_at.unwrap() >= times.window + begin);
        assert!(during.clone().count() > 0);
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_order_ids_are_unique() {
        let (times, orders) = planned(Scenario::Healthy);
        assert_eq!(orders, plan(Scenario::Healthy, &times, "cmp", 7));
        assert_ne!(orders, plan(Scenario::Healthy, &times, "cmp", 8));
        let names: std::collections::BTreeSet<_> = orders.iter().map(|order| &order.order_id).collect();
        assert_eq!(names.len(), orders.len());
    }
}

//! The orders table and the Payments API, and the processes that use them.

mod gated;
mod processes;

use std::sync::Arc;

use orders::testing::samples::{eur, euros, request};
use orders::testing::{MemoryOrders, MemoryPayments};
use orders::{Evidence, FindOrder, Order, OrderQueries, OrderStatus, OrderView, PaymentLookup, Settle, covering_minor};
use payment_events::PaymentInfo;
use paystream_explorer::{Choice, Explored, Faults, Scenario, ready};

use gated::{describe, describe_payments};
use processes::Process;
pub(crate) use processes::{Script, batch};

/// State shared by all processes.
#[derive(Default)]
pub(crate) struct World {
    store: Arc<MemoryOrders>,
    /// The Payments API.
    payments: MemoryPayments,
}

/// Explores every run of these scripts. Counts the runs that end with an order whose status does not match its payments.
pub(crate) fn explore(scripts: &[Script], faults: Faults, ignores_known_states: bool) -> Explored {
    // The projector's timeouts need a clock. It is paused, so they never expire.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let _entered = runtime.enter();
    let processes = scripts.iter().cloned().enumerate().map(Process::new).collect();
    Scenario { processes, faults, ignores_known_states }.explore()
}

impl paystream_explorer::World for World {
    type Process = Process;

    fn describe(&self) -> String {
        format!("{}|{}", describe(&self.view()), describe_payments(&self.payments()))
    }

    /// Checks that the order, settled now, is on hold only if one of its payments covers nothing, in the Payments API
    /// or in the read model.
    fn check(&self, choices: &[Choice]) {
        let OrderView { order: Some(order), payments, .. } = self.view() else { return };
        let settled = order.settled(Evidence::copies(&payments), order.updated_at).unwrap_or(order);
        let covers_nothing = |payment: &PaymentInfo| covering_minor(payment, eur()) == 0;
        let has_reason =
            payments.iter().any(|stored| covers_nothing(&stored.payment)) || self.payments().iter().any(covers_nothing);
        assert!(settled.status != OrderStatus::OnHold || has_reason, "after {choices:?}");
    }

    /// Checks that reading the order settles it. Returns true if it was not settled before.
    fn check_end<'a>(&self, _: impl Iterator<Item = &'a Process>, choices: &[Choice]) -> bool {
        let was_settled = self.is_settled();
        let settle = Settle::new(self.store.clone(), self.store.clone());
        let find = FindOrder::new(self.store.clone(), settle);
        let found = ready(find.find(&"ord-1".parse().unwrap())).unwrap();
        if let Some(found) = found {
            assert!(self.is_settled(), "after {choices:?}");
            assert_eq!(self.view().order.map(|order| order.status), Some(found.order.status));
        }
        !was_settled
    }
}

impl World {
    fn view(&self) -> OrderView {
        ready(self.store.read(&"ord-1".parse().unwrap())).unwrap()
    }

    fn payments(&self) -> Vec<PaymentInfo> {
        ready(self.payments.payments_of(&"ord-1".parse().unwrap())).unwrap().payments
    }

    /// Returns true if the order has the status it would get if it were placed now. At the end of a run all payments
    /// have arrived, so the previous decision must not matter any more.
    fn is_settled(&self) -> bool {
        let OrderView { order, payments, .. } = self.view();
        let is_accepted = |order: &Order| order.status == OrderStatus::Accepted;
        order.is_some_and(|order| {
            let afresh = Order::place(request("ord-1", euros(1_000)), Evidence::copies(&payments), order.updated_at);
            is_accepted(&order) == is_accepted(&afresh)
        })
    }
}

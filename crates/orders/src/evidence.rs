//! The payments that a decision is based on.

use payment_events::PaymentInfo;

use crate::{Incomplete, LookedUp, OrderView, PaymentCopy, PaymentRead};

/// Payments of one order, unsorted. The newest version of each payment counts.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Payments in the read model.
    pub copies: &'a [PaymentCopy],
    /// Payments just returned by the Payments API; `None` if it was not called.
    pub lookup: Option<&'a LookedUp>,
    /// Reason why `copies` is not all that is in the read model; `None` if it is.
    pub incomplete: Option<&'a Incomplete>,
}

impl<'a> Evidence<'a> {
    /// Creates evidence from the read model alone, of which these are all payments.
    pub fn copies(copies: &'a [PaymentCopy]) -> Self {
        Self { copies, lookup: None, incomplete: None }
    }

    /// Creates evidence from what was read of the read model.
    pub fn view(view: &'a OrderView) -> Self {
        Self { copies: &view.payments, lookup: None, incomplete: view.incomplete.as_ref() }
    }

    /// Returns the source of the payments.
    pub fn read(self) -> PaymentRead {
        if self.lookup.is_some() { PaymentRead::Remote } else { PaymentRead::Local }
    }

    /// Returns all payments: the read model first, then those of the Payments API.
    pub(crate) fn payments(self) -> impl Iterator<Item = &'a PaymentInfo> {
        let lookup = self.lookup.map(|lookup| lookup.payments.as_slice()).unwrap_or_default();
        self.copies.iter().map(|copy| &copy.payment).chain(lookup)
    }
}

//! The payments that a decision is based on.

use payment_events::PaymentInfo;

use crate::{PaymentCopy, PaymentRead};

/// Payments of one order, unsorted. The newest version of each payment counts.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Payments in the read model.
    pub copies: &'a [PaymentCopy],
    /// Payments just returned by the Payments API; `None` if it was not called.
    pub lookup: Option<&'a [PaymentInfo]>,
}

impl<'a> Evidence<'a> {
    /// Creates evidence from the read model alone.
    pub fn copies(copies: &'a [PaymentCopy]) -> Self {
        Self { copies, lookup: None }
    }

    /// Returns the source of the payments.
    pub fn read(self) -> PaymentRead {
        if self.lookup.is_some() { PaymentRead::Remote } else { PaymentRead::Local }
    }

    /// Returns all payments: the read model first, then those of the Payments API.
    pub(crate) fn payments(self) -> impl Iterator<Item = &'a PaymentInfo> {
        self.copies.iter().map(|copy| &copy.payment).chain(self.lookup.unwrap_or_default())
    }
}

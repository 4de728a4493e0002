//! The payments that a decision is based on.

use payment_events::PaymentInfo;

use crate::{PaymentCopy, PaymentRead};

/// Payments of one order, in any order. Of each payment the newest version counts.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Orders' copies: the read model.
    pub copies: &'a [PaymentCopy],
    /// What Payments answered just now; `None` if it was not asked.
    pub lookup: Option<&'a [PaymentInfo]>,
}

impl<'a> Evidence<'a> {
    /// Evidence from Orders' copies alone.
    pub fn copies(copies: &'a [PaymentCopy]) -> Self {
        Self { copies, lookup: None }
    }

    /// Where the payments were read.
    pub fn read(self) -> PaymentRead {
        if self.lookup.is_some() { PaymentRead::Remote } else { PaymentRead::Local }
    }

    /// The payments, those that Payments answered last.
    pub(crate) fn payments(self) -> impl Iterator<Item = &'a PaymentInfo> {
        self.copies.iter().map(|copy| &copy.payment).chain(self.lookup.unwrap_or_default())
    }
}

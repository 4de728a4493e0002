//! Orders: what an order is, when it is accepted, and how Orders' own copy of payment info is kept. Knows no AWS and no
//! HTTP.
//!
//! - [`Order`] and [`decide`]: the order and the rule that accepts it, on [`Evidence`].
//! - [`PlaceOrder`]: the use case behind `POST /orders`, which waits for nobody, and `POST /sync/orders`, which asks
//!   Payments.
//! - [`ProjectPayments`]: keeps the copy of payment info, and settles the orders it pays for.
//! - [`Settle`]: brings an order in line with the payment info there is. Both of the above end with it.
//! - [`FindOrder`]: shows an order, in line with its payments.
//! - Ports, one for each need: [`OrderStore`], [`OrderQueries`], [`PaymentLookup`], [`PaymentCopies`],
//!   [`Quarantine`].
//!
//! No order is left waiting for a payment that has arrived, because both sides write their own item first and then read
//! the other's: whichever comes second sees the first. No decision outlives what it was made on, because whoever wrote
//! one looks again.

mod decide;
mod decision;
mod evidence;
mod find;
mod lines;
mod order;
mod place;
mod ports;
mod project;
mod quarantined;
mod settle;
#[cfg(feature = "testing")]
pub mod testing;

pub use decide::{Verdict, covering_minor, decide};
pub use decision::{BasedOn, Decision, PaymentRead};
pub use evidence::Evidence;
pub use find::FindOrder;
pub use lines::{InvalidLines, InvalidQuantity, InvalidSku, Line, Lines, Quantity, Sku};
pub use order::{CustomerId, Fulfilment, InvalidCustomerId, Order, OrderRequest, OrderStatus, UnknownName};
pub use place::{PlaceError, PlaceOrder, Placed, Placement};
pub use ports::{
    Inserted, LookupError, OrderQueries, OrderStore, OrderView, PLACED_AT_ONCE_MAX, PaymentCopies, PaymentCopy,
    PaymentLookup, Quarantine, Replaced, StoreError, Stored,
};
pub use project::ProjectPayments;
pub use quarantined::{QuarantinedRecord, Reason};
pub use settle::{Settle, SettleError};

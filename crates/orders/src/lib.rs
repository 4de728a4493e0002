//! Domain of Orders: the order, its acceptance rule, and the projection of payment events into the read model. It
//! depends on neither AWS nor HTTP.
//!
//! - [`Order`] and [`decide`]: the order and its acceptance rule, applied to [`Evidence`].
//! - [`PlaceOrder`]: the use case behind `POST /orders`, which decides on the read model, and `POST /sync/orders`,
//!   which calls Payments first.
//! - [`ProjectPayments`]: stores payment events in the read model and settles the orders they pay for.
//! - [`Settle`]: updates an order's status to match its payments. Both use cases above end with it.
//! - [`FindOrder`]: reads an order, settled.
//! - [`Coverage`]: the payments that cover an order now, computed on each read.
//! - Ports, one per need: [`OrderStore`], [`OrderQueries`], [`PaymentPages`], [`PaymentLookup`], [`PaymentCopies`].
//!
//! No order keeps waiting for a payment that has arrived: the writer of an order and the writer of a payment each write
//! their own item first and then read the other's, so the later one sees both. No decision outlives its payments,
//! because every writer of a decision reads the payments again after the write.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::string_slice))]

mod coverage;
mod decide;
mod decision;
mod evidence;
mod find;
mod lines;
mod order;
mod place;
mod ports;
mod price;
mod project;
mod settle;
#[cfg(feature = "testing")]
pub mod testing;

pub use coverage::{Coverage, Covering};
pub use decide::{Verdict, covering_minor, decide};
pub use decision::{BasedOn, Decision, PaymentRead};
pub use evidence::Evidence;
pub use find::{FindOrder, Found};
pub use lines::{InvalidLines, InvalidQuantity, InvalidSku, Line, Lines, Quantity, Sku};
pub use order::{CustomerId, Fulfilment, InvalidCustomerId, Order, OrderRequest, OrderStatus, UnknownName};
pub use place::{PlaceError, PlaceOrder, Placed, Placement};
pub use ports::{
    Incomplete, Inserted, LookedUp, LookupError, OrderQueries, OrderStore, OrderView, PAYMENTS_MAX, PLACED_AT_ONCE_MAX,
    PaymentCopies, PaymentCopy, PaymentLookup, PaymentPages, PaymentsPage, PlacedOrders, Replaced, StoreError, Stored,
    Unacceptable,
};
pub use price::{InvalidPrice, Price};
pub use project::{ProjectPayments, Projection};
pub use settle::{Settle, SettleError, Settled};

//! Placing an order: decided at once, on the payment info that is here already or on what Payments says when asked.

use std::sync::Arc;

use payment_events::{OrderId, Timestamp};

use crate::{
    Inserted, LookupError, Order, OrderQueries, OrderRequest, OrderStore, PaymentLookup, Settle, SettleError,
    StoreError,
};

/// The use case behind `POST /orders`, which waits for nobody, and behind `POST /sync/orders`, which waits for Payments.
///
/// Where the payment came first, the one is one write and two reads, the other one question to Payments, one write and one
/// read, and the order is accepted. The rule that accepts it is the same. An order that is known and in line with its payments
/// is one read where nobody is asked.
#[derive(Clone)]
pub struct PlaceOrder {
    store: Arc<dyn OrderStore>,
    queries: Arc<dyn OrderQueries>,
    /// Whom to ask first; without it, what is stored is what is decided on.
    payments: Option<Arc<dyn PaymentLookup>>,
    settle: Settle,
}

/// An order that is stored and settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The order.
    pub order: Order,
    /// Whether an earlier request placed it.
    pub known: bool,
}

/// Why there is no answer about the order yet.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// An earlier request placed a different order under this id.
    #[error("a different order is placed under {order_id}")]
    Conflict {
        /// Which id.
        order_id: OrderId,
    },
    /// Payments could not be asked. Nothing is stored.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The order may be stored and is not known to be settled. The same request again is safe, and settles it.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The order was stored and then could not be found.
    #[error("the order {order_id} is gone")]
    Gone {
        /// Which order.
        order_id: OrderId,
    },
}

impl From<StoreError> for PlaceError {
    fn from(error: StoreError) -> Self {
        Self::Settle(error.into())
    }
}

impl PlaceOrder {
    /// Places orders in `store`, decided on what there is, which is read through `queries`.
    pub fn new(store: Arc<dyn OrderStore>, queries: Arc<dyn OrderQueries>) -> Self {
        let settle = Settle::new(store.clone(), queries.clone());
        Self { store, queries, payments: None, settle }
    }

    /// Asks `payments` first, whatever is stored, and decides on what they say: every answer is as fresh as its request.
    #[must_use]
    pub fn asking(self, payments: Arc<dyn PaymentLookup>) -> Self {
        Self { payments: Some(payments), ..self }
    }

    /// Stores the order with the decision on the payments there are, or finds it stored, and settles it either way.
    pub async fn place(&self, request: OrderRequest) -> Result<Placed, PlaceError> {
        let order_id = request.order_id.clone();
        let (known, settled) = match &self.payments {
            Some(payments) => self.place_asking(request, &**payments).await?,
            None => self.place_on_what_is_held(request).await?,
        };
        let order = settled.ok_or_else(|| PlaceError::Gone { order_id })?;
        if !known {
            tracing::info!(order_id = %order.order_id, status = %order.status, read = order.decision.read.as_str(),
                "order {} is placed", order.order_id);
        }
        Ok(Placed { order, known })
    }

    /// Whether the order is known, and the order, settled.
    async fn place_asking(
        &self,
        request: OrderRequest,
        payments: &dyn PaymentLookup,
    ) -> Result<(bool, Option<Order>), PlaceError> {
        let asked = payments.payments_of(&request.order_id).await?;
        let known = self.insert(&request, Order::place_asking(request.clone(), &asked, Timestamp::now())).await?;
        // What was asked is held against a known order, too: it may be news.
        Ok((known, self.settle.settle_knowing(&request.order_id, Some(&asked)).await?))
    }

    /// The same, decided on what Orders holds.
    async fn place_on_what_is_held(&self, request: OrderRequest) -> Result<(bool, Option<Order>), PlaceError> {
        let view = self.queries.read(&request.order_id).await?;
        if let Some(known) = view.order {
            expect_same(&known, &request)?;
            // Nothing is written, so that this read is the one that comes after the write that placed the order.
            return Ok((true, self.settle.settle_seen(known, &view.payments).await?));
        }
        let known = self.insert(&request, Order::place(request.clone(), &view.payments, Timestamp::now())).await?;
        Ok((known, self.settle.settle(&request.order_id).await?))
    }

    /// Stores the order unless it is known, which it answers.
    async fn insert(&self, request: &OrderRequest, order: Order) -> Result<bool, PlaceError> {
        match self.store.insert(&order).await? {
            Inserted::New => Ok(false),
            // This very write: its answer was lost and the store's client tried again. (Or another request wrote the very same
            // in the same millisecond.)
            Inserted::Known(known) if *known == order => Ok(false),
            Inserted::Known(known) => expect_same(&known, request),
        }
    }
}

fn expect_same(known: &Order, request: &OrderRequest) -> Result<bool, PlaceError> {
    if known.is_asked_for_by(request) {
        Ok(true)
    } else {
        Err(PlaceError::Conflict { order_id: request.order_id.clone() })
    }
}

//! Placing an order: decided at once, on the payment info that is here already or on what Payments says when asked.

use std::sync::Arc;

use payment_events::{OrderId, Timestamp};

use crate::{
    Evidence, Inserted, LookupError, Order, OrderQueries, OrderRequest, OrderStore, PaymentLookup, Settle, SettleError,
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
    /// Which request placed it.
    pub placement: Placement,
}

/// Which request placed an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// This one.
    New,
    /// An earlier one, which this one repeats.
    Repeated,
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
        let Placed { order, placement } = match &self.payments {
            Some(payments) => self.place_on_lookup(&request, &**payments).await?,
            None => self.place_on_copies(&request).await?,
        };
        if placement == Placement::New {
            tracing::info!(order_id = %order.order_id, status = %order.status, read = order.decision.read.as_str(),
                "order {} is placed", order.order_id);
        }
        Ok(Placed { order, placement })
    }

    /// Decides on what Payments answers.
    async fn place_on_lookup(
        &self,
        request: &OrderRequest,
        payments: &dyn PaymentLookup,
    ) -> Result<Placed, PlaceError> {
        let lookup = payments.payments_of(&request.order_id).await?;
        let evidence = Evidence { copies: &[], lookup: Some(&lookup) };
        let placement = self.insert(request, &Order::place(request.clone(), evidence, Timestamp::now())).await?;
        // What Payments answered is held against a known order, too: it may be news.
        placed(self.settle.settle(&request.order_id, Some(&lookup)).await?, placement, request)
    }

    /// Decides on Orders' copies.
    async fn place_on_copies(&self, request: &OrderRequest) -> Result<Placed, PlaceError> {
        let view = self.queries.read(&request.order_id).await?;
        if let Some(known) = view.order {
            let placement = repeated(&known, request)?;
            // Nothing is written, so that this read is the one that comes after the write that placed the order.
            return placed(self.settle.settle_view(known, &view.payments).await?, placement, request);
        }
        let order = Order::place(request.clone(), Evidence::copies(&view.payments), Timestamp::now());
        let placement = self.insert(request, &order).await?;
        placed(self.settle.settle(&request.order_id, None).await?, placement, request)
    }

    /// Stores the order unless its id is taken.
    async fn insert(&self, request: &OrderRequest, order: &Order) -> Result<Placement, PlaceError> {
        match self.store.insert(order).await? {
            Inserted::New => Ok(Placement::New),
            // This very write: its answer was lost and the store's client tried again. (Or another request wrote the very same
            // in the same millisecond.)
            Inserted::Known(known) if *known == *order => Ok(Placement::New),
            Inserted::Known(known) => repeated(&known, request),
        }
    }
}

fn repeated(known: &Order, request: &OrderRequest) -> Result<Placement, PlaceError> {
    if known.is_asked_for_by(request) {
        Ok(Placement::Repeated)
    } else {
        Err(PlaceError::Conflict { order_id: request.order_id.clone() })
    }
}

fn placed(settled: Option<Order>, placement: Placement, request: &OrderRequest) -> Result<Placed, PlaceError> {
    let order = settled.ok_or_else(|| PlaceError::Gone { order_id: request.order_id.clone() })?;
    Ok(Placed { order, placement })
}

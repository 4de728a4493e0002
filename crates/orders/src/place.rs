//! Placing an order: decided at once on the payment info that is here already.

use std::sync::Arc;

use payment_events::{OrderId, Timestamp};

use crate::{Inserted, Order, OrderQueries, OrderRequest, OrderStore, Settle, SettleError, StoreError};

/// The use case behind `POST /orders`.
///
/// Where the payment came first, this is one write and two reads, and the order is accepted.
#[derive(Clone)]
pub struct PlaceOrder {
    store: Arc<dyn OrderStore>,
    queries: Arc<dyn OrderQueries>,
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
    /// Places orders in `store`, and reads what there is through `queries`.
    pub fn new(store: Arc<dyn OrderStore>, queries: Arc<dyn OrderQueries>) -> Self {
        let settle = Settle::new(store.clone(), queries.clone());
        Self { store, queries, settle }
    }

    /// Stores the order with the decision on the payments there are, or finds it stored, and settles it either way.
    pub async fn place(&self, request: OrderRequest) -> Result<Placed, PlaceError> {
        let order_id = request.order_id.clone();
        let known = self.insert(request).await?;
        let order = self.settle.settle(&order_id).await?.ok_or_else(|| PlaceError::Gone { order_id })?;
        if !known {
            tracing::info!(order_id = %order.order_id, status = %order.status, "order {} is placed", order.order_id);
        }
        Ok(Placed { order, known })
    }

    /// Stores the order unless it is known, which it answers.
    async fn insert(&self, request: OrderRequest) -> Result<bool, PlaceError> {
        let view = self.queries.read(&request.order_id).await?;
        if let Some(known) = view.order {
            return expect_same(&known, &request);
        }
        let order = Order::place(request.clone(), &view.payments, Timestamp::now());
        match self.store.insert(&order).await? {
            Inserted::New => Ok(false),
            // This very write: its answer was lost and the store's client tried again.
            Inserted::Known(known) if *known == order => Ok(false),
            Inserted::Known(known) => expect_same(&known, &request),
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

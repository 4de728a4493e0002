//! The use case that places an order, on the read model or on a call to Payments.

use std::sync::Arc;

use payment_events::{CurrencyNotInUse, OrderId, Timestamp};

use crate::{
    Coverage, Evidence, Inserted, LookupError, Order, OrderQueries, OrderRequest, OrderStore, PaymentLookup, Settle,
    SettleError, Settled, StoreError,
};

/// The use case behind `POST /orders`, which decides on the read model, and `POST /sync/orders`, which calls Payments
/// first. Both apply the same acceptance rule.
///
/// For a payment that came first, `POST /orders` costs one write and two reads; `POST /sync/orders` costs one call to
/// Payments, one write and one read. Repeating `POST /orders` for a settled order costs one read.
#[derive(Clone)]
pub struct PlaceOrder {
    store: Arc<dyn OrderStore>,
    queries: Arc<dyn OrderQueries>,
    /// Payments API of synchronous mode. `None` decides on the read model.
    payments: Option<Arc<dyn PaymentLookup>>,
    settle: Settle,
}

/// An order that is stored and settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The order, settled.
    pub order: Order,
    /// Payments that cover it now.
    pub coverage: Coverage,
    /// New, or repeated.
    pub placement: Placement,
}

/// Tells a new order from a repeated request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// This request placed the order.
    New,
    /// An earlier, equal request placed the order.
    Repeated,
}

/// Why placing an order failed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// An earlier request placed a different order under this id.
    #[error("order id {order_id} is already used by a different order")]
    Conflict {
        /// Id of the order.
        order_id: OrderId,
    },
    /// The request would place a new order in a currency that is not in use. Nothing was stored.
    #[error(transparent)]
    Currency(#[from] CurrencyNotInUse),
    /// The call to Payments failed. Nothing was stored.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The order may be stored but not settled. Repeating the request is safe and settles it.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The order was stored and could not be read afterwards.
    #[error("order {order_id} disappeared after it was stored")]
    Gone {
        /// Id of the order.
        order_id: OrderId,
    },
}

impl From<StoreError> for PlaceError {
    fn from(error: StoreError) -> Self {
        Self::Settle(error.into())
    }
}

impl PlaceOrder {
    /// Creates the use case that decides on the read model, read through `queries`.
    pub fn new(store: Arc<dyn OrderStore>, queries: Arc<dyn OrderQueries>) -> Self {
        let settle = Settle::new(store.clone(), queries.clone());
        Self { store, queries, payments: None, settle }
    }

    /// Switches to synchronous mode: every request calls `payments` first and decides on the response, even if the
    /// order or its payments are stored already.
    #[must_use]
    pub fn asking(self, payments: Arc<dyn PaymentLookup>) -> Self {
        Self { payments: Some(payments), ..self }
    }

    /// Stores the order with its decision, or finds the order of an earlier request, and settles it.
    pub async fn place(&self, request: OrderRequest) -> Result<Placed, PlaceError> {
        self.check_currency(&request).await?;
        let placed = match &self.payments {
            Some(payments) => self.place_on_lookup(&request, &**payments).await?,
            None => self.place_on_copies(&request).await?,
        };
        let Placed { order, placement, .. } = &placed;
        if *placement == Placement::New {
            tracing::info!(order_id = %order.order_id, status = %order.status, read = order.decision.read.as_str(),
                "order {} placed with status {}", order.order_id, order.status);
        }
        Ok(placed)
    }

    /// Fails if the request would place a new order in a currency that is not in use. An order that was placed before the
    /// currency was withdrawn can still be repeated. Costs one read, and none if the currency is in use.
    async fn check_currency(&self, request: &OrderRequest) -> Result<(), PlaceError> {
        match request.lines.total().currency().check_in_use() {
            Err(_) if self.queries.read(&request.order_id).await?.order.is_some() => Ok(()),
            checked => Ok(checked?),
        }
    }

    /// Decides on the response of Payments.
    async fn place_on_lookup(
        &self,
        request: &OrderRequest,
        payments: &dyn PaymentLookup,
    ) -> Result<Placed, PlaceError> {
        let lookup = payments.payments_of(&request.order_id).await?;
        let evidence = Evidence { lookup: Some(&lookup), ..Evidence::copies(&[]) };
        let placement = self.insert(request, &Order::place(request.clone(), evidence, Timestamp::now())).await?;
        // The response counts for an order of an earlier request, too: it may have newer versions.
        placed(self.settle.settle(&request.order_id, Some(&lookup)).await?, placement, request)
    }

    /// Decides on the read model.
    async fn place_on_copies(&self, request: &OrderRequest) -> Result<Placed, PlaceError> {
        let mut view = self.queries.read(&request.order_id).await?;
        if let Some(known) = view.order.take() {
            let placement = repeated(&known, request)?;
            // The order was written earlier, so `view` already is the read that must follow that write.
            return placed(self.settle.settle_view(known, &view).await?, placement, request);
        }
        let order = Order::place(request.clone(), Evidence::view(&view), Timestamp::now());
        let placement = self.insert(request, &order).await?;
        placed(self.settle.settle(&request.order_id, None).await?, placement, request)
    }

    /// Stores the order unless its id is taken.
    async fn insert(&self, request: &OrderRequest, order: &Order) -> Result<Placement, PlaceError> {
        match self.store.insert(order).await? {
            Inserted::New => Ok(Placement::New),
            // This write took effect, its response was lost, and the SDK retried it. (Or an equal request wrote the
            // same order in the same millisecond.)
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

fn placed(settled: Option<Settled>, placement: Placement, request: &OrderRequest) -> Result<Placed, PlaceError> {
    let settled = settled.ok_or_else(|| PlaceError::Gone { order_id: request.order_id.clone() })?;
    Ok(Placed { order: settled.order, coverage: settled.coverage, placement })
}

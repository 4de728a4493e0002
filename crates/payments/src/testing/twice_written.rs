//! A store whose write responses are lost.

use async_trait::async_trait;
use payment_events::PaymentId;

use crate::{Begun, PaymentRecord, PaymentStore, Refusal, Replaced, StoreError};

/// A store whose every write takes effect, loses its response and is retried, as after a broken connection.
#[derive(Debug)]
pub struct TwiceWritten<S>(pub S);

#[async_trait]
impl<S, T> PaymentStore for TwiceWritten<S>
where
    S: std::ops::Deref<Target = T> + Send + Sync,
    T: PaymentStore,
{
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        self.0.begin(record).await?;
        self.0.begin(record).await
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        self.0.load(payment_id).await
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        self.0.replace(known, next).await?;
        self.0.replace(known, next).await
    }

    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError> {
        self.0.refuse(known, refusal).await?;
        self.0.refuse(known, refusal).await
    }
}

//! The use case with in-memory adapters, requests, and a store in which changes race.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use payment_events::{Money, PaymentId, Timestamp};
use payments::testing::{MemoryCharges, MemoryPayments, RecordingPublisher};
use payments::{
    AcceptPayment, Access, Begun, Caller, Change, ChangeError, ChangePayment, ChangeRequest, Changed, Lease,
    PaymentRecord, PaymentRequest, PaymentStore, Preconditions, Publication, PublishMode, Refusal, Replaced,
    RequestKey, StoreError, Versions,
};

#[derive(Default)]
pub(crate) struct World {
    pub(crate) store: Arc<MemoryPayments>,
    pub(crate) publisher: Arc<RecordingPublisher>,
    pub(crate) requests: AtomicU32,
}

impl World {
    /// Creates a world with a payment of 1,000 minor units, after `changes`.
    pub(crate) async fn with_payment(changes: &[Change]) -> (Self, PaymentId) {
        let world = Self::default();
        let request = payment_request();
        let accept = AcceptPayment::new(world.store.clone(), MemoryCharges::simulator(), world.mode(), 10_000);
        let payment_id = accept.accept(&request).await.unwrap().payment.payment_id;
        for change in changes {
            world.change(&world.request(&payment_id, *change)).await.unwrap();
        }
        (world, payment_id)
    }

    /// Stores a payment of 1,000 minor units whose processor has not decided, and returns its id.
    pub(crate) fn processing(&self, key: &str) -> PaymentId {
        let request = PaymentRequest { key: key.parse().unwrap(), ..payment_request() };
        let lease = Lease { until: Timestamp::now().plus_ms(10_000), attempt: 1, holder: RequestKey::random() };
        let record = PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, Timestamp::now());
        self.store.seed(record.clone());
        record.payment.payment_id
    }

    pub(crate) fn mode(&self) -> PublishMode {
        PublishMode::Direct(Publication::new(self.publisher.clone(), self.store.clone()))
    }

    /// Creates a request with a key of its own.
    pub(crate) fn request(&self, payment_id: &PaymentId, change: Change) -> ChangeRequest {
        let key = format!("change-{}", self.requests.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
        let key = Some(RequestKey::given(&Caller::named(None), payment_id, &key));
        let preconditions = Preconditions::default();
        ChangeRequest {
            payment_id: payment_id.clone(),
            change,
            access: Access::Every,
            key,
            preconditions,
            trace_parent: None,
        }
    }

    pub(crate) async fn change(&self, request: &ChangeRequest) -> Result<Changed, ChangeError> {
        ChangePayment::new(self.store.clone(), self.mode()).change(request).await
    }

    /// Makes the change while `others` intervene, one before each of its writes.
    pub(crate) async fn change_against(
        &self,
        request: &ChangeRequest,
        others: &[ChangeRequest],
    ) -> Result<Changed, ChangeError> {
        let others = Mutex::new(others.to_vec());
        let store = Arc::new(Overtaking { store: self.store.clone(), mode: self.mode(), others });
        ChangePayment::new(store, self.mode()).change(request).await
    }

    pub(crate) fn record(&self, payment_id: &PaymentId) -> PaymentRecord {
        self.store.record(payment_id).unwrap()
    }
}

/// A store in which a concurrent change precedes each write.
pub(crate) struct Overtaking {
    pub(crate) store: Arc<MemoryPayments>,
    pub(crate) mode: PublishMode,
    pub(crate) others: Mutex<Vec<ChangeRequest>>,
}

#[async_trait]
impl PaymentStore for Overtaking {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        self.store.begin(record).await
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        self.store.load(payment_id).await
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        self.intervene().await;
        self.store.replace(known, next).await
    }

    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError> {
        self.intervene().await;
        self.store.refuse(known, refusal).await
    }
}

impl Overtaking {
    /// Makes the next concurrent change, which may be refused.
    pub(crate) async fn intervene(&self) {
        let other = self.others.lock().unwrap().pop();
        if let Some(other) = other {
            let result = ChangePayment::new(self.store.clone(), self.mode.clone()).change(&other).await;
            assert!(matches!(result, Ok(_) | Err(ChangeError::Refused { .. })), "{result:?}");
        }
    }
}

pub(crate) fn only(versions: &[u64]) -> Preconditions {
    Preconditions { only: Versions::Listed(versions.to_vec()), ..Preconditions::default() }
}

/// Returns the refusal, and whether it repeats an earlier one.
#[track_caller]
pub(crate) fn refused(result: Result<Changed, ChangeError>) -> (Refusal, bool) {
    match result {
        Err(ChangeError::Refused { refusal, replayed }) => (*refusal, replayed),
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn payment_request() -> PaymentRequest {
    PaymentRequest {
        caller: Caller::named(None),
        key: "key-1".parse().unwrap(),
        order_id: "ord-1".parse().unwrap(),
        amount: eur(1_000),
        token: "tok_approve".parse().unwrap(),
        trace_parent: None,
    }
}

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

pub(crate) const CAPTURE: Change = Change::Capture(None);

pub(crate) fn refund(minor: i64) -> Change {
    Change::Refund(Some(eur(minor)))
}

//! Tests of [`RecoverPayment`] on in-memory adapters: each state of a payment and of its key, and each race.
#![allow(missing_docs, clippy::unwrap_used)]

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use payment_events::{Money, PaymentId, PaymentStatus, Timestamp};
use payments::testing::{MemoryCharges, MemoryPayments, TwiceWritten};
use payments::{
    AcceptError, AcceptPayment, Authorization, Begun, Caller, Lease, Outcome, PaymentProcessor, PaymentRecord,
    PaymentRequest, PaymentStore, ProcessorError, ProcessorRecord, PublishMode, RecoverError, RecoverPayment, Recovery,
    Refusal, Replaced, RequestKey, SimulatedCharge, SimulatedCharges, SimulatedProcessor, Status, StoreError,
};

const LEASE_MS: u64 = 10_000;
const DELAY_MS: u64 = 60_000;

/// The simulator, with answers that can be overridden, and a list of the calls.
struct Processor {
    simulator: SimulatedProcessor,
    look_up: Mutex<Option<Result<ProcessorRecord, ProcessorError>>>,
    void: Mutex<Result<(), ProcessorError>>,
    calls: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl PaymentProcessor for Processor {
    async fn authorize(&self, authorization: Authorization<'_>) -> Result<Outcome, ProcessorError> {
        self.calls.lock().unwrap().push("authorize");
        self.simulator.authorize(authorization).await
    }

    async fn look_up(&self, idempotency_key: &PaymentId) -> Result<ProcessorRecord, ProcessorError> {
        self.calls.lock().unwrap().push("look_up");
        let answer = self.look_up.lock().unwrap().clone();
        match answer {
            Some(answer) => answer,
            None => self.simulator.look_up(idempotency_key).await,
        }
    }

    async fn void(&self, idempotency_key: &PaymentId) -> Result<(), ProcessorError> {
        self.calls.lock().unwrap().push("void");
        self.void.lock().unwrap().clone()?;
        self.simulator.void(idempotency_key).await
    }
}

/// A payment that is processing, and whose lease has ended.
struct World {
    store: Arc<MemoryPayments>,
    charges: Arc<MemoryCharges>,
    processor: Arc<Processor>,
    seen: PaymentRecord,
}

impl World {
    async fn new() -> Self {
        let charges = Arc::new(MemoryCharges::default());
        let processor = Processor {
            simulator: SimulatedProcessor::new(charges.clone()),
            look_up: Mutex::default(),
            void: Mutex::new(Ok(())),
            calls: Mutex::default(),
        };
        let store = Arc::new(MemoryPayments::default());
        let request = request();
        let begun_at = Timestamp::from_unix_ms(Timestamp::now().unix_ms() - 600_000).unwrap();
        let lease = Lease { until: begun_at.plus_ms(LEASE_MS), attempt: 1, holder: RequestKey::random() };
        let seen = PaymentRecord::begin(&request, request.payment_id().unwrap(), lease, begun_at);
        store.begin(&seen).await.unwrap();
        Self { store, charges, processor: Arc::new(processor), seen }
    }

    fn recovery(&self, store: Arc<dyn PaymentStore>) -> RecoverPayment {
        RecoverPayment::new(store, self.processor.clone(), LEASE_MS, DELAY_MS)
    }

    async fn recover(&self) -> Result<Recovery, RecoverError> {
        self.recovery(self.store.clone()).recover(&self.seen).await
    }

    /// A request of the client, as its own retry.
    fn client(&self) -> AcceptPayment {
        AcceptPayment::new(self.store.clone(), self.processor.clone(), PublishMode::Stream, LEASE_MS)
    }

    fn id(&self) -> &PaymentId {
        &self.seen.payment.payment_id
    }

    fn stored(&self) -> PaymentRecord {
        self.store.record(self.id()).unwrap()
    }

    fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.processor.calls.lock().unwrap())
    }

    async fn charge(&self) {
        self.charges.add(self.id(), &SimulatedCharge::Decided(Outcome::Approved)).await.unwrap();
    }

    /// Checks that the payment is declined as not completed, and that its key is void.
    fn assert_given_up(&self) {
        let stored = self.stored();
        assert_eq!(stored.payment.status, Status::Public(PaymentStatus::Declined));
        assert_eq!(stored.payment.decline.unwrap().code, "not_completed");
        assert_eq!(self.charges.charge(self.id()), Some(SimulatedCharge::Voided));
    }
}

fn request() -> PaymentRequest {
    PaymentRequest {
        caller: Caller::named(None),
        key: "key-1".parse().unwrap(),
        order_id: "ord-1".parse().unwrap(),
        amount: Money::new(1299, "EUR".parse().unwrap()).unwrap(),
        token: "tok_approve".parse().unwrap(),
        trace_parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap()),
    }
}

#[tokio::test]
async fn an_authorization_that_the_processor_approved_is_stored() {
    let world = World::new().await;
    world.charge().await;
    let Ok(Recovery::Recovered(payment)) = world.recover().await else { panic!("not recovered") };
    assert_eq!((payment.status, payment.version), (Status::Public(PaymentStatus::Authorized), 1));
    assert_eq!(payment.trace_parent, request().trace_parent, "the trace is the request's");
    assert_eq!(world.stored().payment, *payment);
    assert!(world.stored().is_due(), "the relay publishes it");
    assert_eq!(world.calls(), ["look_up"]);
    assert_eq!(world.recover().await.unwrap(), Recovery::NotNeeded);
    assert_eq!(world.calls(), [""; 0]);
}

#[tokio::test]
async fn a_decline_of_the_processor_is_stored_as_it_is() {
    let world = World::new().await;
    let client = PaymentRequest { token: "tok_decline_fraud".parse().unwrap(), ..request() };
    world
        .processor
        .authorize(Authorization {
            idempotency_key: world.id(),
            amount: client.amount,
            token: &client.token,
            attempt: 1,
        })
        .await
        .unwrap();
    assert!(matches!(world.recover().await, Ok(Recovery::Recovered(_))));
    assert_eq!(world.stored().payment.decline.unwrap().code, "suspected_fraud");
}

#[tokio::test]
async fn a_key_that_the_processor_does_not_know_is_voided_before_the_payment_is_declined() {
    let world = World::new().await;
    assert!(matches!(world.recover().await, Ok(Recovery::Recovered(_))));
    world.assert_given_up();
    assert_eq!(world.calls(), ["look_up", "void"]);
    // The interrupted request's authorization arrives late.
    let request = request();
    let late = Authorization { idempotency_key: world.id(), amount: request.amount, token: &request.token, attempt: 1 };
    assert!(matches!(world.processor.authorize(late).await.unwrap(), Outcome::Declined(_)));
    assert_eq!(world.client().accept(&request).await.unwrap().payment, world.stored().payment);
}

#[tokio::test]
async fn a_key_that_is_void_is_declined() {
    let world = World::new().await;
    world.charges.void(world.id()).await.unwrap();
    assert!(matches!(world.recover().await, Ok(Recovery::Recovered(_))));
    world.assert_given_up();
    assert_eq!(world.calls(), ["look_up"]);
}

#[tokio::test]
async fn a_payment_is_kept_while_the_processor_is_undecided_or_fails() {
    let world = World::new().await;
    let failed = ProcessorError::Failed("set to fail".to_owned());
    *world.processor.look_up.lock().unwrap() = Some(Ok(ProcessorRecord::Pending));
    assert!(matches!(world.recover().await, Err(RecoverError::Pending)));
    *world.processor.look_up.lock().unwrap() = Some(Err(failed.clone()));
    assert!(matches!(world.recover().await, Err(RecoverError::Processor(_))));
    assert_eq!(world.stored(), world.seen, "nothing was written");
    // The key is unknown, and cannot be voided.
    *world.processor.look_up.lock().unwrap() = None;
    *world.processor.void.lock().unwrap() = Err(failed);
    assert!(matches!(world.recover().await, Err(RecoverError::Processor(_))));
    assert_eq!(world.stored().payment, world.seen.payment, "not declined before its key is void");
    assert!(matches!(world.client().accept(&request()).await, Err(AcceptError::Processor { retry_after_ms: 0, .. })));
    // The processor is back.
    *world.processor.void.lock().unwrap() = Ok(());
    assert!(matches!(world.recover().await, Ok(Recovery::Recovered(_))));
    world.assert_given_up();
}

#[tokio::test]
async fn a_retry_finishes_a_payment_that_was_given_up() {
    let world = World::new().await;
    *world.processor.void.lock().unwrap() = Err(ProcessorError::TimedOut(1));
    world.recover().await.unwrap_err();
    *world.processor.void.lock().unwrap() = Ok(());
    world.calls();
    let declined = world.client().accept(&request()).await.unwrap();
    assert!(declined.published.is_some(), "this request made the decision");
    assert_eq!(world.calls(), ["void"], "an abandoned payment is never authorized");
    world.assert_given_up();
}

#[tokio::test]
async fn nothing_is_done_before_the_payment_is_due() {
    let world = World::new().await;
    let now = Timestamp::now();
    let ended_ms_ago = |ms: i64| Timestamp::from_unix_ms(now.unix_ms() - ms).unwrap();
    for until in [now.plus_ms(LEASE_MS), ended_ms_ago(0), ended_ms_ago(30_000)] {
        let lease = Lease { until, ..world.seen.lease.clone() };
        let record = PaymentRecord { lease, ..world.seen.clone() };
        world.store.seed(record.clone());
        assert_eq!(world.recover().await.unwrap(), Recovery::NotDue(until.plus_ms(DELAY_MS)));
        assert_eq!(world.stored(), record);
    }
    assert_eq!(world.calls(), [""; 0]);
    let lease = Lease { until: now.plus_ms(3_600_000), ..world.seen.lease.clone() };
    world.store.seed(PaymentRecord { lease, ..world.seen.clone() });
    assert!(matches!(world.recover().await, Ok(Recovery::Recovered(_))), "a clock far ahead wrote the lease");
}

#[tokio::test]
async fn decided_and_erased_payments_and_those_of_a_newer_lease_holder_are_left_alone() {
    let world = World::new().await;
    world.client().accept(&request()).await.unwrap();
    let decided = world.stored();
    let lease = Lease { holder: RequestKey::random(), ..world.seen.lease.clone() };
    let newer = PaymentRecord { lease, ..world.seen.clone() };
    world.calls();
    for stored in [decided, newer] {
        world.store.seed(stored.clone());
        assert_eq!(world.recover().await.unwrap(), Recovery::NotNeeded);
        assert_eq!(world.stored(), stored);
    }
    let erased = World { store: Arc::default(), ..World::new().await };
    assert_eq!(erased.recover().await.unwrap(), Recovery::NotNeeded);
    assert_eq!((world.calls(), erased.calls()), (vec![], vec![]));
}

#[tokio::test]
async fn a_write_whose_response_is_lost_is_recognised() {
    for is_known in [true, false] {
        let world = World::new().await;
        if is_known {
            world.charge().await;
        }
        let recovery = world.recovery(Arc::new(TwiceWritten(world.store.clone())));
        assert!(matches!(recovery.recover(&world.seen).await, Ok(Recovery::Recovered(_))), "{is_known}");
    }
}

type Rival = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A store where a rival comes first at one write, and which counts the writes.
struct Racing {
    store: Arc<MemoryPayments>,
    write: u32,
    writes: AtomicU32,
    rival: Rival,
}

#[async_trait]
impl PaymentStore for Racing {
    async fn begin(&self, record: &PaymentRecord) -> Result<Begun, StoreError> {
        self.store.begin(record).await
    }

    async fn load(&self, payment_id: &PaymentId) -> Result<Option<PaymentRecord>, StoreError> {
        self.store.load(payment_id).await
    }

    async fn replace(&self, known: &PaymentRecord, next: &PaymentRecord) -> Result<Replaced, StoreError> {
        if self.writes.fetch_add(1, Ordering::Relaxed) == self.write {
            (self.rival)().await;
        }
        self.store.replace(known, next).await
    }

    async fn refuse(&self, known: &PaymentRecord, refusal: &Refusal) -> Result<Replaced, StoreError> {
        self.store.refuse(known, refusal).await
    }
}

/// Lets the client's retry come first at one write of a recovery.
async fn race(world: &World, write: u32) -> Result<Recovery, RecoverError> {
    let client = world.client();
    let rival: Rival = Box::new(move || {
        let client = client.clone();
        Box::pin(async move { client.accept(&request()).await.map(|_| ()).unwrap() })
    });
    let store = Racing { store: world.store.clone(), write, writes: AtomicU32::new(0), rival };
    world.recovery(Arc::new(store)).recover(&world.seen).await
}

#[tokio::test]
async fn the_clients_retry_may_come_first_at_the_write_of_the_processors_decision() {
    let world = World::new().await;
    world.charge().await;
    assert_eq!(race(&world, 0).await.unwrap(), Recovery::NotNeeded);
    assert_eq!(world.stored().payment.status, Status::Public(PaymentStatus::Authorized));
}

#[tokio::test]
async fn a_payment_is_not_given_up_if_the_clients_retry_comes_first() {
    let world = World::new().await;
    assert_eq!(race(&world, 0).await.unwrap(), Recovery::NotNeeded);
    assert_eq!(world.stored().payment.status, Status::Public(PaymentStatus::Authorized));
    let held = Some(SimulatedCharge::Decided(Outcome::Approved));
    assert_eq!(world.charges.charge(world.id()), held, "an authorized payment is held");
}

#[tokio::test]
async fn the_clients_retry_may_come_first_at_the_decline_of_a_payment_given_up() {
    let world = World::new().await;
    assert_eq!(race(&world, 1).await.unwrap(), Recovery::NotNeeded);
    world.assert_given_up();
    assert!(!world.calls().contains(&"authorize"));
}

#[tokio::test]
async fn a_payment_that_fails_alone_is_told_from_dependencies_that_fail() {
    let world = World::new().await;
    let recovery = world.recovery(world.store.clone());
    assert!(recovery.dependencies_answer().await);
    *world.processor.look_up.lock().unwrap() = Some(Err(ProcessorError::TimedOut(1)));
    assert!(!recovery.dependencies_answer().await);
}

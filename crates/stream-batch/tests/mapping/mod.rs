//! Models of faulty records, and of the event source mappings that deliver them.

mod kafka;
mod rabbitmq;
mod stream;

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub(crate) use kafka::KafkaMapping;
use proptest::prelude::*;
pub(crate) use rabbitmq::RabbitMqMapping;
pub(crate) use stream::StreamMapping;
use stream_batch::{Limits, NotHandled, Record};

/// Number of deliveries after which the run counts as endless.
const DELIVERIES_MAX: usize = 2_000;

/// Number of partitions of the Kafka topic.
const PARTITIONS: usize = 3;

/// One-time fault of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Noise {
    Transient,
    Panic,
    QuarantineFails,
    QuarantinePanics,
}

/// Why a record was not handled.
pub(crate) enum Failure {
    Transient,
    Permanent,
}

/// Records of a shard, topic or queue, one entry per position in each list.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    pub(crate) keys: Vec<u8>,
    /// Partitions of the records, below [`PARTITIONS`]. Each has an order of its own; a shard or queue has only one.
    pub(crate) partitions: Vec<usize>,
    /// True for records that can never be handled.
    pub(crate) is_bad: Vec<bool>,
    /// Faults of the first attempts.
    pub(crate) noise: Vec<Vec<Noise>>,
    /// Number of times the handler yields.
    pub(crate) pauses: Vec<u8>,
}

impl Records {
    /// Records in `partitions` partitions. The records of a key may be in several: a topic with more partitions than
    /// before has such keys, and so do records of producers that hash differently.
    pub(crate) fn any(partitions: usize) -> impl Strategy<Value = Self> {
        let noise = prop_oneof![
            Just(Noise::Transient),
            Just(Noise::Panic),
            Just(Noise::QuarantineFails),
            Just(Noise::QuarantinePanics),
        ];
        let record = (0..4_u8, 0..partitions, prop::bool::weighted(0.2), prop::collection::vec(noise, 0..3), 0..3_u8);
        prop::collection::vec(record, 0..25).prop_map(|entries| {
            let mut records = Self { keys: vec![], partitions: vec![], is_bad: vec![], noise: vec![], pauses: vec![] };
            for (key, partition, is_bad, noise, pauses) in entries {
                records.keys.push(key);
                records.partitions.push(partition);
                records.is_bad.push(is_bad);
                records.noise.push(noise);
                records.pauses.push(pauses);
            }
            records
        })
    }

    fn len(&self) -> usize {
        self.keys.len()
    }
}

/// Faults of one delivery.
#[derive(Debug, Clone)]
struct Delivery {
    /// Number of records that may start before the deadline.
    begin_max: usize,
    /// Number of polls after which the process is killed.
    polls_max: Option<usize>,
    /// True if the response is lost, so that the batch is redelivered although it was handled.
    is_answer_lost: bool,
    lanes_at_once_max: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    batch_size: usize,
    bisects: bool,
    deliveries: Vec<Delivery>,
}

impl Schedule {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let begin_max = prop_oneof![2 => Just(usize::MAX), 1 => 0..30_usize];
        let delivery = (begin_max, prop::option::weighted(0.3, 1..20_usize), prop::bool::weighted(0.1), 0..5_usize);
        let delivery = delivery.prop_map(|(begin_max, polls_max, is_answer_lost, lanes_at_once_max)| Delivery {
            begin_max,
            polls_max,
            is_answer_lost,
            lanes_at_once_max,
        });
        (1..12_usize, any::<bool>(), prop::collection::vec(delivery, 0..30))
            .prop_map(|(batch_size, bisects, deliveries)| Self { batch_size, bisects, deliveries })
    }

    /// Returns the faults of delivery `n`; later deliveries have none.
    fn delivery(&self, n: usize) -> Delivery {
        let calm = Delivery { begin_max: usize::MAX, polls_max: None, is_answer_lost: false, lanes_at_once_max: 3 };
        self.deliveries.get(n).cloned().unwrap_or(calm)
    }
}

/// State of the handler and the quarantine.
pub(crate) struct World {
    records: Records,
    attempts: RefCell<Vec<usize>>,
    settled: RefCell<Vec<bool>>,
    violation: RefCell<Option<String>>,
}

impl World {
    fn new(records: &Records) -> Self {
        let count = records.len();
        Self {
            records: records.clone(),
            attempts: RefCell::new(vec![0; count]),
            settled: RefCell::new(vec![false; count]),
            violation: RefCell::default(),
        }
    }

    fn is_settled(&self, place: usize) -> bool {
        self.settled.borrow()[place]
    }

    /// Invokes the consumer with a batch. Returns `None` if it panics or is killed, or its response is lost.
    ///
    /// The error is the first violation of a guarantee so far.
    fn deliver<I, R, C>(
        &self,
        batch: Vec<Record<u8, usize, I>>,
        delivery: &Delivery,
        consumer: &C,
    ) -> Result<Option<R>, String>
    where
        C: AsyncFn(&World, Vec<Record<u8, usize, I>>, &Limits<&dyn Fn() -> bool>) -> R,
    {
        let calls = Cell::new(0);
        let may_begin = || {
            calls.set(calls.get() + 1);
            calls.get() <= delivery.begin_max
        };
        let limits =
            Limits { lanes_at_once_max: delivery.lanes_at_once_max, may_begin: &may_begin as &dyn Fn() -> bool };
        // A panic in the consumer fails the invocation.
        let response = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(consumer(self, batch, &limits), delivery.polls_max)
        }));
        if let Some(violation) = self.violation.borrow().clone() {
            return Err(violation);
        }
        Ok(response.ok().flatten().filter(|_| !delivery.is_answer_lost))
    }

    /// Checks that all of these acknowledged records are settled.
    fn check_acknowledged(&self, mut places: impl Iterator<Item = usize>) -> Result<(), String> {
        match places.find(|place| !self.is_settled(*place)) {
            Some(lost) => Err(format!("record {lost} was acknowledged but neither handled nor quarantined")),
            None => Ok(()),
        }
    }

    /// Handles a record, or quarantines it after a permanent failure.
    pub(crate) async fn settle(&self, record: &Record<u8, usize, impl Clone>) -> Result<(), NotHandled> {
        match self.handle(record).await {
            Ok(()) => Ok(()),
            Err(Failure::Transient) => Err(NotHandled),
            Err(Failure::Permanent) => self.quarantine(record).await,
        }
    }

    /// Handles a record, with its faults.
    pub(crate) async fn handle(&self, record: &Record<u8, usize, impl Clone>) -> Result<(), Failure> {
        let place = record.payload;
        self.check_order(place);
        for _ in 0..self.records.pauses[place] {
            yield_once().await;
        }
        let noise = self.noise(place);
        match noise {
            Some(Noise::Transient) => {
                self.count(place);
                Err(Failure::Transient)
            }
            Some(Noise::Panic) => {
                self.count(place);
                std::panic::resume_unwind(Box::new("on purpose"))
            }
            // The other faults apply to the quarantine.
            _ if self.records.is_bad[place] => Err(Failure::Permanent),
            _ => {
                self.settled.borrow_mut()[place] = true;
                Ok(())
            }
        }
    }

    pub(crate) async fn quarantine(&self, record: &Record<u8, usize, impl Clone>) -> Result<(), NotHandled> {
        let place = record.payload;
        yield_once().await;
        let noise = self.noise(place);
        self.count(place);
        match noise {
            Some(Noise::QuarantineFails) => Err(NotHandled),
            Some(Noise::QuarantinePanics) => std::panic::resume_unwind(Box::new("on purpose")),
            _ => {
                self.settled.borrow_mut()[place] = true;
                Ok(())
            }
        }
    }

    fn noise(&self, place: usize) -> Option<Noise> {
        let attempt = self.attempts.borrow()[place];
        self.records.noise[place].get(attempt).copied()
    }

    fn count(&self, place: usize) {
        self.attempts.borrow_mut()[place] += 1;
    }

    /// Checks that all earlier records of the key in the same partition are settled.
    fn check_order(&self, place: usize) {
        let (settled, sequence) =
            (self.settled.borrow(), |place| (self.records.keys[place], self.records.partitions[place]));
        let earlier = (0..place).find(|earlier| sequence(*earlier) == sequence(place) && !settled[*earlier]);
        if let Some(earlier) = earlier {
            let violation = format!("record {place} started before record {earlier} of its key was settled");
            self.violation.borrow_mut().get_or_insert(violation);
        }
    }
}

/// Polls the future to completion. Returns `None` if it is killed before.
fn run<T>(future: impl Future<Output = T>, polls_max: Option<usize>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut polls = 0;
    while polls_max.is_none_or(|most| polls < most) {
        polls += 1;
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return Some(done);
        }
    }
    None
}

/// Returns pending once, as `yield_now` does, without a tokio runtime.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

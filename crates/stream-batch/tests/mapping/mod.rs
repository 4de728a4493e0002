//! Model of a shard with faulty records, and of the event source mapping that delivers them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ops::Range;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use stream_batch::{BatchResponse, Limits, NotHandled, Record};

/// Number of deliveries after which the run counts as endless.
const DELIVERIES_MAX: usize = 2_000;

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

/// Records of a shard, one entry per position in each list.
#[derive(Debug, Clone)]
pub(crate) struct Shard {
    pub(crate) keys: Vec<u8>,
    /// True for records that can never be handled.
    pub(crate) is_bad: Vec<bool>,
    /// Faults of the first attempts.
    pub(crate) noise: Vec<Vec<Noise>>,
    /// Number of times the handler yields.
    pub(crate) pauses: Vec<u8>,
}

impl Shard {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let noise = prop_oneof![
            Just(Noise::Transient),
            Just(Noise::Panic),
            Just(Noise::QuarantineFails),
            Just(Noise::QuarantinePanics),
        ];
        let record = (0..4_u8, prop::bool::weighted(0.2), prop::collection::vec(noise, 0..3), 0..3_u8);
        prop::collection::vec(record, 0..25).prop_map(|records| {
            let mut shard = Self { keys: vec![], is_bad: vec![], noise: vec![], pauses: vec![] };
            for (key, is_bad, noise, pauses) in records {
                shard.keys.push(key);
                shard.is_bad.push(is_bad);
                shard.noise.push(noise);
                shard.pauses.push(pauses);
            }
            shard
        })
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    /// Sequence number that exceeds any integer type and grows in digits, so that a lexical comparison is wrong.
    fn number(place: usize) -> String {
        format!("{}{:040}", 95 + place, place)
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
    shard: Shard,
    attempts: RefCell<Vec<usize>>,
    settled: RefCell<Vec<bool>>,
    violation: RefCell<Option<String>>,
}

impl World {
    /// Handles a record, or quarantines it after a permanent failure.
    pub(crate) async fn settle(&self, record: &Record<u8, usize>) -> Result<(), NotHandled> {
        match self.handle(record).await {
            Ok(()) => Ok(()),
            Err(Failure::Transient) => Err(NotHandled),
            Err(Failure::Permanent) => self.quarantine(record).await,
        }
    }

    /// Handles a record, with the faults of the shard.
    pub(crate) async fn handle(&self, record: &Record<u8, usize>) -> Result<(), Failure> {
        let place = record.payload;
        self.check_order(place);
        for _ in 0..self.shard.pauses[place] {
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
            _ if self.shard.is_bad[place] => Err(Failure::Permanent),
            _ => {
                self.settled.borrow_mut()[place] = true;
                Ok(())
            }
        }
    }

    pub(crate) async fn quarantine(&self, record: &Record<u8, usize>) -> Result<(), NotHandled> {
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
        self.shard.noise[place].get(attempt).copied()
    }

    fn count(&self, place: usize) {
        self.attempts.borrow_mut()[place] += 1;
    }

    /// Checks that all earlier records of the key are settled.
    fn check_order(&self, place: usize) {
        let (settled, key) = (self.settled.borrow(), self.shard.keys[place]);
        let earlier = (0..place).find(|earlier| self.shard.keys[*earlier] == key && !settled[*earlier]);
        if let Some(earlier) = earlier {
            let violation = format!("record {place} started before record {earlier} of its key was settled");
            self.violation.borrow_mut().get_or_insert(violation);
        }
    }
}

/// Event source mapping as documented by Lambda.
pub(crate) struct Mapping {
    pub(crate) world: World,
    schedule: Schedule,
}

/// Lambda's view of an invocation.
enum Outcome {
    Done,
    FailedFrom(usize),
    Failed,
}

impl Mapping {
    pub(crate) fn new(shard: &Shard, schedule: &Schedule) -> Self {
        let count = shard.len();
        let world = World {
            shard: shard.clone(),
            attempts: RefCell::new(vec![0; count]),
            settled: RefCell::new(vec![false; count]),
            violation: RefCell::default(),
        };
        Self { world, schedule: schedule.clone() }
    }

    /// Delivers until every record is acknowledged or a guarantee is violated.
    pub(crate) fn drain<C>(&self, consumer: &C) -> Result<(), String>
    where
        C: AsyncFn(&World, Vec<Record<u8, usize>>, &Limits<&dyn Fn() -> bool>) -> BatchResponse,
    {
        let count = self.world.shard.len();
        let mut checkpoint = 0;
        // Ends of the parts of a bisected batch, the next one first.
        let mut ends: VecDeque<usize> = VecDeque::new();
        for n in 0.. {
            let end = *ends.front().unwrap_or(&(checkpoint + self.schedule.batch_size).min(count));
            if checkpoint == count {
                return Ok(());
            }
            if n == DELIVERIES_MAX {
                return Err(format!("record {checkpoint} is redelivered forever"));
            }
            let outcome = self.deliver(checkpoint..end, &self.schedule.delivery(n), consumer);
            if let Some(violation) = self.world.violation.borrow().clone() {
                return Err(violation);
            }
            match outcome {
                Outcome::Done => checkpoint = end,
                Outcome::FailedFrom(place) => checkpoint = place,
                Outcome::Failed if self.schedule.bisects && end - checkpoint > 1 => {
                    if ends.is_empty() {
                        ends.push_front(end);
                    }
                    ends.push_front(checkpoint + (end - checkpoint) / 2);
                }
                Outcome::Failed => {}
            }
            while ends.front().is_some_and(|end| *end <= checkpoint) {
                ends.pop_front();
            }
            if let Some(lost) = self.world.settled.borrow()[..checkpoint].iter().position(|settled| !settled) {
                return Err(format!("record {lost} was acknowledged but neither handled nor quarantined"));
            }
        }
        Ok(())
    }

    fn deliver<C>(&self, places: Range<usize>, delivery: &Delivery, consumer: &C) -> Outcome
    where
        C: AsyncFn(&World, Vec<Record<u8, usize>>, &Limits<&dyn Fn() -> bool>) -> BatchResponse,
    {
        let record =
            |place| Record { key: self.world.shard.keys[place], sequence_number: Shard::number(place), payload: place };
        let calls = Cell::new(0);
        let may_begin = || {
            calls.set(calls.get() + 1);
            calls.get() <= delivery.begin_max
        };
        let limits =
            Limits { lanes_at_once_max: delivery.lanes_at_once_max, may_begin: &may_begin as &dyn Fn() -> bool };
        let batch = places.clone().map(record).collect();
        // A panic in the consumer fails the invocation.
        let response = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(consumer(&self.world, batch, &limits), delivery.polls_max)
        }));
        match response {
            Ok(Some(response)) if !delivery.is_answer_lost => interpret(&response, places),
            Ok(_) | Err(_) => Outcome::Failed,
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

/// Interprets the JSON of a response as Lambda does.
fn interpret(response: &BatchResponse, places: Range<usize>) -> Outcome {
    let response = serde_json::to_value(response).unwrap();
    let failures = response["batchItemFailures"].as_array().unwrap();
    let numbers: Vec<_> =
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap_or_default()).collect();
    // Numeric comparison: without leading zeros, the longer number is the higher one.
    let Some(lowest) = numbers.iter().min_by_key(|number| (number.len(), **number)) else { return Outcome::Done };
    let place_of = |number: &str| places.clone().find(|place| Shard::number(*place) == number);
    if numbers.iter().any(|number| place_of(number).is_none()) {
        return Outcome::Failed;
    }
    place_of(lowest).map_or(Outcome::Failed, Outcome::FailedFrom)
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

//! Open-loop load generator: arrivals follow a schedule, independent of responses.
//!
//! A closed loop sends the next request after the last response. While a server stalls, it measures one slow request
//! instead of all that would have arrived in that time (*coordinated omission*). Here every request is sent at its
//! scheduled time, whether or not others are still in flight, and its latency counts from the scheduled time, not from
//! the actual one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Longest sleep, so that a stop is noticed soon.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// Scheduled and actual time of an arrival.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    intended: Instant,
    started: Instant,
}

impl Arrival {
    /// Time since the scheduled time.
    pub fn latency(&self) -> Duration {
        self.intended.elapsed()
    }

    /// Delay between the scheduled and the actual time, which the generator itself adds.
    pub fn lateness(&self) -> Duration {
        self.started.saturating_duration_since(self.intended)
    }
}

/// Outcome of an arrival.
#[derive(Debug)]
pub enum Sent<T, I> {
    /// Sent, with the result.
    Done(T),
    /// Not sent, because too many were in flight.
    TooMany(I),
}

/// Sends each item at its time after `started`, and returns the outcomes in schedule order once all have ended. At most
/// `in_flight_max` items are in flight; an item above that is not sent. Once `is_stopped` returns true, nothing more is
/// sent, and the remaining items have no outcome.
///
/// A dedicated thread keeps the schedule: a busy executor, or one with coarse timers, would shift it.
pub async fn run<I, T, F>(
    started: Instant,
    mut items: Vec<(Duration, I)>,
    in_flight_max: usize,
    is_stopped: impl Fn() -> bool + Send + 'static,
    mut send: impl FnMut(I, Arrival) -> F + Send + 'static,
) -> Vec<Sent<T, I>>
where
    I: Send + 'static,
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    items.sort_by_key(|(at, _)| *at);
    let runtime = Handle::current();
    let in_flight = Arc::new(AtomicUsize::new(0));
    let sending = tokio::task::spawn_blocking(move || {
        let mut sent: Vec<Result<JoinHandle<T>, I>> = Vec::with_capacity(items.len());
        for (at, item) in items {
            let intended = started + at;
            if !sleep_until(intended, &is_stopped) {
                break;
            }
            if in_flight.fetch_add(1, Ordering::SeqCst) >= in_flight_max {
                in_flight.fetch_sub(1, Ordering::SeqCst);
                sent.push(Err(item));
                continue;
            }
            let work = send(item, Arrival { intended, started: Instant::now() });
            let slot = InFlight(Arc::clone(&in_flight));
            sent.push(Ok(runtime.spawn(async move {
                let _slot = slot;
                work.await
            })));
        }
        sent
    });
    let mut results = Vec::new();
    // Neither the thread nor a task is ever aborted, so a join error is a panic, which is passed on.
    for sent in sending.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())) {
        results.push(match sent {
            Err(item) => Sent::TooMany(item),
            Ok(work) => Sent::Done(work.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))),
        });
    }
    results
}

/// Slot of an item in flight, released on drop, even after a panic.
struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sleeps until `time`. Returns false if it was stopped before.
fn sleep_until(time: Instant, is_stopped: impl Fn() -> bool) -> bool {
    loop {
        if is_stopped() {
            return false;
        }
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        #[expect(clippy::disallowed_methods, reason = "runs on a dedicated thread, and no test waits for it")]
        std::thread::sleep(left.min(SLEEP_MAX));
    }
}

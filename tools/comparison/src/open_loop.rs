//! An open loop: arrivals come when they come, whatever became of those before them.
//!
//! A closed loop sends the next request when the last one is answered: while a server stalls it measures one slow request
//! instead of all that would have come meanwhile (*coordinated omission*). Here every arrival has its time, is sent then
//! whether or not others are still waiting, and its latency counts from that time, not from when it was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// The longest sleep, so that it is noticed soon when no more is to be sent.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// When an arrival was to happen, and when it did.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    intended: Instant,
    begun: Instant,
}

impl Arrival {
    /// From when it was to happen until now.
    pub fn latency(&self) -> Duration {
        self.intended.elapsed()
    }

    /// How late it began: what the generator itself adds.
    pub fn lateness(&self) -> Duration {
        self.begun.saturating_duration_since(self.intended)
    }
}

/// What became of an arrival.
#[derive(Debug)]
pub enum Sent<T, I> {
    /// It was sent, and this came of it.
    Done(T),
    /// As many as may be were under way: this was not sent.
    TooMany(I),
}

/// Sends each item at its time after `begun`, and answers with what came of them, in the order of the times, once all have
/// ended. At most `under_way_max` are under way at once; those beyond are not sent. Once `is_stopped` says so, no more is
/// sent, and what is left is not among the answers.
///
/// A thread of its own keeps the times: an executor that is busy, or whose timers are coarse, would shift them.
pub async fn run<I, T, F>(
    begun: Instant,
    mut items: Vec<(Duration, I)>,
    under_way_max: usize,
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
    let under_way = Arc::new(AtomicUsize::new(0));
    let sending = tokio::task::spawn_blocking(move || {
        let mut sent: Vec<Result<JoinHandle<T>, I>> = Vec::with_capacity(items.len());
        for (at, item) in items {
            let intended = begun + at;
            if !sleep_until(intended, &is_stopped) {
                break;
            }
            if under_way.fetch_add(1, Ordering::SeqCst) >= under_way_max {
                under_way.fetch_sub(1, Ordering::SeqCst);
                sent.push(Err(item));
                continue;
            }
            let work = send(item, Arrival { intended, begun: Instant::now() });
            let slot = UnderWay(Arc::clone(&under_way));
            sent.push(Ok(runtime.spawn(async move {
                let _slot = slot;
                work.await
            })));
        }
        sent
    });
    let mut results = Vec::new();
    // Neither a thread nor a task is ended before its end, other than by a panic, which is then ours.
    for sent in sending.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())) {
        results.push(match sent {
            Err(item) => Sent::TooMany(item),
            Ok(work) => Sent::Done(work.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))),
        });
    }
    results
}

/// One that is under way no more, however it ended.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether it is time, and not stopped before.
fn sleep_until(time: Instant, is_stopped: impl Fn() -> bool) -> bool {
    loop {
        if is_stopped() {
            return false;
        }
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        #[expect(clippy::disallowed_methods, reason = "this is a thread of its own, and no test waits for it")]
        std::thread::sleep(left.min(SLEEP_MAX));
    }
}

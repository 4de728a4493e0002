//! Access to the world whose calls wait until the explorer lets them through.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// Consequence for a call that is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The call takes effect.
    Succeeds,
    /// The call has no effect, and fails.
    Fails,
    /// The call takes effect, and its response is lost.
    LosesResponse,
}

/// Access to the world for one piece of work, one call at a time.
pub struct Gate<W> {
    world: Arc<W>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Fate>,
    waiting: Option<Waker>,
    /// Results that the piece of work has received.
    results: Vec<String>,
}

impl<W> Gate<W> {
    pub(crate) fn new(world: &Arc<W>) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), state: Mutex::default() })
    }

    /// Data that the calls work on.
    pub fn world(&self) -> &W {
        &self.world
    }

    /// Makes one call when it is let through. `describe` returns everything of the result that influences the caller.
    /// Returns `None` if the call fails or its response is lost.
    pub async fn call<T>(&self, call: impl FnOnce(&W) -> T, describe: impl FnOnce(&T) -> String) -> Option<T> {
        let fate = poll_fn(|context| {
            let mut state = self.state.lock().unwrap();
            if let Some(fate) = state.open.take() {
                return Poll::Ready(fate);
            }
            state.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        let result = if fate == Fate::Fails { None } else { Some(call(&self.world)) };
        let result = result.filter(|_| fate == Fate::Succeeds);
        let described = result.as_ref().map_or("failed".to_owned(), describe);
        self.state.lock().unwrap().results.push(described);
        result
    }

    /// Lets one call through.
    pub(crate) fn open(&self, fate: Fate) {
        let mut state = self.state.lock().unwrap();
        state.open = Some(fate);
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
    }

    /// Results received so far, quoted, so that an empty result differs from no call.
    pub(crate) fn results(&self) -> String {
        format!("{:?}", self.state.lock().unwrap().results)
    }
}

/// Returns the output of a future that never waits. Panics if it waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("the future is pending"),
    }
}

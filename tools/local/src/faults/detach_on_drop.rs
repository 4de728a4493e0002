//! Work that continues after its caller has stopped waiting.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A future that completes even if it is dropped: the rest of it is then spawned as a task. Spawning every future would
/// wake another thread for every call.
pub(super) struct DetachOnDrop<T: Send + 'static>(Option<Work<T>>);

impl<T: Send + 'static> DetachOnDrop<T> {
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<T: Send + 'static> Future for DetachOnDrop<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // A completed future is not polled again.
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let output = std::task::ready!(work.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for DetachOnDrop<T> {
    fn drop(&mut self) {
        // Without a runtime, the work ends here.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn dropped_work_completes() {
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let mut work = DetachOnDrop::new(async move {
            may_go_on.await.unwrap();
            done.send(42).unwrap();
        });
        tokio::select! {
            biased;
            () = &mut work => panic!("it completed before the gate opened"),
            () = std::future::ready(()) => drop(work),
        }
        go_on.send(()).unwrap();
        assert_eq!(is_done.await, Ok(42));
    }
}

//! Stopping a comparison early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops a comparison early: what was measured until then is kept.
#[derive(Debug, Clone, Default)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
    /// No more orders come.
    pub fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether that was said.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

//! Fault injection, exact and repeatable: between the functions and the services that they call, in front of each
//! function, and in front of each API.
//!
//! [`fault`] defines a fault, [`invalid`] rejects invalid ones, and [`registry`] matches faults to calls. [`injector`]
//! applies them in front of the emulators, over resettable [`connection`]s; `hub_proxy` applies them in front of a
//! broker, `lambda` to invocations and `gateway` to API requests. At the emulators and brokers, faults strike only calls
//! of functions, and only those are counted. A test's own calls always pass, and so do those of event source mappings,
//! which read the emulators in process and brokers directly.

mod callers;
mod calls;
mod connection;
mod detach_on_drop;
mod fault;
mod injector;
mod invalid;
mod parse;
mod partial;
mod put_records;
mod registry;
mod reorder;
mod routes;

pub(crate) use callers::{Caller, Callers, access_key};
pub use calls::Calls;
pub(crate) use connection::{Connection, serve as serve_resettable};
pub use fault::{Effect, Fault, FaultTarget, Moment};
pub(crate) use injector::serve;
pub use invalid::InvalidFault;
pub(crate) use registry::Ending;
pub use registry::{FaultId, InjectedFault};
pub(crate) use routes::router;

use http::HeaderMap;
use parking_lot::Mutex;

use crate::emulators::Service;
use crate::log::LogSink;
use crate::template::Route;
use crate::usage::Meter;
use invalid::{Apis, FAULTS_MAX, INVOKE, KnownTargets, check};
use registry::{Call, FaultRegistry};

/// Injected faults of an environment, and its counted calls and usage.
pub(crate) struct Faults {
    callers: Callers,
    apis: Apis,
    registry: Mutex<FaultRegistry>,
    calls: Mutex<Calls>,
    meter: Meter,
    log: LogSink,
}

impl Faults {
    /// Creates an environment's faults, initially none.
    pub(crate) fn new(callers: Callers, log: LogSink) -> Self {
        Self {
            callers,
            apis: Apis::new(),
            registry: Mutex::default(),
            calls: Mutex::default(),
            meter: Meter::default(),
            log,
        }
    }

    /// Adds the routes of the APIs as targets.
    pub(crate) fn with_routes(self, routes: &[Route]) -> Self {
        let mut apis = Apis::new();
        for route in routes {
            apis.entry(route.api.clone()).or_default().push(route.key());
        }
        Self { apis, ..self }
    }

    fn known(&self) -> KnownTargets<'_> {
        KnownTargets { functions: self.callers.logical_ids(), apis: &self.apis }
    }

    /// Injects all of the faults, after the existing ones. Injects none if one is invalid.
    pub(crate) fn inject(&self, faults: Vec<Fault>) -> Result<Vec<FaultId>, InvalidFault> {
        for fault in &faults {
            check(fault, &self.known())?;
        }
        let mut registry = self.registry.lock();
        if registry.len() + faults.len() > FAULTS_MAX {
            return Err(InvalidFault::TooMany);
        }
        Ok(faults.into_iter().map(|fault| registry.push(fault)).collect())
    }

    pub(crate) fn inject_one(&self, fault: Fault) -> Result<FaultId, InvalidFault> {
        check(&fault, &self.known())?;
        let mut registry = self.registry.lock();
        if registry.len() == FAULTS_MAX { Err(InvalidFault::TooMany) } else { Ok(registry.push(fault)) }
    }

    /// Returns all faults, in the order of injection.
    pub(crate) fn all(&self) -> Vec<InjectedFault> {
        self.registry.lock().all()
    }

    pub(crate) fn clear(&self) {
        self.registry.lock().clear();
    }

    /// Removes a fault. Returns false if no fault has that id.
    pub(crate) fn remove(&self, id: FaultId) -> bool {
        self.registry.lock().remove(id)
    }

    pub(crate) fn calls(&self) -> Calls {
        self.calls.lock().clone()
    }

    pub(crate) fn reset_calls(&self) {
        *self.calls.lock() = Calls::default();
    }

    /// The meter of the environment, which the gateway and the function pools use as well.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Applies the faults of an invocation: waits for its latency, and returns its failure, if any.
    pub(crate) async fn apply_to_invocation(&self, function: &str) -> Option<Ending> {
        self.apply(&FaultTarget::function(function), INVOKE, None).await
    }

    /// The log of the environment.
    pub(crate) fn log(&self) -> &LogSink {
        &self.log
    }

    /// Returns the function that signed a request with these headers, if one did.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        self.callers.of(headers)
    }

    /// Applies the faults of an API request: waits for its latency, and returns its failure, if any.
    pub(crate) async fn apply_to_request(&self, route: &Route, caller: Option<&Caller>) -> Option<Ending> {
        let caller = caller.map(|caller| caller.name.as_str());
        self.apply(&FaultTarget::api(&route.api), &route.key(), caller).await
    }

    /// Kills the calling function's process, if a function calls.
    pub(crate) async fn kill(&self, caller: Option<&Caller>) {
        if let Some(caller) = caller {
            self.callers.kill(caller).await;
        }
    }

    /// Applies the faults of a function's call: waits for its latency, and returns its failure, if any.
    pub(crate) async fn apply_to_call(&self, service: Service, operation: &str, caller: &str) -> Option<Ending> {
        self.apply(&service.into(), operation, Some(caller)).await
    }

    async fn apply(&self, target: &FaultTarget, operation: &str, caller: Option<&str>) -> Option<Ending> {
        let verdict = self.registry.lock().judge(Call { target, operation, caller });
        for FaultId(id) in &verdict.struck {
            let from = caller.map_or_else(String::new, |caller| format!("{caller} → "));
            self.log.warn(&format!("fault {id} injected: {from}{target}:{operation}"));
        }
        if !verdict.latency.is_zero() {
            tokio::time::sleep(verdict.latency).await;
        }
        verdict.ending
    }

    /// Counts a function's call that reached a service.
    pub(crate) fn count(&self, caller: &str, service: Service, operation: &str) {
        self.calls.lock().add(caller, service, operation);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_is_delayed_by_the_sum_of_latencies_before_it_fails() {
        let faults = Faults::new(Callers::Everybody, LogSink::discard());
        let latency = |latency_ms| Fault::new(FaultTarget::Kinesis, Effect::LatencyMs(latency_ms));
        let reset = Fault::new(FaultTarget::Kinesis, Effect::reset_before());
        faults.inject(vec![latency(200), latency(50), reset]).unwrap();
        let begun = tokio::time::Instant::now();
        let ending = faults.apply_to_call(Service::Kinesis, "PutRecord", "anyone").await;
        assert!(matches!(ending, Some(Ending::Reset(Moment::Before))));
        // The test clock advances only by sleeping.
        assert_eq!(begun.elapsed(), Duration::from_millis(250));
    }

    #[test]
    fn the_number_of_faults_is_limited_spent_ones_included() {
        let faults = Faults::new(Callers::Everybody, LogSink::discard());
        let fault = Fault::new(FaultTarget::Kinesis, Effect::Throttle);
        faults.inject(vec![fault.clone(); FAULTS_MAX - 1]).unwrap();
        assert_eq!(faults.inject(vec![fault.clone(); 2]), Err(InvalidFault::TooMany));
        faults.inject_one(fault.clone()).unwrap();
        assert_eq!(faults.inject_one(fault.clone()), Err(InvalidFault::TooMany));
        faults.clear();
        assert!(faults.inject_one(fault).is_ok());
    }
}

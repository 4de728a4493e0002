//! The local environment as a whole, with a probe function that does what each test tells it to.
//!
//! Every test has an environment of its own, and waits by polling, with a bound.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod apis;
mod faults_over_http;
mod faulty_calls;
mod faulty_invocations;
mod faulty_requests;
mod filters;
mod harness;
mod on_failure;
mod other_websites;
mod parallel;
mod resharding;
mod sandboxes;
mod starting;
mod streams;
mod usage;

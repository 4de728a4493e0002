//! Integration tests of the local environment, with a probe function that each test directs.
//!
//! Every test has its own environment. Waits are polling with a timeout.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod apis;
mod brokers;
mod faults_over_http;
mod faulty_calls;
mod faulty_invocations;
mod faulty_requests;
mod filters;
mod harness;
mod kafka;
mod kafka_faults;
mod on_failure;
mod other_websites;
mod parallel;
mod rabbitmq_faults;
mod rabbitmq_mapping;
mod resharding;
mod sandboxes;
mod starting;
mod streams;
mod usage;

//! The publisher against a real broker. `hubs/host/kafka start` starts one and prints the variables that name it; without
//! them the tests are skipped.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod access;
mod outages;
mod partitions;
mod proxy;
mod publishing;
mod support;

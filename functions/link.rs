//! Build script of every function: what deploys is linked without tables for unwinding the stack, which a build that aborts on
//! panic never reads, and for a fixed address (docs/adr/0019).

#![allow(clippy::print_stdout, reason = "that is how a build script speaks to cargo")]

use std::env;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../no-unwind-tables.ld");

fn main() {
    println!("cargo::rerun-if-changed={SCRIPT}");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|is| is == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{SCRIPT}");
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

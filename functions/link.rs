//! Build script of every function. Links release builds for Linux without stack unwinding tables, which are unused
//! because a panic aborts, and at a fixed address (docs/adr/0019).

#![allow(clippy::print_stdout, reason = "a build script passes instructions to Cargo on standard output")]

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

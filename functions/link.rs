//! Build script of every function: what deploys is linked without tables for unwinding the stack.
//!
//! A release build aborts on panic (docs/adr/0004), so nothing ever reads them, and they are a tenth of a function. The
//! compiler's own switch for it, `-C force-unwind-tables=no`, is no part of a profile; linkers of Linux take a script.

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

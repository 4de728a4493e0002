//! There is nothing to do; having a build script is what makes build-dependencies count.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}

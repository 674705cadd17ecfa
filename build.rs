//! How the program is linked.

#![expect(clippy::disallowed_methods, reason = "a build script is told everything by its environment")]
use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, want: &str| env::var(name).is_ok_and(|value| value == want);
    // See docs/decisions/fixed-address.md.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

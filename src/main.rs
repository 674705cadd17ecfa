//! The program. Everything it does is in `userhaul-cli`.

use std::process::ExitCode;

/// Keeps memory flat; see docs/decisions/jemalloc.md.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    userhaul_cli::main()
}

//! The program `userhaul`.

use std::process::ExitCode;

fn main() -> ExitCode {
    userhaul_cli::main()
}

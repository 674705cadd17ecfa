//! The program. Everything it does is in `userhaul-cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    userhaul_cli::main()
}

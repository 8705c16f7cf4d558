//! The one binary. All of it is in the library crate, so that tests build what `main` builds.

use std::process::ExitCode;

fn main() -> ExitCode {
    calotype::cli::main()
}

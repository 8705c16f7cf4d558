//! The one binary. All of it is in the library crate, so that tests build what `main` builds.

use std::process::ExitCode;

/// A small download is some fifty allocations, one of them as large as the file. That is where this one is much faster than
/// most systems' own. It is built without huge pages: a server that does little would hold 30 MB more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    calotype::cli::main()
}

//! The program: everything is in the library.

use std::process::ExitCode;

// Buffers of pages and columns are taken on one thread and freed on another all the time. The system's allocator keeps
// what it gets back in pieces: ten times the pages took 1.7 times the memory, and small pages a seventh more time.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    tidemill::cli::main()
}

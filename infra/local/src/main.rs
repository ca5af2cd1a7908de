//! `cargo local`: the local stack and everything that is done with it.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::command::main()
}

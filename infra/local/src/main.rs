//! `cargo local`: the local stack and everything that is done with it.

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main()
}

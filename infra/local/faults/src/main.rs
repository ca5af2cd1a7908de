//! The program behind `cargo local fault` and `cargo local bench`.

use std::process::ExitCode;

fn main() -> ExitCode {
    faults::command::main()
}

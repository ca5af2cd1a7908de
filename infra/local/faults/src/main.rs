//! The program behind `cargo local fault` and `cargo local bench`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    faults::command::main(&arguments)
}

//! The commands of `cargo local`, and how a failed one says so: one sentence, exit status 1.

mod doctor;
mod progress;
mod running;
mod shelf;
mod story;
mod test;
mod timing;
mod trial;
mod up;

use std::{error::Error, process::ExitCode};

use clap::{Args, CommandFactory, Parser, Subcommand};
use stack::{environment::Provider, ports::Ports, report::Reporter};
use storyteller::speech::synthesiser;

/// The local stack and everything that is done with it
#[derive(Debug, Parser)]
#[command(bin_name = "cargo local")]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a whole story with the real functions and writes the book to a folder
    Story(story::Wish),
    /// Starts the stack and stays: URLs, keys, a demo token; Ctrl-C stops it
    Up {
        /// The functions under `cargo lambda watch`, built anew after every change
        #[arg(long)]
        watch: bool,
    },
    /// Format, lints, unit, database and black-box tests, template checks
    Test {
        /// Tests to run, and nothing else
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        filter: Vec<String>,
    },
    /// What must survive: each prints its figures and fails when a goal is missed; no name lists them
    Fault(Trials),
    /// What it costs: figures beside their anchors
    Bench(Trials),
    /// Checks tools, variables, database, queue, storage and providers
    Doctor,
}

/// Handed over as they are: [NAME | --all] [--short | --full] [--seed N]
#[derive(Debug, Args)]
struct Trials {
    /// [NAME | --all] [--short | --full] [--seed N]
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    arguments: Vec<String>,
}

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    stack::report::init_logging();
    let command = match CommandLine::try_parse().map(|line| line.command) {
        Ok(Some(command)) => command,
        Ok(None) => return told(CommandLine::command().print_help().is_ok()),
        Err(error) => return told(error.print().is_ok() && !error.use_stderr()),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(run(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error.as_ref()),
    }
}

fn told(well: bool) -> ExitCode {
    if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn run(command: Command) -> Outcome {
    match command {
        Command::Story(wish) => interruptible(story::run(wish)).await,
        Command::Up { watch } => up::run(watch).await,
        Command::Test { filter } => test::run(&filter).await,
        Command::Fault(Trials { arguments }) => trial::run("fault", &arguments),
        Command::Bench(Trials { arguments }) => trial::run("bench", &arguments),
        Command::Doctor => doctor::run().await,
    }
}

/// Says, where the local stand-in will narrate without a voice, how to give it one.
fn announce_voice(reporter: Reporter) {
    if Provider::elevenlabs(Ports::FIXED).is_stand_in
        && let Some(advice) = synthesiser().advice()
    {
        reporter.line(format!("  {advice}\n"));
    }
}

/// Runs until done or interrupted; what was started is dropped, and so stopped, in either case.
async fn interruptible(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::select! {
        done = work => done,
        () = interrupted() => Err("stopped by a signal before it was done".into()),
    }
}

/// Resolves at Ctrl-C, or when the process is asked to end.
async fn interrupted() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

fn failed(error: &(dyn Error + 'static)) -> ExitCode {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    eprintln!("\n✗ {line}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_name_of_a_trial_is_handed_over_as_it_stands() {
        let line = ["local", "fault", "kill", "--full", "--seed", "7"];
        let Some(Command::Fault(trials)) = CommandLine::parse_from(line).command else {
            panic!("another command");
        };
        assert_eq!(trials.arguments, ["kill", "--full", "--seed", "7"]);
    }

    #[test]
    fn a_wish_may_be_many_words_and_what_is_no_option_is_refused() {
        let parse = |words: &[&str]| CommandLine::try_parse_from([&["local"], words].concat());
        assert!(parse(&["story", "a", "brave", "mouse", "--out", "book"]).is_ok());
        assert!(parse(&["story"]).is_ok());
        for refused in [
            &["story", "--fast"][..],
            &["story", "--out"],
            &["up", "--fast"],
            &["sotry"],
        ] {
            assert!(parse(refused).is_err(), "{refused:?}");
        }
    }
}

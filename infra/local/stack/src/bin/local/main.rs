//! The commands of `cargo local`, and how a failed one says so: one sentence, exit status 1.

mod deploy;
mod doctor;
mod look;
mod operator;
mod replay;
mod running;
mod smoke;
mod story;
mod test;
mod timing;
mod trial;
mod up;

use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use stack::{
    command::{Outcome, carry_out, interrupted, interruptible, told},
    environment::Provider,
    ports::Ports,
    report::Reporter,
};
use stand_ins::storyteller::speech::synthesiser;

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
    /// Takes a picture of every page in three widths, into out/look
    Look,
    /// Checks tools, variables, database, queue, storage and providers
    Doctor,
    /// Why a story is not whole: what each asset waits for or failed of, and when it is tried next
    Why { story: String },
    /// What the four functions say, in one stream; of one story or request where it is named
    Logs {
        /// The id of a story, or of a request
        id: Option<String>,
        /// Goes on with what is said from now on; Ctrl-C ends it
        #[arg(long)]
        follow: bool,
    },
    /// Writes all that support needs to know of a story, without anybody's words, into out/support-….json
    SupportBundle {
        /// The id of a story, or of a request that named one
        id: String,
    },
    /// Brings a lost or damaged story back from its snapshot and its files, or says why not
    Recover { story: String },
    /// Makes stories once more with today's functions and prompts, from the answers that were kept of them
    Replay(replay::Replay),
    /// Turns the emergency switch: running, no_new_stories, no_new_work or read_only; tells how much is still being made
    Platform {
        #[arg(value_parser = ["running", "no_new_stories", "no_new_work", "read_only"])]
        state: String,
        /// What users are told
        #[arg(long)]
        reason: Option<String>,
    },
    /// Deploys one environment: checks, database, functions, a story; each command is printed, and may be typed instead
    Deploy(deploy::Deploy),
    /// Makes a story against a deployed stack with a user of its own, and says where its time went
    Smoke(smoke::Smoke),
}

/// Handed over as they are: [NAME | --all] [--short | --full] [--seed N]
#[derive(Debug, Args)]
struct Trials {
    /// [NAME | --all] [--short | --full] [--seed N]
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    stack::report::init_logging();
    match CommandLine::try_parse().map(|line| line.command) {
        Ok(Some(command)) => carry_out(run(command)),
        Ok(None) => match CommandLine::command().print_help() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => told(&error),
    }
}

async fn run(command: Command) -> Outcome {
    match command {
        Command::Story(wish) => interruptible(story::run(wish)).await,
        Command::Up { watch } => up::run(watch).await,
        Command::Test { filter } => test::run(&filter).await,
        Command::Fault(Trials { arguments }) => trial::run("fault", &arguments),
        Command::Bench(Trials { arguments }) => trial::run("bench", &arguments),
        Command::Look => interruptible(look::run()).await,
        Command::Doctor => doctor::run().await,
        Command::Why { story } => operator::why(&story).await,
        Command::Logs { id, follow } => operator::logs(id.as_deref(), follow).await,
        Command::SupportBundle { id } => operator::support_bundle(&id).await,
        Command::Recover { story } => operator::recover(&story).await,
        Command::Replay(wish) => interruptible(replay::run(wish)).await,
        Command::Platform { state, reason } => operator::switch(&state, reason.as_deref()).await,
        Command::Deploy(deploy) => deploy::run(deploy).await,
        Command::Smoke(smoke) => smoke::run(smoke).await,
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

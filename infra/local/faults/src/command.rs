//! `cargo local fault NAME` and `cargo local bench NAME`: figures beside their goals; a missed one fails the command.

use crate::{Kind, Size, Trial, TrialOptions, unix_ms};
use clap::{Args, Parser, Subcommand};
use stack::{
    command::{Outcome, carry_out, interruptible, told},
    report::{Reporter, init_logging},
};
use std::{
    process::ExitCode,
    time::{Instant, SystemTime},
};

#[derive(Debug, Parser)]
#[command(bin_name = "cargo local")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What must survive: each prints its figures and fails when a goal is missed; no name lists them
    Fault(Wish),
    /// What it costs: figures beside their anchors
    Bench(Wish),
}

#[derive(Debug, Args, PartialEq, Eq)]
struct Wish {
    /// One by its name, or those that cover a row
    name: Option<String>,
    /// Every one
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Seconds each, as in `cargo local test`
    #[arg(long)]
    short: bool,
    /// The full demand of docs/GOALS.md
    #[arg(long, conflicts_with = "short")]
    full: bool,
    /// Decides everything random
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    init_logging();
    match CommandLine::try_parse().map(|line| line.command) {
        Ok(Command::Fault(wish)) => carry_out(interruptible(run(Kind::Fault, wish))),
        Ok(Command::Bench(wish)) => carry_out(interruptible(run(Kind::Bench, wish))),
        Err(error) => told(&error),
    }
}

impl Wish {
    fn is_met_by(&self, trial: &Trial) -> bool {
        let is_named = |name: &String| {
            let mut covers = trial.covers.iter();
            name == trial.name || covers.any(|covered| covered.eq_ignore_ascii_case(name))
        };
        self.all || self.name.as_ref().is_some_and(is_named)
    }
}

async fn run(kind: Kind, wish: Wish) -> Outcome {
    let (all, kind) = (kind.trials(), kind.name());
    if wish.name.is_none() && !wish.all {
        println!("cargo local {kind} NAME [--short | --full] [--seed N], or --all\n");
        for trial in all {
            let covers = trial.covers.join(", ");
            println!("  {:12} {covers:20} {}", trial.name, trial.question);
        }
        return Ok(());
    }
    let chosen: Vec<&Trial> = all.iter().filter(|trial| wish.is_met_by(trial)).collect();
    if chosen.is_empty() {
        let name = wish.name.unwrap_or_default();
        return Err(format!("there is no {kind} `{name}`; `cargo local {kind}` lists them").into());
    }
    let seed = wish
        .seed
        .unwrap_or(unix_ms(SystemTime::now()) as u64 / 1000);
    let options = TrialOptions {
        size: match (wish.short, wish.full) {
            (true, _) => Size::Short,
            (_, true) => Size::Full,
            _ => Size::Normal,
        },
        seed,
        reporter: Reporter::Terminal,
    };
    let mut missed = Vec::new();
    for trial in chosen {
        let covers = trial.covers.join(", ");
        println!("\n▸ {kind} {} ({covers}), seed {seed}", trial.name);
        println!("  {}", trial.question);
        let began = Instant::now();
        let figures = trial.run(options).await?;
        println!("{figures}  {:.1} s", began.elapsed().as_secs_f64());
        missed.extend((!figures.all_met()).then_some(trial.name));
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("{} missed a goal; seed {seed}", missed.join(", ")).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let words = ["faults"].into_iter().chain(line.split(' '));
        let line = CommandLine::try_parse_from(words);
        line.map(|line| line.command)
            .map_err(|refused| refused.to_string())
    }

    #[test]
    fn names_flags_and_seeds_are_understood_and_others_named() {
        let Ok(Command::Fault(wish)) = parsed("fault kill --full --seed 7") else {
            panic!("another command");
        };
        assert_eq!(
            (wish.name.as_deref(), wish.full, wish.short, wish.seed),
            (Some("kill"), true, false, Some(7))
        );
        let refused = parsed("bench kill --fast").unwrap_err();
        assert!(
            refused.contains("--fast") && refused.contains("bench"),
            "{refused}"
        );
    }

    #[test]
    fn a_trial_answers_to_its_name_and_to_what_it_covers() {
        let chosen = |name: &str| {
            let wish = Wish {
                name: Some(name.to_owned()),
                all: false,
                short: false,
                full: false,
                seed: None,
            };
            let trials = Kind::Fault.trials();
            trials.iter().filter(|trial| wish.is_met_by(trial)).count()
        };
        assert_eq!(chosen("kill"), 1);
        assert!(chosen("f1") > 1);
        assert_eq!(chosen("nothing"), 0);
    }
}

//! `cargo local fault NAME` and `cargo local bench NAME`: figures beside their goals; a missed one fails the command.

use crate::{Kind, Order, Size, Trial, TrialError};
use stack::report::Reporter;
use std::{
    error::Error,
    process::ExitCode,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::signal::unix;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The command line after `fault` or `bench`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish<'a> {
    /// None is the list.
    name: Option<&'a str>,
    all: bool,
    size: Size,
    seed: Option<u64>,
}

/// A command line that cannot be understood, or a trial whose goals were missed.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(
        "`{0}` is not understood: faults fault|bench [NAME | --all] [--short | --full] [--seed N]"
    )]
    Kind(String),
    #[error("stopped by a signal before it was done")]
    Interrupted,
    #[error("`{0}` is not understood: cargo local {1} NAME [--short | --full] [--seed N]")]
    Argument(String, &'static str),
    #[error("there is no {kind} `{name}`; `cargo local {kind}` lists them")]
    Unknown { kind: &'static str, name: String },
    #[error("{} missed a goal; seed {seed}", names.join(", "))]
    Missed { names: Vec<&'static str>, seed: u64 },
}

/// Runs what the command line after the program's name asks for, until done or interrupted; what was started is dropped,
/// and so stopped, in either case.
pub fn main(arguments: &[String]) -> ExitCode {
    stack::report::init_logging();
    let work = async {
        tokio::select! {
            done = run(arguments) => done,
            () = interrupted() => Err(Refusal::Interrupted.into()),
        }
    };
    let done = tokio::runtime::Runtime::new()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(work));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n✗ {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// Resolves at Ctrl-C, or when the process is asked to end.
async fn interrupted() {
    let terminated = async {
        match unix::signal(unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// An error and what caused it, in one line.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

async fn run(arguments: &[String]) -> Outcome {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (kind, arguments) = match arguments.as_slice() {
        ["fault", rest @ ..] => (Kind::Fault, rest),
        ["bench", rest @ ..] => (Kind::Bench, rest),
        other => {
            let first = other.first().copied().unwrap_or_default();
            return Err(Refusal::Kind(first.to_owned()).into());
        }
    };
    let wish = parse(arguments, kind)?;
    let trials = kind.trials();
    if wish.name.is_none() && !wish.all {
        list(kind, &trials);
        return Ok(());
    }
    let chosen: Vec<Trial> = trials
        .iter()
        .filter(|trial| wish.all || wish.name.is_some_and(|name| answers_to(trial, name)))
        .copied()
        .collect();
    if chosen.is_empty() {
        let name = wish.name.unwrap_or_default().to_owned();
        return Err(Refusal::Unknown {
            kind: kind.name(),
            name,
        }
        .into());
    }
    let seed = wish.seed.unwrap_or_else(seed_of_now);
    let order = Order {
        size: wish.size,
        seed,
        reporter: Reporter::Terminal,
    };
    let mut missed = Vec::new();
    for trial in chosen {
        if !carry_out(kind, &trial, order).await? {
            missed.push(trial.name);
        }
    }
    if missed.is_empty() {
        return Ok(());
    }
    Err(Refusal::Missed {
        names: missed,
        seed,
    }
    .into())
}

/// Runs one and prints its figures; whether every goal was met.
async fn carry_out(kind: Kind, trial: &Trial, order: Order) -> Result<bool, TrialError> {
    println!(
        "\n▸ {} {} ({}), seed {}",
        kind.name(),
        trial.name,
        trial.settles.join(", "),
        order.seed
    );
    println!("  {}", trial.question);
    let began = Instant::now();
    let figures = (trial.run)(order).await?;
    println!("{figures}  {:.1} s", began.elapsed().as_secs_f64());
    Ok(figures.all_met())
}

fn answers_to(trial: &Trial, name: &str) -> bool {
    trial.name == name
        || trial
            .settles
            .iter()
            .any(|settled| settled.eq_ignore_ascii_case(name))
}

fn list(kind: Kind, trials: &[Trial]) {
    println!(
        "cargo local {} NAME [--short | --full] [--seed N], or --all\n",
        kind.name()
    );
    for trial in trials {
        println!(
            "  {:12} {:20} {}",
            trial.name,
            trial.settles.join(", "),
            trial.question
        );
    }
}

fn parse<'a>(arguments: &[&'a str], kind: Kind) -> Result<Wish<'a>, Refusal> {
    let mut wish = Wish {
        name: None,
        all: false,
        size: Size::Normal,
        seed: None,
    };
    let refuse = |argument: &str| Refusal::Argument(argument.to_owned(), kind.name());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--all" => wish.all = true,
            "--short" => wish.size = Size::Short,
            "--full" => wish.size = Size::Full,
            "--seed" => {
                let seed = rest.next().and_then(|seed| seed.parse().ok());
                wish.seed = Some(seed.ok_or_else(|| refuse("--seed"))?);
            }
            name if !name.starts_with('-') && wish.name.is_none() => wish.name = Some(name),
            other => return Err(refuse(other)),
        }
    }
    Ok(wish)
}

fn seed_of_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |now| now.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_flags_and_seeds_are_understood_and_others_named() {
        let wish = parse(&["kill", "--full", "--seed", "7"], Kind::Fault).unwrap();
        assert_eq!(
            (wish.name, wish.size, wish.seed),
            (Some("kill"), Size::Full, Some(7))
        );
        let refused = parse(&["kill", "--fast"], Kind::Bench)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("--fast") && refused.contains("bench"),
            "{refused}"
        );
    }
}

//! `cargo local fault NAME` and `cargo local bench NAME`: figures beside their goals; a missed one fails the command.

use crate::{Kind, Size, Trial, TrialOptions};
use stack::report::Reporter;
use std::{
    error::Error,
    process::ExitCode,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::signal::unix;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish<'a> {
    kind: Kind,
    /// None is the list.
    name: Option<&'a str>,
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
    #[error("`{0}` is not understood: cargo local {1} NAME [--short | --full] [--seed N]")]
    Argument(String, &'static str),
    #[error("there is no {0} `{1}`; `cargo local {0}` lists them")]
    Unknown(&'static str, String),
    #[error("{0} missed a goal; seed {1}")]
    Missed(String, u64),
    #[error("stopped by a signal before it was done")]
    Interrupted,
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
    let wish = parse(arguments)?;
    let kind = wish.kind;
    let all = kind.trials();
    let Some(name) = wish.name else {
        println!(
            "cargo local {} NAME [--short | --full] [--seed N], or --all\n",
            kind.name()
        );
        for trial in all {
            println!(
                "  {:12} {:20} {}",
                trial.name,
                trial.covers.join(", "),
                trial.question
            );
        }
        return Ok(());
    };
    let answers_to = |trial: &&Trial| {
        let covers = trial
            .covers
            .iter()
            .any(|covered| covered.eq_ignore_ascii_case(name));
        name == ALL || name == trial.name || covers
    };
    let chosen: Vec<&Trial> = all.iter().filter(answers_to).collect();
    if chosen.is_empty() {
        return Err(Refusal::Unknown(kind.name(), name.to_owned()).into());
    }
    let seed = wish.seed.unwrap_or_else(seed_of_now);
    let options = TrialOptions {
        size: wish.size,
        seed,
        reporter: Reporter::Terminal,
    };
    let mut missed = Vec::new();
    for trial in chosen {
        let covers = trial.covers.join(", ");
        println!("\n▸ {} {} ({covers}), seed {seed}", kind.name(), trial.name);
        println!("  {}", trial.question);
        let began = Instant::now();
        let figures = trial.run(options).await?;
        println!("{figures}  {:.1} s", began.elapsed().as_secs_f64());
        if !figures.all_met() {
            missed.push(trial.name);
        }
    }
    match missed.as_slice() {
        [] => Ok(()),
        missed => Err(Refusal::Missed(missed.join(", "), seed).into()),
    }
}

/// In the place of a name.
const ALL: &str = "--all";

fn parse(arguments: &[String]) -> Result<Wish<'_>, Refusal> {
    let mut rest = arguments.iter().map(String::as_str);
    let kind = match rest.next().unwrap_or_default() {
        "fault" => Kind::Fault,
        "bench" => Kind::Bench,
        other => return Err(Refusal::Kind(other.to_owned())),
    };
    let mut wish = Wish {
        kind,
        name: None,
        size: Size::Normal,
        seed: None,
    };
    let refuse = |argument: &str| Refusal::Argument(argument.to_owned(), kind.name());
    while let Some(argument) = rest.next() {
        match argument {
            "--short" => wish.size = Size::Short,
            "--full" => wish.size = Size::Full,
            "--seed" => {
                let seed = rest.next().and_then(|seed| seed.parse().ok());
                wish.seed = Some(seed.ok_or_else(|| refuse("--seed"))?);
            }
            ALL => wish.name = Some(ALL),
            name if !name.starts_with('-') && wish.name.is_none() => wish.name = Some(name),
            other => return Err(refuse(other)),
        }
    }
    Ok(wish)
}

fn seed_of_now() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.map_or(1, |now| now.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Kind, Option<String>, Size, Option<u64>), String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let wish = parse(&words).map_err(|refused| refused.to_string())?;
        Ok((
            wish.kind,
            wish.name.map(str::to_owned),
            wish.size,
            wish.seed,
        ))
    }

    #[test]
    fn names_flags_and_seeds_are_understood_and_others_named() {
        let wish = parsed("fault kill --full --seed 7");
        let kill = Some("kill".to_owned());
        assert_eq!(wish, Ok((Kind::Fault, kill, Size::Full, Some(7))));
        let refused = parsed("bench kill --fast").unwrap_err();
        assert!(
            refused.contains("--fast") && refused.contains("bench"),
            "{refused}"
        );
    }
}

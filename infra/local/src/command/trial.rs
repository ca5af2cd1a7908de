//! `cargo local fault NAME` and `cargo local bench NAME`: figures beside their goals; a missed one fails the command.

use super::Outcome;
use local_trials::{Order, Size, Trial};
use stack::report::Reporter;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Which list a name is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Fault,
    Bench,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Bench => "bench",
        }
    }

    fn trials(self) -> Vec<Trial> {
        let lists = match self {
            Self::Fault => vec![
                trial_crashes::FAULTS,
                trial_events::FAULTS,
                trial_providers::FAULTS,
                trial_supabase::FAULTS,
                trial_queue::FAULTS,
                trial_simulation::FAULTS,
            ],
            Self::Bench => vec![trial_benches::BENCHES, trial_queue::BENCHES],
        };
        lists.concat()
    }
}

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
    #[error("`{0}` is not understood: cargo local {1} NAME [--short | --full] [--seed N]")]
    Argument(String, &'static str),
    #[error("there is no {kind} `{name}`; `cargo local {kind}` lists them")]
    Unknown { kind: &'static str, name: String },
    #[error("{} missed a goal; seed {seed}", names.join(", "))]
    Missed { names: Vec<&'static str>, seed: u64 },
}

pub(super) async fn run(kind: Kind, arguments: &[&str]) -> Outcome {
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
async fn carry_out(
    kind: Kind,
    trial: &Trial,
    order: Order,
) -> Result<bool, local_trials::TrialError> {
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

    #[test]
    fn no_two_trials_have_one_name() {
        for kind in [Kind::Fault, Kind::Bench] {
            let mut names: Vec<_> = kind.trials().iter().map(|trial| trial.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }
}

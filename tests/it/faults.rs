//! The fault tests of `cargo local fault`, in their short form.

mod crashes;
mod events;
mod providers;
mod queue;
mod simulation;
mod supabase;

use faults::{Kind, Size, TrialOptions};
use stack::report::Reporter;
use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

/// Trials that take times in milliseconds run alone; those that count, or have seconds to spare, run beside each other.
static QUIET: RwLock<()> = RwLock::new(());

/// Runs the trial of this name, with no other beside it, and shows its figures when one is missed.
fn holds_alone(kind: Kind, name: &str) {
    let _quiet = QUIET.write().unwrap_or_else(PoisonError::into_inner);
    run(kind, name);
}

/// Runs the fault test of this name, and shows its figures when one is missed.
fn holds(name: &str) {
    let _shared = QUIET.read().unwrap_or_else(PoisonError::into_inner);
    run(Kind::Fault, name);
}

fn run(kind: Kind, name: &str) {
    let trial = kind
        .trials()
        .into_iter()
        .find(|trial| trial.name == name)
        .expect("a trial of this name");
    let options = TrialOptions {
        size: Size::Short,
        seed: 1,
        reporter: Reporter::Silent,
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let figures = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(180), trial.run(options))
            .await
            .expect("within three minutes")
            .expect("the trial can be carried out")
    });
    assert!(figures.all_met(), "{}\n{figures}", trial.question);
}

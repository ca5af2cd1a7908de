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
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Trials measure time, so two of them do not run at once.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs the trial of this name and shows its figures when one is missed.
fn holds(kind: Kind, name: &str) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
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

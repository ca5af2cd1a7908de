//! F12: the object store refuses, fails, breaks off and goes silent.

use crate::{prelude::*, providers::SETTLED_WITHIN};
use stack::files::FileFault;

pub(crate) const RUN: Run = on_stack!(measure).audited();

/// In which it fails at once.
pub(crate) const KINDS: [FileFault; 4] = [
    FileFault::SlowDown,
    FileFault::InternalError,
    FileFault::Cut,
    FileFault::ErrorInside,
];
/// The goal: no file is sent more often.
const TRIES_MAX: f64 = 4.0;
/// Everything that is paid for in one story.
const PAID_CALLS: f64 = 19.0;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let count = options.size.pick(3, 10, 100);
    let mut figures = Figures::default();
    for percent in [5, 50] {
        // A silent server costs 10 s a try, which the short form has not.
        let mut kinds = KINDS.to_vec();
        if options.size > Size::Short && percent == 5 {
            kinds.push(FileFault::Hung);
        }
        let (before, struck) = (stack.last_call(), stack.files().struck());
        stack.files().strike(f64::from(percent) / 100.0, &kinds);
        let stories = stack.ask_for(count, "Mosslantern").await?;
        stack.settle(&stories, SETTLED_WITHIN).await?;
        stack.files().strike(0.0, &[]);
        let paid = calls_since(stack, before, |call| call.paid).len() as f64;
        let struck = stack.files().struck() - struck;
        let ready = stack.count_jobs(&stories, "status = 'ready'").await? as f64;
        figures.extend(figures! {
            format!("at {percent} %: calls that went wrong") => struck, "calls", at_least 1;
            format!("at {percent} %: ready without a file") => stack.without_file(&stories).await?, "assets", is 0;
            format!("at {percent} %: assets made all the same") =>
                100.0 * ready / (9 * count) as f64, "%", at_least 99, when percent == 5;
            format!("at {percent} %: paid calls, to those of a good day") => paid / (PAID_CALLS * count as f64), "x",
                beside "a file that could not be stored is bought again";
        });
    }
    Ok(figures.and(figures! {
        "the most often one file was sent" =>
            stack.files().uploads_of_one_key_max("drafts/"), "times", at_most TRIES_MAX;
    }))
}

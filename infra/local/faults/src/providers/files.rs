//! F12: the object store refuses, fails, breaks off and goes silent.

use crate::providers::company::{Company, calls, last_call};
use crate::{Figures, Ground, Order, Running, Size, Trial, TrialError, audit};
use stack::{files::FileFault, stack::Stack};

pub(crate) const FILES: Trial = Trial {
    name: "files",
    settles: &["F12", "row 22"],
    question: "S3 fails 5 and 50 of 100 calls: few tries, every story settles, and nothing is ready without its file",
    run,
};

const KINDS: [FileFault; 4] = [
    FileFault::SlowDown,
    FileFault::InternalError,
    FileFault::Cut,
    FileFault::ErrorInside,
];
/// The goal: no file is sent more often.
const TRIES_MAX: f64 = 4.0;
/// Everything that is paid for in one story.
const PAID_CALLS: f64 = 19.0;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = Ground::new("files", order)?.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let mut company = Company::on(stack).await?;
    let count = order.size.pick(3, 10, 100);
    let mut figures = Figures::default();
    for percent in [5, 50] {
        // A silent server costs 10 s a try, which the short form has not.
        let mut kinds = KINDS.to_vec();
        if order.size > Size::Short && percent == 5 {
            kinds.push(FileFault::Hung);
        }
        let (before, struck) = (last_call(stack), stack.files().struck());
        stack.files().strike(f64::from(percent) / 100.0, &kinds);
        let stories = company.ask(count, "Mosslantern").await?;
        company.settled(&stories).await?;
        stack.files().strike(0.0, &[]);
        let paid = calls(stack, before, |call| call.paid).len() as f64;
        let struck = stack.files().struck() - struck;
        let found = audit(stack, &stories, &[]).await?;
        figures
            .at_least(
                format!("at {percent} %: calls that went wrong"),
                f64::from(struck),
                "calls",
                1.0,
            )
            .exactly(
                format!("at {percent} %: ready without a file"),
                found.without_file as f64,
                "assets",
                0.0,
            );
        let ready = 100.0 * company.jobs(&stories, "ready", None).await? / (9 * count) as f64;
        let what = format!("at {percent} %: assets made all the same");
        if percent == 5 {
            figures.at_least(what, ready, "%", 99.0);
        } else {
            figures.told(what, ready, "%");
        }
        figures
            .told(
                format!("at {percent} %: paid calls, to those of a good day"),
                paid / (PAID_CALLS * count as f64),
                "x",
            )
            .beside("a file that could not be stored is bought again");
    }
    figures.at_most(
        "the most often one file was sent",
        f64::from(stack.files().uploads_of_one_key_max("drafts/")),
        "times",
        TRIES_MAX,
    );
    figures.extend(company.audited().await?);
    Ok(figures)
}

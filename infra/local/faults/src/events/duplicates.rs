//! F3: every event delivered again and again, also at once; the calls that are paid for stay those of one delivery.

use crate::prelude::*;

pub(crate) const RUN: Run = on_stack!(measure).audited();

const CLASS: usize = 20;
/// Text, palette, five scene analyses, five pictures, five checks, four beats read, activities.
const PAID_CALLS_PER_STORY: usize = 1 + 1 + 5 + 5 + 5 + 4 + 1;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    stack.duplicate(1.0, 400);
    let count: usize = options.size.pick(4, 40, 400);
    // A school class at a time, or the queue of events is what is tested.
    for first in (0..count).step_by(CLASS) {
        let class = stack.ask_for(CLASS.min(count - first), "Emberwing").await?;
        // Three times more, at once; with the emulator's own duplicates that is eight.
        for story in class.iter().cycle().take(3 * class.len()) {
            stack.kick(*story)?;
        }
        stack.settle(&class, Duration::from_secs(120)).await?;
    }
    stack.become_idle(Duration::from_secs(60)).await?;

    let functions = stack.emulator().metrics().functions;
    let events: u64 = functions.values().map(|of| of.invocations).sum();
    let calls = stack.stand_ins().calls();
    let paid = calls.iter().filter(|call| call.paid).count();
    let stories = stack.asked().stories.clone();
    let jobs = stack.count_jobs(&stories, "true").await?;
    Ok(figures! {
        "invocations, duplicates included" => events, "events";
        "paid calls, to those of one delivery" => paid as f64 / (PAID_CALLS_PER_STORY * count) as f64, "x", at_most 1.001,
            beside "the documents' design: up to 5.84x";
        "paid calls repeated" => bought_again(stack), "calls", is 0;
        "jobs a story" => jobs as f64 / count as f64, "rows", is 9;
    })
}

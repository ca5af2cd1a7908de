//! F18: one scene of every story is refused by the safety filter, as asked and in all plainer words, or as asked only.

use crate::{prelude::*, providers::SETTLED_WITHIN};
use stand_ins::{CallKind, Outcome, Scripted};

pub(crate) const RUN: Run = on_stack!(measure).audited();

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let count = options.size.pick(3, 20, 100);
    let scene = prompt_of_scene(3);
    stack.script(CallKind::Image, Outcome::Policy, Some(&scene));
    let refused = stack.ask_for(count, "Cinderpaw").await?;
    stack.settle(&refused, SETTLED_WITHIN).await?;
    stack.stand_ins().clear_script();
    let per_story = |calls: usize| calls as f64 / count as f64;
    let pictures = calls_since(stack, 0, |call| call.kind == CallKind::Image);
    let said_no = pictures.iter().filter(|call| call.fault.is_some()).count();
    let placeholders =
        "asset_type = 'scene_3' and status = 'failed' and is_placeholder and url is not null
        and error_code = 'CONTENT_POLICY_VIOLATION'";
    let figures = figures! {
        "calls for a refused scene, a story" => per_story(said_no), "calls", is 4;
        "calls for the other pictures, a story" => per_story(pictures.len() - said_no), "calls", is 4;
        "placeholders in its place" => stack.count_jobs(&refused, placeholders).await?, "pictures", is count;
        "partial stories" => stack.count_overall(&refused, "partial").await?, "stories", is count;
        "other assets ready" => stack.count_jobs(&refused, "status = 'ready'").await?, "assets", is 8 * count;
    };

    // The filter minds the wording only: the plainer one passes.
    let before = stack.last_call();
    stack.stand_ins().script([Scripted {
        contains: Some(scene),
        ..Scripted::next_of(CallKind::Image, Outcome::Policy)
    }]);
    let softened = stack.ask_for(1, "Cinderpaw").await?;
    stack.settle(&softened, SETTLED_WITHIN).await?;
    let pictures = calls_since(stack, before, |call| call.kind == CallKind::Image).len();
    Ok(figures.and(figures! {
        "ready where the plainer words passed" => stack.count_overall(&softened, "ready").await?, "stories", is 1;
        "its picture calls" => pictures, "calls", is 6;
    }))
}

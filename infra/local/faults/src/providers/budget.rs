//! F31: an account runs out of money. One call learns it; the rest of the process is told without asking.

use crate::{prelude::*, providers::SETTLED_WITHIN};
use stand_ins::{CallKind, Outcome};

pub(crate) const RUN: Run = on_stack!(measure);

/// What the status of such an asset says, in the code's table of the runbook.
const CODE: &str = "PROVIDER_OUT_OF_CREDITS";
const FAILED: &str = "status = 'failed' and error_code = 'PROVIDER_OUT_OF_CREDITS'";
/// For this long a refused account is left alone, and no longer by much.
const LEFT_ALONE_MAX: Duration = Duration::from_secs(90);

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let count: usize = options.size.pick(3, 8, 30);
    let before = stack.last_call();
    stack.script(CallKind::Speech, Outcome::Quota, None);
    let mute = one_after_another(stack, count).await?;
    let asked = calls_since(stack, before, |call| call.provider == "elevenlabs").len();
    let mut figures = figures! {
        "ElevenLabs calls without money" => asked, "calls", at_most 3,
            beside format!("{count} stories; 401 quota_exceeded");
        "voices that say why they are missing" =>
            stack.count_jobs(&mute, FAILED).await?, "assets", is count;
        "assets ready without them" => stack.count_jobs(&mute, "status = 'ready'").await?, "assets", is 8 * count;
    };

    let before = stack.last_call();
    stack.stand_ins().clear_script();
    stack.script_after_the_text(Outcome::Quota);
    let plain = one_after_another(stack, 1).await?;
    let broke = one_after_another(stack, count).await?;
    let all = stack.asked().stories.clone();
    let (texts, others): (Vec<_>, Vec<_>) = calls_since(stack, before, |call| {
        call.provider == "openai" && call.kind != CallKind::Moderation
    })
    .into_iter()
    .partition(|call| call.schema.as_deref() == Some("story"));
    figures.extend(figures! {
        "OpenAI calls without money" => others.len(), "calls", at_most 3,
            beside "in the middle of a story; 429 insufficient_quota";
        "texts asked for afterwards" => texts.len() as f64 - 1.0, "calls", is 0;
        "stories that failed and say why" => stack.count_jobs(&broke, FAILED).await?, "stories", is count;
        // Five pictures and the activities; its voice too while that account is left alone.
        "assets of the broken story that say why" =>
            stack.count_jobs(&plain, FAILED).await?, "assets", at_least 6;
        "retries" => stack.count_retries(&all).await?, "retries", is 0;
        "statuses a user cannot act on" => wordless(stack, &all).await?, "assets", is 0;
    });
    figures.extend(stack.audit().await?);

    if options.size > Size::Short {
        let waited = top_up(stack, mute[0]).await?;
        figures.extend(figures! {
            "until a retry works after topping up" => waited, "s", at_most LEFT_ALONE_MAX,
                beside "one call looks after 60 s";
        });
    }
    Ok(figures)
}

/// So that all of them meet the same process.
async fn one_after_another(stack: &TestStack, count: usize) -> Result<Vec<Uuid>> {
    let mut stories = Vec::new();
    for _ in 0..count {
        let asked = stack.ask_for(1, "Thornwick").await?;
        stack.settle(&asked, SETTLED_WITHIN).await?;
        stories.extend(asked);
    }
    Ok(stories)
}

/// Failed assets whose entry in the story's row, which is what a user sees, lacks the code or the words.
async fn wordless(stack: &TestStack, stories: &[Uuid]) -> Result<i64> {
    let wordless = stack.query("failures without words").bind(stories);
    wordless.bind(CODE).value().await
}

/// The accounts are topped up, and the user presses `retry` until the voice is there.
async fn top_up(stack: &TestStack, story: Uuid) -> Result<Duration> {
    stack.stand_ins().clear_script();
    let wish = json!({"assetTypes": ["audio"]});
    let began = Instant::now();
    let worked = poll_every(Duration::from_secs(2), 2 * LEFT_ALONE_MAX, async || {
        stack.user.steer(story, "retry", &wish).await?;
        stack.settle(&[story], SETTLED_WITHIN).await?;
        let is_ready = stack.count_overall(&[story], "ready").await? == 1;
        Ok(is_ready.then(|| began.elapsed()))
    });
    let worked = worked.await?;
    worked.map_or_else(|| stuck("waited in vain until a retry works"), Ok)
}

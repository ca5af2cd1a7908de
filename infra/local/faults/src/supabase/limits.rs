//! F34: many users at their limits, who have assets made again and cancel at random while the providers fail now and then;
//! and then a day of the platform that has no money left.

use crate::prelude::*;
use futures::{StreamExt, TryStreamExt, stream};
use operate::api::ApiError;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::collections::BTreeMap;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| {
    setup
        .setting("PROVIDER_TRY_SECONDS", 5)
        .setting("PROVIDER_PROBE_SECONDS", 2)
        .schedule(Duration::from_secs(2))
        .with(|options| options.faults = Some(FAULTS.to_owned()))
});

/// Answers that arrive, so that what was billed is known.
const FAULTS: &str = "429=0.05,500=0.05,malformed=0.05,policy=0.02";
/// Users at work at one moment: the API takes fifty requests at once, and two processors not many more stories.
const AT_ONCE: usize = 25;
/// Assets of a story that may be made again.
const ALLOWANCE: i32 = 10;
/// USD of a user's day: less than the allowance comes to.
const USER_USD: f64 = 1.7;
/// What the rest of the day may cost for everybody, when the platform is limited: some two stories are set aside for.
const PLATFORM_USD: f64 = 3.0;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let users: usize = options.size.pick(5, 40, 100);
    let wishes: usize = options.size.pick(8, 12, 15);
    let limits = stack.query("limit the plan").bind(ALLOWANCE).bind(USER_USD);
    limits.run().await?;
    let mut random = StdRng::seed_from_u64(options.seed);
    let people = stream::iter(0..users).map(|number| {
        let random = StdRng::seed_from_u64(random.random());
        one_user(stack, number, wishes, random)
    });
    let answers: Vec<_> = people.buffer_unordered(AT_ONCE).try_collect().await?;
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for (code, count) in answers.into_iter().flatten() {
        *codes.entry(code).or_default() += count;
    }
    let stories = stack.asked().stories.clone();
    for story in &stories {
        rest(stack, *story).await?;
    }
    let above_allowance = stack.count(query("above their allowance")).await?;
    let above_day = stack.count(query("above their day")).await?;
    let waited = stack.count_jobs(&stories, "status = 'queued'").await?;
    turn_the_day(stack).await?;
    stack.settle(&stories, stack.patience).await?;
    let of = |code: &str| codes.get(code).copied().unwrap_or_default();
    let known = [
        DONE,
        "REGENERATION_LIMIT",
        "SPEND_LIMIT",
        "MISSING_REQUIRED_ASSETS",
        BUSY,
    ];
    let unknown: Vec<_> = codes
        .keys()
        .filter(|code| !known.contains(&code.as_str()))
        .collect();

    let mut figures = figures! {
        "wishes carried out" => of(DONE), "wishes", at_least users;
        "refused by the allowance of a story" => of("REGENERATION_LIMIT"), "wishes", at_least 1;
        "refused by the money of a day" => of("SPEND_LIMIT"), "wishes";
        "answers that the database was too busy for" => of(BUSY), "wishes", at_most users * wishes / 100;
        "answers that are none of these" => unknown.len(), "codes", is 0, beside format!("{unknown:?}");
        "stories made again beyond their allowance" => above_allowance, "stories", is 0;
        "users above the money of their day" => above_day, "users", is 0;
        "jobs that waited for the next day of their user" => waited, "jobs";
    };
    figures.extend(sums(stack).await?);
    figures.extend(platform(stack, options.size.pick(3, 6, 12)).await?);
    figures.extend(stack.audit().await?);
    Ok(figures)
}

/// The answer of a machine that has more to do than it can, with a Retry-After.
const BUSY: &str = "SERVICE_UNAVAILABLE";

/// Waits until nothing of a story goes on before its user's day turns.
async fn rest(stack: &TestStack, story: Uuid) -> Result<()> {
    until("a story rests", stack.patience, async || {
        stack.query("rests").bind(story).value().await
    })
    .await?;
    Ok(())
}

/// Midnight, as those see it whose user had no money left.
async fn turn_the_day(stack: &TestStack) -> Result<()> {
    let lift = "update public.tiers set daily_cost_limit_usd = null where code = 'free'";
    stack.arrange(lift).await?;
    let wait_no_more = "update public.asset_generation_jobs set available_at = now()
        where status = 'queued' and available_at > now()";
    stack.arrange(wait_no_more).await
}

/// What an answer that is no refusal is called here.
const DONE: &str = "done";

/// A story, and wishes for it at random; how often each answer came.
async fn one_user(
    stack: &TestStack,
    number: usize,
    wishes: usize,
    mut random: StdRng,
) -> Result<BTreeMap<String, usize>> {
    let hero = format!("Emberfall{number}x");
    let user = stack.new_user(Some(2)).await?;
    let character = user.make_character(&hero).await?;
    let story = user.ask_about(&character).await?;
    stack.note(story, &hero);
    stack.settle(&[story], stack.patience).await?;
    let mut answers = BTreeMap::new();
    for _ in 0..wishes {
        let code = wish(&user, story, &mut random).await?;
        *answers.entry(code).or_default() += 1;
        // Half of the wishes meet a story at work.
        if random.random_bool(0.5) {
            rest(stack, story).await?;
        }
    }
    Ok(answers)
}

const PICTURES: [&str; 5] = ["cover", "scene_1", "scene_2", "scene_3", "scene_4"];

async fn wish(user: &TestUser, story: Uuid, random: &mut StdRng) -> Result<String> {
    let mut assets: Vec<&str> = PICTURES.choose_multiple(random, 2).copied().collect();
    if random.random_bool(0.3) {
        assets[0] = "audio";
    }
    let (verb, body) = match random.random_range(0..10) {
        0 => ("regenerate", json!({"assetTypes": ["content"]})),
        1..5 => ("regenerate", json!({"assetTypes": assets})),
        5..7 => ("retry", json!({"assetTypes": assets, "force": true})),
        7..9 => ("cancel", json!({"assetTypes": assets})),
        _ => ("generate", json!({"assetTypes": assets})),
    };
    match user.api.steer(&story.to_string(), verb, &body).await {
        Ok(_) => Ok(DONE.to_owned()),
        Err(ApiError::Refused { code, .. }) => Ok(code),
        Err(error) => Err(error.into()),
    }
}

/// By the calls that the stand-ins billed, the ledger and the sums of the day.
async fn sums(stack: &TestStack) -> Result<Figures> {
    let bills = bills(stack).await?;
    // Whoever loses a lease drops what it is being answered; nobody learns what that was billed.
    let taken = stack
        .count("select count(*) from private.taken_leases")
        .await?;
    Ok(figures! {
        "calls in the ledger that nobody billed" => bills.invented, "calls", is 0;
        "billed calls that the ledger lacks" => bills.missing, "calls", at_most 2 * taken,
            beside format!("{taken} leases were taken away in the middle");
        "USD between the ledger and the day of the platform" =>
            stack.query("difference").value::<f64>().await?, "USD", is 0;
        "calls whose price is not their own" => stack.count(query("mispriced")).await?, "calls", is 0;
        "calls without the version of their price" =>
            stack.count("select count(*) from public.usage_ledger where price_version = 'unknown'").await?, "calls", is 0;
    })
}

/// The platform's day runs out of money in the middle of some stories, and is lifted again.
async fn platform(stack: &TestStack, count: usize) -> Result<Figures> {
    // Everything is at rest: nobody pays for a lease that was lost, and what is set aside for those would come free meanwhile.
    stack
        .arrange("delete from private.taken_leases where holds_until > now()")
        .await?;
    let limit = stack.query("limit the platform").bind(PLATFORM_USD);
    limit.run().await?;
    let mut asked = Vec::new();
    for number in 0..4 * count {
        if !ask(stack, number, &mut asked).await? {
            break;
        }
    }
    stack.query("take what is left").run().await?;
    until("nothing more can be paid", stack.patience, async || {
        stack.query("at rest").value().await
    })
    .await?;
    let waiting = stack.count_jobs(&asked, "status = 'queued'").await?;
    let calls = stack.last_call();
    let claims = claims_so_far(stack);
    // Two ticks of the schedule find nothing to claim, and go home.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let claims = claims_so_far(stack) - claims;
    let paid_late = stack.last_call() - calls;
    let is_refused = !ask(stack, 4 * count, &mut asked).await?;
    let over: f64 = stack.query("above the platform").value().await?;
    stack
        .arrange("update private.platform_limits set daily_cost_usd = null")
        .await?;
    let made = stack.settle(&asked, stack.patience).await?;
    Ok(figures! {
        "stories refused while the platform has no money" => usize::from(is_refused), "of one", is 1;
        "jobs that wait for money" => waiting, "jobs", at_least 1;
        "calls while nothing may be paid" => paid_late, "calls", is 0;
        "USD above the platform's limit" => over.max(0.0), "USD", is 0;
        "claims while nothing may be begun" => claims, "in 5 s", at_most 20,
            beside "a worker that spins: 250";
        "until what waited is made, once the limit is lifted" => made, "s";
    })
}

/// Asks for one more story; false when the platform refuses it for want of money.
async fn ask(stack: &TestStack, number: usize, asked: &mut Vec<Uuid>) -> Result<bool> {
    let hero = format!("Emberdusk{number}x");
    let character = stack.user.make_character(&hero).await?;
    match stack.user.ask_about(&character).await {
        Ok(story) => {
            stack.note(story, &hero);
            asked.push(story);
            Ok(true)
        }
        Err(crate::TrialError::Api(ApiError::Refused { code, .. }))
            if code == "PLATFORM_PAUSED" =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Round trips of all workers that asked for jobs.
fn claims_so_far(stack: &TestStack) -> u64 {
    let calls = stack.gateway().metrics.counts().calls.into_iter();
    let claims = calls.filter(|(call, _)| call.ends_with("/claim_asset_jobs"));
    claims.map(|(_, count)| count).sum()
}

//! Everything at once: processes killed, events doubled, providers, PostgREST and S3 failing, and still every story settles.

use crate::events::persistence::ask_until_accepted;
use crate::{
    Crowd, Figures, Ground, Order, Running, Trial, TrialError, audit,
    audit::{bought_after_checkpoint, bought_again},
    kill,
};
use futures::future::try_join_all;
use rand::{Rng, SeedableRng, rngs::StdRng};
use stack::lambda::Faults;
use stack::stack::Stack;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use supabase::gateway::{FaultPlan, Share};
use uuid::Uuid;

pub(crate) const CHAOS: Trial = Trial {
    name: "chaos",
    settles: &["chaos"],
    question: "stories while processes are killed at random, a fifth of the events comes twice, a tenth of provider calls \
               fails in each known way and PostgREST and S3 answer 503 now and then: all settle, nothing is lost or taken twice",
    run,
};

/// A tenth of the calls for each kind of failure: two of five calls succeed.
const STAND_IN_FAULTS: &str = "429=0.1,500=0.1,502=0.1,timeout=0.1,malformed=0.1,policy=0.1";
/// A call that is not answered is given up after this, where the default is minutes.
const TRY_SECONDS: u64 = 3;
/// A provider that was left alone is asked again after this, a tenth of the default as the calls are quicker too.
const PROBE_SECONDS: u64 = 3;

fn run(order: Order) -> Running {
    Box::pin(async move {
        // Long enough that a busy machine is not taken for a dead one.
        let lease_seconds = order.size.pick(8, 15, 15);
        let ground = Ground::new("chaos", order)?
            .setting("JOB_LEASE_SECONDS", lease_seconds)
            .setting("PROVIDER_TRY_SECONDS", TRY_SECONDS)
            .setting("PROVIDER_PROBE_SECONDS", PROBE_SECONDS)
            .with(|options| {
                options.faults = Some(STAND_IN_FAULTS.to_owned());
                options.schedule = Some(Duration::from_secs(1));
                options.duplicate_rate = 0.2;
            });
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    stack.emulator().set_faults(Faults {
        duplicate_rate: 0.2,
        duplicate_within_ms: 1500,
        ..Faults::default()
    });
    disturb(stack, true);
    let crowd = Crowd(stack);
    let count: usize = order.size.pick(6, 100, 300);
    let kills_max = count;
    let within = Duration::from_secs(order.size.pick(90, 600, 1800));
    let began = Instant::now();

    let readers = [
        crowd.newcomer(None).await?,
        crowd.newcomer(Some(1000)).await?,
    ];
    let heroes: Vec<String> = (0..count).map(|n| format!("Cinderwing{n}x")).collect();
    let asking = heroes.iter().enumerate().map(|(n, hero)| {
        ask_until_accepted(&readers[n % readers.len()], stack.variable("API_URL"), hero)
    });
    let mut killer = Killer::new(order.seed, kills_max);
    let stories: Vec<Uuid> = tokio::select! {
        stories = try_join_all(asking) => stories?,
        never = killer.kill_on(stack) => match never {},
    };
    tokio::select! {
        settled = crowd.settled(&stories, within) => { settled?; }
        never = killer.kill_on(stack) => match never {},
    }
    disturb(stack, false);

    let states = outcomes(stack, &stories).await?;
    let repeated = bought_after_checkpoint(stack).await?;
    let causes = causes(stack, &stories).await?;
    let created: i64 = sqlx::query_scalar("select count(*) from public.stories")
        .fetch_one(stack.pool())
        .await
        .map_err(TrialError::while_trying("count the stories"))?;
    let mut figures = Figures::default();
    figures
        .told("stories", count as f64, "stories")
        .told("processes killed", killer.killed as f64, "kills")
        .told("ready, partial", states.0 as f64, "stories")
        .told(
            "failed, with the credit given back",
            states.1 as f64,
            "stories",
        )
        .told(
            "… each with a code a user can act on",
            causes.0 as f64,
            "stories",
        )
        .beside(causes.1)
        .told(
            "time until the last was settled",
            began.elapsed().as_secs_f64(),
            "s",
        )
        .told(
            "paid calls lost to a kill and made again",
            bought_again(stack) as f64,
            "calls",
        )
        .exactly(
            "stories beyond those asked for",
            (created - count as i64) as f64,
            "stories",
            0.0,
        )
        .exactly(
            "paid calls repeated after their checkpoint",
            repeated.len() as f64,
            "calls",
            0.0,
        )
        .beside(repeated.join(", "))
        .exactly(
            "pictures and recordings bought again though stored",
            stored_twice(stack, &stories)? as f64,
            "files",
            0.0,
        );
    figures.extend(audit(stack, &stories, &heroes).await?.figures());
    Ok(figures)
}

/// PostgREST and S3 fail now and then, or not any more.
fn disturb(stack: &Stack, on: bool) {
    let share = |share: f64| Share::from(if on { share } else { 0.0 });
    stack.gateway().faults.set(FaultPlan {
        unavailable: share(0.03),
        reset: share(0.02),
        answer_lost: share(0.02),
        ..FaultPlan::default()
    });
    stack.files().refuse(if on { 0.05 } else { 0.0 });
}

/// Ends a process of any function at random moments.
struct Killer {
    random: StdRng,
    left: usize,
    killed: usize,
}

/// There is no end to it.
enum Never {}

impl Killer {
    fn new(seed: u64, kills_max: usize) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            left: kills_max,
            killed: 0,
        }
    }

    async fn kill_on(&mut self, stack: &Stack) -> Never {
        loop {
            let pause = Duration::from_millis(self.random.random_range(50..600));
            tokio::time::sleep(pause).await;
            let pids: Vec<u32> = stack
                .emulator()
                .instances()
                .iter()
                .filter_map(|instance| instance.pid)
                .collect();
            if pids.is_empty() || self.left == 0 {
                continue;
            }
            kill(pids[self.random.random_range(0..pids.len())]);
            self.left -= 1;
            self.killed += 1;
        }
    }
}

/// Stories that became a book, whole or with gaps, and stories that failed.
async fn outcomes(stack: &Stack, stories: &[Uuid]) -> Result<(i64, i64), TrialError> {
    sqlx::query_as(
        "select count(*) filter (where asset_generation_status ->> 'overall' in ('ready', 'partial')),
                count(*) filter (where asset_generation_status ->> 'overall' = 'failed')
         from public.stories where id = any ($1)",
    )
    .bind(stories)
    .fetch_one(stack.pool())
    .await
    .map_err(TrialError::while_trying("count the outcomes"))
}

/// Stories whose text failed with a code, and the codes.
async fn causes(stack: &Stack, stories: &[Uuid]) -> Result<(i64, String), TrialError> {
    sqlx::query_as(
        "select coalesce(sum(times), 0)::bigint, coalesce(string_agg(format('%s %s', times, error_code), ', '), '')
         from (select error_code, count(*) as times from public.asset_generation_jobs
           where story_id = any ($1) and asset_type = 'content' and status = 'failed' and error_code is not null
           group by error_code) c",
    )
    .bind(stories)
    .fetch_one(stack.pool())
    .await
    .map_err(TrialError::while_trying("read why stories failed"))
}

/// Attempts that kept a draft of a picture or a recording of their own although an earlier attempt had kept one of the same
/// version for the same wish. A picture that did not pass its check is drawn again within the attempt, and so does not
/// count.
fn stored_twice(stack: &Stack, stories: &[Uuid]) -> Result<u64, TrialError> {
    let bucket = stack.home().join("files").join(stack::environment::BUCKET);
    let mut twice = 0;
    for story in stories {
        let folder = bucket.join("drafts/stories").join(story.to_string());
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        // By version and wish, `scene_1-v1-0123456789abcdef`: the attempts that kept something, `2` of
        // `scene_1-v1-0123456789abcdef-a2-1.png`.
        let mut attempts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in entries {
            let name = entry
                .map_err(TrialError::while_trying("list the drafts of a story"))?
                .file_name();
            let name = name.to_string_lossy();
            let bought = name.ends_with(".png") || name.ends_with(".mp3");
            let parts: Vec<&str> = name.rsplitn(3, '-').collect();
            if let ([_number, attempt, wish], true) = (parts.as_slice(), bought) {
                let attempts = attempts.entry((*wish).to_owned()).or_default();
                attempts.insert((*attempt).to_owned());
            }
        }
        let kept = attempts.values().map(BTreeSet::len).sum::<usize>();
        twice += (kept - attempts.len()) as u64;
    }
    Ok(twice)
}

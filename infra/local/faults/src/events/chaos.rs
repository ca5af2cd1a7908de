//! Everything at once: processes killed, events doubled, providers, PostgREST and S3 failing, and still every story settles.

use crate::{events::persistence::ask_until_accepted, prelude::*};
use futures::future::try_join_all;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
};
use supabase::gateway::{FaultPlan, Share};

pub(crate) const RUN: Run = on_stack!(measure, |setup, options| {
    setup
        // Long enough that a busy machine is not taken for a dead one.
        .setting("JOB_LEASE_SECONDS", options.size.pick(8, 15, 15))
        .setting("PROVIDER_TRY_SECONDS", TRY_SECONDS)
        .setting("PROVIDER_PROBE_SECONDS", PROBE_SECONDS)
        .schedule(Duration::from_secs(1))
        .with(|options| {
            options.faults = Some(STAND_IN_FAULTS.to_owned());
            options.duplicate_rate = 0.2;
        })
})
.audited();

/// A tenth of the calls for each kind of failure: two of five calls succeed.
const STAND_IN_FAULTS: &str = "429=0.1,500=0.1,502=0.1,timeout=0.1,malformed=0.1,policy=0.1";
/// A call that is not answered is given up after this, where the default is minutes.
const TRY_SECONDS: u64 = 3;
/// A provider that was left alone is asked again after this, a tenth of the default as the calls are quicker too.
const PROBE_SECONDS: u64 = 3;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    stack.duplicate(0.2, 1500);
    disturb(stack, true);
    let count: usize = options.size.pick(6, 100, 300);
    let within = Duration::from_secs(options.size.pick(90, 600, 1800));
    let began = Instant::now();

    let users = [stack.user.clone(), stack.new_user(Some(1000)).await?];
    let asking = (0..count).map(|n| {
        let hero = format!("Cinderwing{n}x");
        ask_until_accepted(stack, &users[n % users.len()], hero)
    });
    let mut killer = Killer::new(options.seed, count);
    let stories: Vec<Uuid> = tokio::select! {
        stories = try_join_all(asking) => stories?,
        never = killer.kill_on(stack) => match never {},
    };
    tokio::select! {
        settled = stack.settle(&stories, within) => { settled?; }
        never = killer.kill_on(stack) => match never {},
    }
    disturb(stack, false);

    let book = "asset_generation_status ->> 'overall' in ('ready', 'partial')";
    let (caused, causes): (i64, String) =
        stack.query("why texts failed").bind(&stories).row().await?;
    let repeated = bought_after_checkpoint(stack).await?;
    let created = stack.count("select count(*) from public.stories").await?;
    Ok(figures! {
        "stories" => count, "stories";
        "processes killed" => killer.killed, "kills";
        "ready, partial" => stack.count_stories(&stories, book).await?, "stories";
        "failed, with the credit given back" => stack.count_overall(&stories, "failed").await?, "stories";
        "… each with a code a user can act on" => caused, "stories", beside causes;
        "time until the last was settled" => began.elapsed(), "s";
        "paid calls lost to a kill and made again" => bought_again(stack), "calls";
        "stories beyond those asked for" => created - count as i64, "stories", is 0;
        "paid calls repeated after their checkpoint" => repeated.len(), "calls", is 0, beside repeated.join(", ");
        "pictures and recordings bought again though stored" => stored_twice(stack, &stories), "files", is 0;
    })
}

/// PostgREST and S3 fail now and then, or not any more.
pub(crate) fn disturb(stack: &TestStack, on: bool) {
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
pub(crate) struct Killer {
    random: StdRng,
    left: usize,
    /// How many it has killed.
    pub(crate) killed: usize,
}

impl Killer {
    pub(crate) fn new(seed: u64, kills_max: usize) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            left: kills_max,
            killed: 0,
        }
    }

    /// Kills on for as long as it is polled.
    pub(crate) async fn kill_on(&mut self, stack: &TestStack) -> Infallible {
        loop {
            let pause = Duration::from_millis(self.random.random_range(50..600));
            tokio::time::sleep(pause).await;
            let instances = stack.emulator().instances();
            let pids: Vec<u32> = instances
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

/// Attempts that kept a draft of a picture or a recording of their own although an earlier attempt had kept one of the same
/// version for the same wish. A picture that did not pass its check is drawn again within the attempt, and so does not
/// count.
fn stored_twice(stack: &TestStack, stories: &[Uuid]) -> usize {
    let mut twice = 0;
    for story in stories {
        // By version and wish, `scene_1-v1-0123456789abcdef`: the attempts that kept something, `2` of
        // `scene_1-v1-0123456789abcdef-a2-1.png`.
        let mut attempts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in stack.files_of("drafts/stories", *story) {
            let bought = name.ends_with(".png") || name.ends_with(".mp3");
            let parts: Vec<&str> = name.rsplitn(3, '-').collect();
            if let ([_number, attempt, wish], true) = (parts.as_slice(), bought) {
                let attempts = attempts.entry((*wish).to_owned()).or_default();
                attempts.insert((*attempt).to_owned());
            }
        }
        twice += attempts.values().map(BTreeSet::len).sum::<usize>() - attempts.len();
    }
    twice
}

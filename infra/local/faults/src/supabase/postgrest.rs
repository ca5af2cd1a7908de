//! F9: PostgREST refuses, times out, hangs, resets, reloads, is failed over, or answers into the void; then it is well again.

use crate::supabase::{
    engine::{Engine, until},
    replies,
};
use crate::{
    Crowd, Figures, Ground, Order, Reader, Running, Size, Trial, TrialError, audit,
    audit::{bought_after_checkpoint, bought_again},
};
use futures::future::try_join_all;
use stack::stack::Stack;
use std::time::{Duration, Instant};
use supabase::gateway::{FaultPlan, Share};
use uuid::Uuid;

pub(crate) const POSTGREST: Trial = Trial {
    name: "postgrest",
    settles: &["F9", "row 24"],
    question: "PostgREST fails in every way, a little and altogether, then is well: nothing is lost, work goes on in 5 s",
    run,
};

/// The template's schedule is a minute; here a second, so that what recovers is not the schedule.
const TICK: Duration = Duration::from_secs(1);
const RECOVERY_MAX_S: f64 = 5.0;
/// Longer than a disturbance of the normal size, as the template's minute is longer than most.
pub(crate) const LEASE: Duration = Duration::from_secs(15);
const HANG_MS: u64 = 10_000;
const SETTLE: Duration = Duration::from_secs(120);

/// One way to fail.
type Way = (&'static str, fn(Share) -> FaultPlan);

const WAYS: [Way; 7] = [
    ("503", |unavailable| FaultPlan {
        unavailable,
        ..FaultPlan::default()
    }),
    ("504", |timed_out| FaultPlan {
        timed_out,
        ..FaultPlan::default()
    }),
    ("reset", |reset| FaultPlan {
        reset,
        ..FaultPlan::default()
    }),
    ("hang", |hung| FaultPlan {
        hung,
        hang_ms: HANG_MS,
        ..FaultPlan::default()
    }),
    ("schema reload", |schema_reload| FaultPlan {
        schema_reload,
        ..FaultPlan::default()
    }),
    ("standby", |standby| FaultPlan {
        standby,
        ..FaultPlan::default()
    }),
    ("answer lost", |answer_lost| FaultPlan {
        answer_lost,
        ..FaultPlan::default()
    }),
];

/// All of them now and then.
const MIXED: Way = ("all kinds", |share| {
    let part = Share::from(share.as_f64() / 6.0);
    FaultPlan {
        unavailable: part,
        timed_out: part,
        reset: part,
        schema_reload: part,
        standby: part,
        answer_lost: part,
        ..FaultPlan::default()
    }
});

fn run(order: Order) -> Running {
    Box::pin(async move {
        let ground = Ground::new("postgrest", order)?
            .setting("JOB_LEASE_SECONDS", LEASE.as_secs())
            .with(|options| options.schedule = Some(TICK));
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

fn plan_of(size: Size) -> (Vec<(Way, f64)>, Duration) {
    let lasting = Duration::from_millis(size.pick(1_200, 3_000, 60_000));
    if size == Size::Short {
        return (vec![(MIXED, 0.3), (WAYS[6], 1.0)], lasting);
    }
    let shares = [0.05, 0.3, 1.0];
    let each = WAYS
        .iter()
        .flat_map(|way| shares.map(|share| (*way, share)));
    (each.collect(), lasting)
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let engine = Engine::new(stack)?;
    let crowd = Crowd(stack);
    stack.emulator().pause_schedules(true);
    let mut figures = replies::lost_once(&engine).await?;
    // The stories of that part are left half done on purpose.
    engine.arrange("truncate public.stories cascade").await?;
    stack.emulator().pause_schedules(false);

    let reader = crowd.newcomer(None).await?;
    let (combinations, lasting) = plan_of(order.size);
    let per_combination = order.size.pick(2, 2, 5);
    let (mut slowest, mut slowest_way) = (Duration::ZERO, String::from("-"));
    let mut stories = Vec::new();
    for ((name, plan), share) in combinations {
        let heroes = (0..per_combination).map(|n| format!("Faultwing{}x{n}", stories.len()));
        let heroes: Vec<String> = heroes.collect();
        stories.extend(try_join_all(heroes.iter().map(|hero| reader.ask(hero))).await?);
        stack.gateway().faults.set(plan(Share::from(share)));
        tokio::time::sleep(lasting).await;
        stack.gateway().faults.set(FaultPlan::default());
        let took = recovered(&engine, &stories).await?;
        if took > slowest {
            (slowest, slowest_way) = (took, format!("{name} at {:.0} %", share * 100.0));
        }
    }
    let began = Instant::now();
    crowd.settled(&stories, SETTLE).await?;
    figures
        .told("stories", stories.len() as f64, "stories")
        .at_most(
            "work goes on after a fault has ended, slowest",
            slowest.as_secs_f64(),
            "s",
            RECOVERY_MAX_S,
        )
        .beside(slowest_way)
        .told(
            "until the last story was settled, after the last fault",
            began.elapsed().as_secs_f64(),
            "s",
        );
    figures.extend(outcome(&engine, &reader, &stories, lasting).await?);
    Ok(figures)
}

/// How long until something happens to a story that is not settled; nothing is waited for when all are.
async fn recovered(engine: &Engine<'_>, stories: &[Uuid]) -> Result<Duration, TrialError> {
    let pool = engine.stack.pool();
    let failed = || TrialError::while_trying("see whether work goes on");
    let since: String = sqlx::query_scalar("select clock_timestamp()::text")
        .fetch_one(pool)
        .await
        .map_err(failed())?;
    until("a story moves again", SETTLE, || async {
        let moves: Result<bool, _> = sqlx::query_scalar(
            "select bool_and(asset_generation_status ->> 'overall' <> 'generating')
               or bool_or(updated_at > $2::timestamptz) from public.stories where id = any ($1)",
        )
        .bind(stories)
        .bind(&since)
        .fetch_one(pool)
        .await;
        moves.unwrap_or(false)
    })
    .await
}

/// What became of the stories, and what they cost; shared with the trial of the server itself.
///
/// A lease that a disturbance outlasts is lost, and with it what could not be stored under it, though it was paid for.
pub(crate) async fn outcome(
    engine: &Engine<'_>,
    reader: &Reader,
    stories: &[Uuid],
    lasting: Duration,
) -> Result<Figures, TrialError> {
    let stack = engine.stack;
    let repeated = bought_after_checkpoint(stack).await?;
    let of_reader = format!(
        "from public.stories s where s.creator_user_id = '{}'",
        reader.id
    );
    let made = engine
        .count(&format!("select count(*) {of_reader}"))
        .await?;
    let failed = format!(
        "select count(*) {of_reader} and s.asset_generation_status ->> 'overall' <> 'ready'"
    );
    let causes: Option<String> = sqlx::query_scalar(
        "select string_agg(distinct format('%s: %s', asset_type, error_code), ', ')
         from public.asset_generation_jobs where status = 'failed'",
    )
    .fetch_one(stack.pool())
    .await
    .map_err(TrialError::while_trying("read why jobs failed"))?;
    let mut figures = Figures::default();
    figures
        .exactly(
            "stories that did not become whole",
            engine.count(&failed).await?,
            "stories",
            0.0,
        )
        .beside(causes.unwrap_or_default())
        .exactly(
            "stories beyond those asked for",
            made - stories.len() as f64,
            "stories",
            0.0,
        )
        .told("paid calls made again", bought_again(stack) as f64, "calls");
    if lasting < LEASE {
        figures.exactly(
            "paid calls repeated after their checkpoint",
            repeated.len() as f64,
            "calls",
            0.0,
        );
    } else {
        figures.told(
            "paid calls repeated, for their lease was lost before they could be stored",
            repeated.len() as f64,
            "calls",
        );
    }
    figures.beside(repeated.join(", "));
    figures.extend(
        audit(stack, stories, &["Faultwing".to_owned()])
            .await?
            .figures(),
    );
    Ok(figures)
}

//! F21: the nine assets of a story finish at the same moment; beside it the documents' read, spread and write back.

use crate::supabase::engine::Engine;
use crate::{Crowd, Figures, Ground, Order, Running, Trial, TrialError, audit, percentile};
use futures::future::{join_all, try_join_all};
use serde_json::json;
use stack::stack::Stack;
use std::time::{Duration, Instant};
use store::{Completion, LeasedJob};
use uuid::Uuid;

pub(crate) const STATUS: Trial = Trial {
    name: "status",
    settles: &["F21", "row 22"],
    question: "nine assets of a story finish at once, many stories over: no update is lost, the end is told once",
    run,
};

/// Stories whose assets are on the wire together.
const AT_ONCE: usize = 4;
/// Stories arranged in one statement.
const BATCH: usize = 100;
/// Those of the study's anchor.
const ANCHOR_STORIES: usize = 40;
const ASSETS_PER_STORY: usize = 9;

const HISTORY: &str = "
    create schema if not exists trial;
    drop table if exists trial.history cascade;
    create table trial.history (story uuid, version bigint, overall text);
    create or replace function trial.note() returns trigger language plpgsql security definer as $$
    begin
      insert into trial.history values (new.id, new.version, new.asset_generation_status ->> 'overall');
      return null;
    end $$;
    create or replace trigger trial_notes after update on public.stories for each row execute function trial.note();
    truncate trial.history";

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = Ground::new("status", order)?.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let engine = Engine::new(stack)?;
    let reader = Crowd(stack).newcomer(None).await?;
    let count: usize = order.size.pick(40, 500, 10_000);
    let mut stories = Vec::new();
    let mut spreads = Vec::new();
    let mut refused = 0;
    let mut spent = Duration::ZERO;
    engine
        .arrange("drop trigger if exists trial_notes on public.stories")
        .await?;
    while stories.len() < count {
        let batch = engine
            .stories(reader.id, BATCH.min(count - stories.len()))
            .await?;
        let jobs = engine.lease_all(&batch).await?;
        engine
            .arrange(if stories.is_empty() {
                HISTORY
            } else {
                NOTE_AGAIN
            })
            .await?;
        let began = Instant::now();
        for group in batch.chunks(AT_ONCE) {
            let finishing = group.iter().map(|story| finish(&engine, &jobs, *story));
            for (accepted, spread) in try_join_all(finishing).await? {
                refused += ASSETS_PER_STORY - accepted;
                spreads.push(spread);
            }
        }
        spent += began.elapsed();
        engine
            .arrange("drop trigger trial_notes on public.stories")
            .await?;
        stories.extend(batch);
    }
    let anchor = lost_the_documents_way(&engine).await?;
    let mut figures = Figures::default();
    figures
        .told("updates", (count * ASSETS_PER_STORY) as f64, "updates")
        .told(
            "updates per second",
            (count * ASSETS_PER_STORY) as f64 / spent.as_secs_f64(),
            "/s",
        )
        .told(
            "from the first to the last asset of a story sent, median",
            percentile(&spreads, 0.5),
            "ms",
        )
        .exactly("updates refused", refused as f64, "updates", 0.0)
        .exactly("updates lost", lost(&engine).await?, "updates", 0.0)
        .beside(format!(
            "read, spread, write back, beside: {anchor} of {} lost",
            ANCHOR_STORIES * ASSETS_PER_STORY
        ))
        .exactly(
            "stories whose version did not grow by one each time",
            engine.count(UNEVEN).await?,
            "stories",
            0.0,
        )
        .exactly(
            "stories whose end was not set exactly once",
            engine.count(ENDS).await?,
            "stories",
            0.0,
        )
        .at_least(
            "the anchor loses updates, so the race is real",
            anchor as f64,
            "updates",
            1.0,
        );
    figures.extend(audit(stack, &stories, &[]).await?.figures());
    engine.arrange("drop schema trial cascade").await?;
    Ok(figures)
}

const NOTE_AGAIN: &str = "create or replace trigger trial_notes after update on public.stories for each row execute function trial.note()";
const UNEVEN: &str = "select count(*) from (select story from trial.history group by story
    having count(*) <> 9 or count(distinct version) <> 9 or max(version) - min(version) <> 8) u";
const ENDS: &str = "select count(*) from public.stories s where
    (select count(*) from trial.history h where h.story = s.id and h.overall = 'ready') <> 1";

/// Settles the nine jobs of a story at once: how many were accepted, and within how many milliseconds they were sent.
async fn finish(
    engine: &Engine<'_>,
    jobs: &[LeasedJob],
    story: Uuid,
) -> Result<(usize, f64), TrialError> {
    let ours = jobs
        .iter()
        .filter(|job| job.story_id.to_string() == story.to_string());
    let settling = ours.map(|job| async move {
        let result = Completion {
            data: Some(json!({"asset": job.asset_type})),
            colors: Some(vec!["#101010".to_owned()]),
            ..Completion::default()
        };
        let sent = Instant::now();
        let settled = engine.store.complete_job(job, &result, &[], None).await;
        (sent, settled)
    });
    let mut accepted = 0;
    let mut sent = Vec::new();
    for (at, settled) in join_all(settling).await {
        let settled = settled.map_err(TrialError::while_trying("settle a job"))?;
        accepted += usize::from(settled.accepted);
        sent.push(at);
    }
    let spread = sent.iter().max().zip(sent.iter().min());
    let spread = spread.map_or(Duration::ZERO, |(last, first)| last.duration_since(*first));
    Ok((accepted, spread.as_secs_f64() * 1e3))
}

/// Assets that are not ready in their story's row, and colours that are not there, though every update was accepted.
async fn lost(engine: &Engine<'_>) -> Result<f64, TrialError> {
    engine
        .count(
            "select coalesce(sum(9 - (select count(*) from jsonb_each(s.asset_generation_status -> 'assets') a
                where a.value ->> 'status' = 'ready' and a.value -> 'data' ->> 'asset' = a.key)), 0)::bigint
              + coalesce(sum(9 - (select count(*) from jsonb_each(s.hue_extracted_colors))), 0)::bigint
             from public.stories s",
        )
        .await
}

/// The documents' update of a status, by as many writers: read the JSON, change one entry, write it all back.
async fn lost_the_documents_way(engine: &Engine<'_>) -> Result<usize, TrialError> {
    engine
        .arrange(
            "create table trial.anchor (id int primary key, status jsonb not null default '{}')",
        )
        .await?;
    let mut lost = 0;
    for id in 0..i32::try_from(ANCHOR_STORIES).unwrap_or(i32::MAX) {
        let pool = engine.stack.pool();
        sqlx::query("insert into trial.anchor (id) values ($1)")
            .bind(id)
            .execute(pool)
            .await
            .map_err(TrialError::while_trying("begin a story of the anchor"))?;
        let writing = (0..ASSETS_PER_STORY).map(|asset| async move {
            let mut status: serde_json::Value =
                sqlx::query_scalar("select status from trial.anchor where id = $1")
                    .bind(id)
                    .fetch_one(pool)
                    .await?;
            status[format!("asset_{asset}")] = json!("ready");
            sqlx::query("update trial.anchor set status = $2 where id = $1")
                .bind(id)
                .bind(status)
                .execute(pool)
                .await
                .map(drop)
        });
        try_join_all(writing)
            .await
            .map_err(TrialError::while_trying("write as the documents do"))?;
        let kept: i64 = sqlx::query_scalar(
            "select count(*) from trial.anchor, jsonb_each(status) where id = $1",
        )
        .bind(id)
        .fetch_one(pool)
        .await
        .map_err(TrialError::while_trying("count what the anchor kept"))?;
        lost += ASSETS_PER_STORY - usize::try_from(kept).unwrap_or(0);
    }
    Ok(lost)
}

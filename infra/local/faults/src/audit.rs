//! The invariants I1 to I8, checked against the database, the bucket, the stand-ins' ledger and the logs of one stack.

use crate::{Figures, TrialError};
use serde_json::Value;
use stack::{environment, stack::Stack};
use std::{collections::HashMap, fs};
use uuid::Uuid;

/// What was found wrong, counted; all zero is what is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// I1: stories that are not ready, partial or failed.
    pub unsettled: u64,
    /// I1: jobs still queued or generating.
    pub open_jobs: u64,
    /// Stories whose status differs from what their job rows say.
    pub disagreeing: u64,
    /// I4: finished pictures, recordings and books whose file is missing or of another length than recorded.
    pub without_file: u64,
    /// I5: users whose `stories_used` is not the ledger's sum, or is not stories accepted less refunds.
    pub wrong_credits: u64,
    /// Stories with more than one notice of a kind, or with none.
    pub wrong_notices: u64,
    /// I8: lines of the functions' logs that name a hero.
    pub leaking_lines: u64,
}

impl Audit {
    /// One figure per invariant, each of which must be zero.
    pub fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        for (what, count, unit) in [
            ("stories not settled", self.unsettled, "stories"),
            ("jobs still open", self.open_jobs, "jobs"),
            (
                "stories that disagree with their jobs",
                self.disagreeing,
                "stories",
            ),
            ("ready without its file", self.without_file, "assets"),
            ("credits lost or taken twice", self.wrong_credits, "users"),
            (
                "stories without exactly one notice",
                self.wrong_notices,
                "stories",
            ),
            ("log lines that name a hero", self.leaking_lines, "lines"),
        ] {
            figures.exactly(what, count as f64, unit, 0.0);
        }
        figures
    }
}

const UNSETTLED: &str = "select count(*) from public.stories
    where id = any ($1) and (asset_generation_status ->> 'overall' not in ('ready', 'partial', 'failed')
      or asset_generation_completed_at is null)";
const OPEN_JOBS: &str = "select count(*) from public.asset_generation_jobs
    where story_id = any ($1) and status in ('queued', 'generating')";
// Written anew from the job rows, not with the functions under test.
const DISAGREEING: &str = "select count(*) from public.stories s where s.id = any ($1) and (
    exists (select from public.asset_generation_jobs j where j.story_id = s.id
      and s.asset_generation_status -> 'assets' -> j.asset_type ->> 'status' is distinct from
        case when j.status = 'queued' and j.retry_count > 0 then 'retrying'
          when j.status = 'queued' and j.asset_type = 'content' then 'generating'
          when j.status = 'queued' then 'pending' else j.status end)
    or s.asset_generation_status ->> 'overall' is distinct from (
      select case
        when bool_or(j.asset_type = 'content' and j.status in ('failed', 'cancelled')) then 'failed'
        when bool_or(j.status in ('queued', 'generating')) then 'generating'
        when bool_and(j.status in ('ready', 'skipped')) then 'ready' else 'partial' end
      from public.asset_generation_jobs j where j.story_id = s.id))";
const WRONG_CREDITS: &str = "select count(*) from public.users u
    where exists (select from public.stories s where s.creator_user_id = u.id and s.id = any ($1)) and (
      u.stories_used <> (select -coalesce(sum(l.delta), 0) from public.credit_ledger l where l.user_id = u.id)
      or u.stories_used <> (select count(*) from public.stories s where s.creator_user_id = u.id
        and not exists (select from public.asset_generation_jobs j
          where j.story_id = s.id and j.asset_type = 'content' and j.status = 'failed')))";
const WRONG_NOTICES: &str = "select count(*) from public.stories s where s.id = any ($1) and (
    exists (select from public.notification_outbox o where o.story_id = s.id group by o.kind having count(*) > 1)
    or not exists (select from public.notification_outbox o where o.story_id = s.id))";
const FILES: &str = "select coalesce(jsonb_agg(jsonb_build_object('url', url, 'bytes', result -> 'bytes')), '[]')
    from public.asset_generation_jobs where story_id = any ($1) and status = 'ready' and url is not null";

/// Checks these stories, which must have had time to settle. `heroes` are the names no log line may contain.
pub async fn audit(
    stack: &Stack,
    stories: &[Uuid],
    heroes: &[String],
) -> Result<Audit, TrialError> {
    let count = |query: &'static str| async move {
        sqlx::query_scalar::<_, i64>(query)
            .bind(stories)
            .fetch_one(stack.pool())
            .await
            .map(i64::unsigned_abs)
            .map_err(TrialError::while_trying("check the invariants"))
    };
    Ok(Audit {
        unsettled: count(UNSETTLED).await?,
        open_jobs: count(OPEN_JOBS).await?,
        disagreeing: count(DISAGREEING).await?,
        wrong_credits: count(WRONG_CREDITS).await?,
        wrong_notices: count(WRONG_NOTICES).await?,
        without_file: without_file(stack, stories).await?,
        leaking_lines: leaking_lines(stack, heroes)?,
    })
}

async fn without_file(stack: &Stack, stories: &[Uuid]) -> Result<u64, TrialError> {
    let files: Value = sqlx::query_scalar(FILES)
        .bind(stories)
        .fetch_one(stack.pool())
        .await
        .map_err(TrialError::while_trying("list the finished files"))?;
    let bucket = stack.home().join("files").join(environment::BUCKET);
    let missing = files.as_array().into_iter().flatten().filter(|file| {
        let url = file["url"].as_str().unwrap_or_default();
        let key = url.split_once("/cdn/").map_or("", |(_, key)| key);
        let length = fs::metadata(bucket.join(key))
            .map(|found| found.len())
            .unwrap_or(0);
        let recorded = file["bytes"].as_u64();
        key.is_empty() || length == 0 || recorded.is_some_and(|recorded| recorded != length)
    });
    Ok(missing.count() as u64)
}

fn leaking_lines(stack: &Stack, heroes: &[String]) -> Result<u64, TrialError> {
    let unreadable = || TrialError::while_trying("read the logs of the functions");
    let mut leaking = 0;
    for entry in fs::read_dir(stack.home().join("logs")).map_err(unreadable())? {
        let path = entry.map_err(unreadable())?.path();
        let text = fs::read_to_string(&path).map_err(unreadable())?;
        leaking += text
            .lines()
            .filter(|line| heroes.iter().any(|hero| line.contains(hero.as_str())))
            .count() as u64;
    }
    Ok(leaking)
}

/// Paid calls beyond the first with the same body: what was bought more than once. An answer that was spoilt on purpose
/// was no use, so that buying it again is right.
pub fn bought_again(stack: &Stack) -> u64 {
    let mut times: HashMap<String, u64> = HashMap::new();
    for call in stack
        .stand_ins()
        .calls()
        .into_iter()
        .filter(|call| call.paid && call.fault.is_none())
    {
        *times.entry(call.sha256).or_default() += 1;
    }
    times.values().map(|times| times - 1).sum()
}

/// Answers of text models whose results are kept: asking the same again is a repeated purchase. The check of a picture is
/// not among them: its result is the commit itself.
const KEPT: [&str; 4] = ["story", "palette_journey", "scene_analysis", "activities"];

/// Text calls made although the result of the same call had been recorded in the usage ledger before: bought after a
/// checkpoint. The ledger gets its entry in the transaction that stores the result, or that refuses it.
pub async fn bought_after_checkpoint(stack: &Stack) -> Result<Vec<String>, TrialError> {
    let recorded: Vec<(String, i64)> = sqlx::query_as(
        "select call_key, (extract(epoch from created_at) * 1000)::bigint from public.usage_ledger
         where not result_refused",
    )
    .fetch_all(stack.pool())
    .await
    .map_err(TrialError::while_trying("read the usage ledger"))?;
    let recorded: HashMap<String, i64> = recorded.into_iter().collect();
    let mut first_recorded: HashMap<String, i64> = HashMap::new();
    let mut again = Vec::new();
    for call in stack.stand_ins().calls() {
        let schema = call.schema.as_deref().unwrap_or_default();
        if !call.paid || call.fault.is_some() || !KEPT.contains(&schema) {
            continue;
        }
        let started = i64::try_from(call.started_unix_ms).unwrap_or(i64::MAX);
        if first_recorded
            .get(&call.sha256)
            .is_some_and(|at| *at < started)
        {
            again.push(schema.to_owned());
        }
        // The ids the stand-ins send: their call's number behind a name of theirs.
        let key = match call.provider {
            "openai" => format!("openai:req_{:032x}", call.id),
            _ => format!("elevenlabs:local{:015}", call.id),
        };
        if let Some(at) = recorded.get(&key) {
            let first = first_recorded.entry(call.sha256).or_insert(*at);
            *first = (*first).min(*at);
        }
    }
    Ok(again)
}

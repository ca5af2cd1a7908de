//! F19: a hundred requests at once against a limit of two, and credits taken, given back and taken again in between.

use crate::supabase::engine::{ASSETS, Engine};
use crate::{Crowd, Figures, Ground, Order, Running, Trial, TrialError};
use futures::future::{join_all, try_join_all};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use sqlx::PgPool;
use stack::{api::ApiError, stack::Stack};
use uuid::Uuid;

pub(crate) const QUOTA: Trial = Trial {
    name: "quota",
    settles: &["F19", "row 21"],
    question: "a hundred stories asked for at once with two left: exactly two are made, and no credit is lost or taken twice",
    run,
};

const AT_ONCE: usize = 100;
const LIMIT: i32 = 2;
/// The study's: 90 at once.
const ANCHOR_AT_ONCE: usize = 90;
const ANCHOR_ROUNDS: usize = 5;
/// No more than the pool of the stack holds.
const CONNECTIONS: usize = 12;

/// The most a user ever had used, whatever came after.
const HIGH_WATER: &str = "
    create schema if not exists trial;
    drop table if exists trial.used cascade;
    create table trial.used (user_id uuid, used integer);
    create or replace function trial.note_use() returns trigger language plpgsql security definer as $$
    begin
      insert into trial.used values (new.id, new.stories_used);
      return null;
    end $$;
    create or replace trigger trial_notes_use after update of stories_used on public.users
      for each row execute function trial.note_use()";

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = Ground::new("quota", order)?.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let engine = Engine::new(stack)?;
    engine.arrange(HIGH_WATER).await?;
    let rounds: usize = order.size.pick(4, 100, 1_000);
    let (mut wrong, mut unexpected, mut asked) = (0, 0, 0);
    for _ in 0..rounds {
        let (created, others) = one_round(&engine).await?;
        wrong += usize::from(created != LIMIT as usize);
        unexpected += others;
        asked += AT_ONCE;
    }
    let by_api = through_the_api(stack, order.size.pick(8, 40, 100)).await?;
    let mixed = order.size.pick(4, 60, 600);
    let mut random = StdRng::seed_from_u64(order.seed);
    let mut refunds = 0;
    for _ in 0..mixed {
        refunds += interleaved(&engine, &mut random).await?;
    }
    let anchor = created_the_documents_way(&engine).await?;

    let mut figures = Figures::default();
    figures
        .told("requests", asked as f64, "requests")
        .exactly(
            "rounds in which not exactly two were made",
            wrong as f64,
            "rounds",
            0.0,
        )
        .beside(format!(
            "read, check, insert, beside: {anchor} of {ANCHOR_AT_ONCE} made at a limit of two"
        ))
        .exactly(
            "answers that were neither a story nor QUOTA_EXCEEDED",
            unexpected as f64,
            "answers",
            0.0,
        )
        .exactly(
            "made through the API, asked for at once",
            by_api as f64,
            "stories",
            f64::from(LIMIT),
        )
        .at_least(
            "credits given back while others were taken",
            refunds as f64,
            "credits",
            1.0,
        )
        .exactly(
            "users who ever had used more than they may",
            engine.count(OVER).await?,
            "users",
            0.0,
        )
        .exactly(
            "users whose total is not their ledger's",
            engine.count(LEDGER).await?,
            "users",
            0.0,
        )
        .exactly(
            "users who used other than made less given back",
            engine.count(REFUNDS).await?,
            "users",
            0.0,
        )
        .at_least(
            "the anchor goes over its limit, so the race is real",
            anchor as f64,
            "stories",
            f64::from(LIMIT) + 1.0,
        );
    engine
        .arrange("drop trigger trial_notes_use on public.users; drop schema trial cascade")
        .await?;
    Ok(figures)
}

const OVER: &str =
    "select count(distinct t.user_id) from trial.used t join public.users u on u.id = t.user_id
    where u.tier = 'free' and t.used > 2 + u.extra_stories";
const LEDGER: &str = "select count(*) from public.users u where u.stories_used <>
    (select coalesce(-sum(l.delta), 0) from public.credit_ledger l where l.user_id = u.id)";
// Refunds counted from the jobs, not from the ledger: a story whose text failed costs nothing.
const REFUNDS: &str = "select count(*) from public.users u where u.tier = 'free' and u.stories_used <>
    (select count(*) from public.stories s where s.creator_user_id = u.id and not exists (
      select from public.asset_generation_jobs j where j.story_id = s.id and j.asset_type = 'content' and j.status = 'failed'))";

/// Somebody new asks for a hundred stories at once: how many were made, and how many answers were no known one.
async fn one_round(engine: &Engine<'_>) -> Result<(usize, usize), TrialError> {
    let reader = Crowd(engine.stack).newcomer(Some(LIMIT)).await?;
    let hero = engine.hero(reader.id).await?;
    let answers = join_all((0..AT_ONCE).map(|_| create(engine, reader.id, hero))).await;
    let (mut created, mut others) = (0, 0);
    for answer in answers {
        match answer.map_err(TrialError::while_trying("ask for a story"))? {
            Made::Story(_) => created += 1,
            Made::OverLimit => {}
            Made::Something => others += 1,
        }
    }
    Ok((created, others))
}

enum Made {
    Story(Uuid),
    OverLimit,
    Something,
}

async fn create(engine: &Engine<'_>, user: Uuid, hero: Uuid) -> Result<Made, reqwest::Error> {
    let request = json!({"character_ids": [hero], "story_type": "adventure", "themes": [], "asset_types": ASSETS});
    let arguments = json!({"p_user_id": user, "p_email": null, "p_request": request,
        "p_idempotency_key": Uuid::new_v4(), "p_request_hash": "x"});
    let (status, answer) = engine.once("create_story", &arguments).await?;
    let id = answer["story"]["id"]
        .as_str()
        .and_then(|id| Uuid::parse_str(id).ok());
    Ok(match (status, id, answer["message"].as_str()) {
        (200, Some(id), _) => Made::Story(id),
        (403, None, Some("QUOTA_EXCEEDED")) => Made::OverLimit,
        _ => Made::Something,
    })
}

/// The same through the API and its function.
async fn through_the_api(stack: &Stack, at_once: usize) -> Result<usize, TrialError> {
    let reader = Crowd(stack).newcomer(Some(LIMIT)).await?;
    let hero = json!({"name": "Ember", "species": "dragon"});
    let hero = reader
        .api
        .create_character(&hero)
        .await
        .map_err(TrialError::while_trying("make a character"))?;
    let request = json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": [], "generateAssets": false});
    let answers = join_all((0..at_once).map(|_| reader.api.create_story(&request))).await;
    let mut created = 0;
    for answer in answers {
        match answer {
            Ok(_) => created += 1,
            Err(ApiError::Refused { code, .. }) if code == "QUOTA_EXCEEDED" => {}
            Err(error) => return Err(TrialError::while_trying("ask the API for a story")(error)),
        }
    }
    Ok(created)
}

/// A few people at one account: each asks, then cancels, or lets the text fail and tries again; the credits given back.
async fn interleaved(engine: &Engine<'_>, random: &mut StdRng) -> Result<usize, TrialError> {
    let reader = Crowd(engine.stack).newcomer(Some(LIMIT)).await?;
    let hero = engine.hero(reader.id).await?;
    let people: Vec<Vec<u8>> = (0..12)
        .map(|_| (0..3).map(|_| random.random_range(0..3)).collect())
        .collect();
    let refunds = try_join_all(
        people
            .iter()
            .map(|wishes| one_person(engine, reader.id, hero, wishes)),
    );
    let refunds = refunds
        .await
        .map_err(TrialError::while_trying("ask, cancel and try again"))?;
    Ok(refunds.into_iter().sum())
}

async fn one_person(
    engine: &Engine<'_>,
    user: Uuid,
    hero: Uuid,
    wishes: &[u8],
) -> Result<usize, reqwest::Error> {
    let mut refunds = 0;
    for wish in wishes {
        let Made::Story(story) = create(engine, user, hero).await? else {
            continue;
        };
        match wish {
            0 => drop(engine.once("cancel_assets", &steering(user, story)).await?),
            1 => refunds += usize::from(let_the_text_fail(engine, story).await?),
            _ => {
                refunds += usize::from(let_the_text_fail(engine, story).await?);
                // Takes a credit again, or is refused because somebody else took it meanwhile.
                engine.once("retry_assets", &steering(user, story)).await?;
                refunds += usize::from(let_the_text_fail(engine, story).await?);
            }
        }
    }
    Ok(refunds)
}

fn steering(user: Uuid, story: Uuid) -> Value {
    json!({"p_user_id": user, "p_story_id": story, "p_idempotency_key": Uuid::new_v4(), "p_request_hash": "x"})
}

/// Takes the text up and fails it for good; the same failure is told twice, as after a lost answer.
async fn let_the_text_fail(engine: &Engine<'_>, story: Uuid) -> Result<bool, reqwest::Error> {
    let start = json!({"p_story_id": story, "p_owner": Uuid::new_v4().to_string()});
    let (_, started) = engine.once("start_content", &start).await?;
    let job = &started["job"];
    if job["jobId"].is_null() {
        return Ok(false);
    }
    let failure = json!({"p_job_id": job["jobId"], "p_lease_token": job["leaseToken"], "p_error_code": "UNUSABLE_ANSWER",
        "p_error_message": "The model gave an answer that could not be used", "p_retryable": false});
    let (first, again) = futures::join!(
        engine.once("fail_job", &failure),
        engine.once("fail_job", &failure)
    );
    let accepted = |answer: &(u16, Value)| answer.1["accepted"] == true;
    Ok(accepted(&first?) | accepted(&again?))
}

/// Read how many there are, check, insert: what the documents show; the worst of a few rounds.
async fn created_the_documents_way(engine: &Engine<'_>) -> Result<usize, TrialError> {
    engine
        .arrange("create table trial.anchor (id uuid primary key default gen_random_uuid())")
        .await?;
    let mut most = 0;
    for _ in 0..ANCHOR_ROUNDS {
        engine.arrange("truncate trial.anchor").await?;
        let made = one_anchor_round(engine.stack.pool()).await;
        most = most.max(made.map_err(TrialError::while_trying("ask as the documents do"))?);
    }
    Ok(most)
}

async fn one_anchor_round(pool: &PgPool) -> Result<usize, sqlx::Error> {
    // As many connections as there will be, before the race: opening one takes longer than reading.
    let opening = (0..CONNECTIONS).map(|_| sqlx::query("select pg_sleep(0.1)").execute(pool));
    try_join_all(opening).await?;
    let asking = (0..ANCHOR_AT_ONCE).map(|_| async move {
        let used: i64 = sqlx::query_scalar("select count(*) from trial.anchor")
            .fetch_one(pool)
            .await?;
        if used >= i64::from(LIMIT) {
            return Ok(0);
        }
        sqlx::query("insert into trial.anchor default values")
            .execute(pool)
            .await
            .map(|_| 1)
    });
    let made: Vec<usize> = try_join_all(asking).await?;
    Ok(made.into_iter().sum())
}

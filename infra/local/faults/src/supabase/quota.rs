//! F19: a hundred requests at once against a limit of two, and credits taken, given back and taken again in between.

use crate::prelude::*;
use futures::future::{join_all, try_join_all};
use rand::{Rng, SeedableRng, rngs::StdRng};
use stack::api::ApiError;

pub(crate) const RUN: Run = on_stack!(measure);

const AT_ONCE: usize = 100;
const LIMIT: usize = 2;
/// The study's: 90 at once.
const ANCHOR_AT_ONCE: usize = 90;
const ANCHOR_ROUNDS: usize = 5;
/// No more than the pool of the stack holds.
const CONNECTIONS: usize = 12;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    stack
        .arrange(query("note the most a user ever had used"))
        .await?;
    let rounds: usize = options.size.pick(4, 100, 1_000);
    let (mut wrong, mut unexpected) = (0, 0);
    for _ in 0..rounds {
        let (created, others) = one_round(stack).await?;
        wrong += usize::from(created != LIMIT);
        unexpected += others;
    }
    let by_api = through_the_api(stack, options.size.pick(8, 40, 100)).await?;
    let mixed = options.size.pick(4, 60, 600);
    let mut random = StdRng::seed_from_u64(options.seed);
    let mut refunds = 0;
    for _ in 0..mixed {
        refunds += interleaved(stack, &mut random).await?;
    }
    let anchor = create_the_documents_way(stack).await?;

    let figures = figures! {
        "requests" => rounds * AT_ONCE, "requests";
        "rounds in which not exactly two were made" => wrong, "rounds", is 0,
            beside format!("read, check, insert, beside: {anchor} of {ANCHOR_AT_ONCE} made at a limit of two");
        "answers that were neither a story nor QUOTA_EXCEEDED" => unexpected, "answers", is 0;
        "made through the API, asked for at once" => by_api, "stories", is LIMIT;
        "credits given back while others were taken" => refunds, "credits", at_least 1;
        "users who ever had used more than they may" => stack.count(query("users above their limit")).await?, "users", is 0;
        "users whose total is not their ledger's" => stack.count(query("users without their ledger")).await?, "users", is 0;
        "users who used other than made less given back" => stack.count(query("users without their refunds")).await?, "users", is 0;
        "the anchor goes over its limit, so the race is real" => anchor, "stories", at_least LIMIT + 1;
    };
    stack
        .arrange("drop trigger trial_notes_use on public.users; drop schema trial cascade")
        .await?;
    Ok(figures)
}

/// Somebody new asks for a hundred stories at once: how many were made, and how many answers were no known one.
async fn one_round(stack: &TestStack) -> Result<(usize, usize)> {
    let user = stack.new_user(Some(2)).await?.id;
    let hero = stack.hero_of(user).await?;
    let answers = join_all((0..AT_ONCE).map(|_| create(stack, user, hero))).await;
    let (mut created, mut others) = (0, 0);
    for answer in answers {
        match answer.context("ask for a story")? {
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

async fn create(stack: &TestStack, user: Uuid, hero: Uuid) -> Result<Made, reqwest::Error> {
    let request = json!({"character_ids": [hero], "story_type": "adventure", "themes": [], "asset_types": EVERYTHING});
    let arguments = json!({"p_user_id": user, "p_email": null, "p_request": request,
        "p_idempotency_key": Uuid::new_v4(), "p_request_hash": "x"});
    let (status, answer) = stack.call_once("create_story", &arguments).await?;
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
async fn through_the_api(stack: &TestStack, at_once: usize) -> Result<usize> {
    let reader = stack.new_user(Some(2)).await?;
    let hero = reader.make_character("Ember").await?;
    let request = json!({"character_ids": [hero], "story_type": "adventure", "themes": [], "generateAssets": false});
    let answers = join_all((0..at_once).map(|_| reader.api.create_story(&request))).await;
    let mut created = 0;
    for answer in answers {
        match answer {
            Ok(_) => created += 1,
            Err(ApiError::Refused { code, .. }) if code == "QUOTA_EXCEEDED" => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(created)
}

/// A few people at one account: each asks, then cancels, or lets the text fail and tries again; the credits given back.
async fn interleaved(stack: &TestStack, random: &mut StdRng) -> Result<usize> {
    let user = stack.new_user(Some(2)).await?.id;
    let hero = stack.hero_of(user).await?;
    let people: Vec<Vec<u8>> = (0..12)
        .map(|_| (0..3).map(|_| random.random_range(0..3)).collect())
        .collect();
    let asking = people
        .iter()
        .map(|wishes| one_person(stack, user, hero, wishes));
    let refunds = try_join_all(asking)
        .await
        .context("ask, cancel and try again")?;
    Ok(refunds.into_iter().sum())
}

async fn one_person(
    stack: &TestStack,
    user: Uuid,
    hero: Uuid,
    wishes: &[u8],
) -> Result<usize, reqwest::Error> {
    let mut refunds = 0;
    for wish in wishes {
        let Made::Story(story) = create(stack, user, hero).await? else {
            continue;
        };
        match wish {
            0 => steer(stack, "cancel_assets", user, story).await?,
            1 => refunds += usize::from(let_the_text_fail(stack, story).await?),
            _ => {
                refunds += usize::from(let_the_text_fail(stack, story).await?);
                // Takes a credit again, or is refused because somebody else took it meanwhile.
                steer(stack, "retry_assets", user, story).await?;
                refunds += usize::from(let_the_text_fail(stack, story).await?);
            }
        }
    }
    Ok(refunds)
}

async fn steer(
    stack: &TestStack,
    verb: &str,
    user: Uuid,
    story: Uuid,
) -> Result<(), reqwest::Error> {
    let wish = json!({"p_user_id": user, "p_story_id": story, "p_idempotency_key": Uuid::new_v4(), "p_request_hash": "x"});
    stack.call_once(verb, &wish).await.map(drop)
}

/// Takes the text up and fails it for good; the same failure is told twice, as after a lost answer.
async fn let_the_text_fail(stack: &TestStack, story: Uuid) -> Result<bool, reqwest::Error> {
    let start = json!({"p_story_id": story, "p_owner": Uuid::new_v4().to_string()});
    let (_, started) = stack.call_once("start_content", &start).await?;
    let job = &started["job"];
    if job["jobId"].is_null() {
        return Ok(false);
    }
    let failure = json!({"p_job_id": job["jobId"], "p_lease_token": job["leaseToken"], "p_error_code": "UNUSABLE_ANSWER",
        "p_error_message": "The model gave an answer that could not be used", "p_retryable": false});
    let (first, again) = futures::join!(
        stack.call_once("fail_job", &failure),
        stack.call_once("fail_job", &failure)
    );
    let accepted = |answer: &(u16, Value)| answer.1["accepted"] == true;
    Ok(accepted(&first?) | accepted(&again?))
}

/// Read how many there are, check, insert: what the documents show; the worst of a few rounds.
async fn create_the_documents_way(stack: &TestStack) -> Result<i64> {
    stack.arrange(query("anchor of the quota")).await?;
    let mut most = 0;
    for _ in 0..ANCHOR_ROUNDS {
        stack.arrange("truncate trial.anchor").await?;
        // As many connections as there will be, before the race: opening one takes longer than reading.
        let opening = (0..CONNECTIONS).map(|_| stack.arrange("select pg_sleep(0.1)"));
        try_join_all(opening).await?;
        let asking = (0..ANCHOR_AT_ONCE).map(|_| async {
            if stack.count(ANCHOR_COUNT).await? < LIMIT as i64 {
                stack
                    .arrange("insert into trial.anchor default values")
                    .await?;
            }
            Ok::<_, TrialError>(())
        });
        try_join_all(asking).await?;
        most = most.max(stack.count(ANCHOR_COUNT).await?);
    }
    Ok(most)
}

const ANCHOR_COUNT: &str = "select count(*) from trial.anchor";

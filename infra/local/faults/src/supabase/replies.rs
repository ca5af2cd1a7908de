//! Lost answers: a verb takes effect and nobody hears of it, so it is said again; same result, one effect.

use crate::prelude::*;
use domain::{AssetType, StoryId};
use serde::Serialize;
use store::{
    AssetCommand, AssetOptions, Caller, Completion, Created, Failure, Idempotency, LeasedJob,
    StartedContent, StoreError, UsageEntry,
};
use supabase::gateway::FaultPlan;

/// Each verb once with the first answer lost, on a story of its own.
pub(crate) async fn lost_once(stack: &TestStack) -> Result<Figures> {
    let mut checked = Checked::default();
    let caller = accept_and_start(stack, &mut checked).await?;
    settle_and_steer(stack, caller, &mut checked).await?;
    Ok(figures! {
        "verbs said again because their answer was lost" => checked.verbs, "verbs", is 8;
        "of them with another result or a second effect" => checked.wrong.len(), "verbs", is 0,
            beside checked.wrong.join(", ");
    })
}

/// Verbs tried so far, and those that did not hold.
#[derive(Default)]
struct Checked {
    verbs: u8,
    wrong: Vec<&'static str>,
}

impl Checked {
    fn that(&mut self, verb: &'static str, holds: bool) {
        self.verbs += 1;
        self.wrong.extend((!holds).then_some(verb));
    }
}

/// A story, and whose it is.
struct Accepted {
    caller: Caller,
    story: StoryId,
}

/// `create_story`, `start_content`, `save_story_content`.
async fn accept_and_start(stack: &TestStack, checked: &mut Checked) -> Result<Accepted> {
    let store = &stack.store;
    let reader = stack.new_user(Some(2)).await?;
    let hero = stack.hero_of(reader.id).await?;
    let caller = Caller {
        user_id: parsed(&json!(reader.id))?,
        email: None,
    };
    let request = parsed(
        &json!({"character_ids": [hero], "story_type": "adventure", "themes": [], "asset_types": EVERYTHING}),
    )?;
    let key = fresh_key();
    let call = store.create_story(&caller, &request, &key);
    let created = unheard(stack, "create_story", call).await?;
    let replayed = matches!(created, Created::Replayed(_));
    let story = created.into_inner().id;
    let made = stack.query("stories of a user with one used");
    let made: i64 = made.bind(reader.id).value().await?;
    checked.that("create_story", replayed && made == 1);

    let owner = Uuid::new_v4().to_string();
    let call = store.start_content(story, &owner, None, Duration::from_secs(60), 1000);
    let StartedContent::Granted { job, .. } = unheard(stack, "start_content", call).await? else {
        return stuck("the repeated start was refused");
    };
    checked.that("start_content", job.attempt == 1);

    let text = parsed(&text())?;
    let bill = [paid()];
    let call = store.save_story_content(&job, &text, &bill, None);
    let saved = unheard(stack, "save_story_content", call).await?;
    let bills = stack.query("bills of a job").bind(job.job_id.to_string());
    let is_billed_once = bills.value::<i64>().await? == 1;
    let holds = saved.accepted && is_billed_once && once(stack, &job, "ready", 0).await?;
    checked.that("save_story_content", holds);
    Ok(Accepted { caller, story })
}

/// `complete_job`, `fail_job`, `cancel_assets`, `generate_assets`, `claim_asset_jobs`.
async fn settle_and_steer(
    stack: &TestStack,
    accepted: Accepted,
    checked: &mut Checked,
) -> Result<()> {
    let store = &stack.store;
    let (user, story) = (accepted.caller.user_id, accepted.story);
    let jobs = stack.lease_all(&[parsed(&json!(story))?]).await?;
    let of = |asset: AssetType| {
        let job = jobs.iter().find(|job| job.asset_type == asset);
        job.ok_or_else(|| TrialError::Stuck(format!("the story has no {asset}")))
    };
    let cover = of(AssetType::Cover)?;
    let made = Completion {
        data: Some(json!({})),
        ..Completion::default()
    };
    let call = store.complete_job(cover, &made, &[], None);
    let done = unheard(stack, "complete_job", call).await?;
    let holds = done.accepted && once(stack, cover, "ready", 0).await?;
    checked.that("complete_job", holds);

    let activities = of(AssetType::Activities)?;
    let failure = failure();
    let call = store.fail_job(activities, &failure, &[], None);
    let failed = unheard(stack, "fail_job", call).await?;
    let holds = failed.accepted && once(stack, activities, "queued", 1).await?;
    checked.that("fail_job", holds);

    let audio = vec![AssetType::Audio];
    let cancel = AssetCommand::Cancel {
        assets: Some(audio.clone()),
    };
    let key = fresh_key();
    let call = store.command_assets(user, story, &cancel, &key);
    let cancelled = unheard(stack, "cancel_assets", call).await?;
    let holds = cancelled.replayed && cancelled.asset_types == audio;
    checked.that("cancel_assets", holds);
    let generate = AssetCommand::Generate {
        assets: audio.clone(),
        options: AssetOptions::default(),
    };
    let key = fresh_key();
    let call = store.command_assets(user, story, &generate, &key);
    let generated = unheard(stack, "generate_assets", call).await?;
    let holds = generated.replayed && generated.asset_types == audio;
    checked.that("generate_assets", holds);

    // The voice is all that can be claimed now; claimed twice, the second answer would hold nothing.
    let call = store.claim_asset_jobs(10, Duration::from_secs(60), 1000, "trial", Duration::ZERO);
    let claimed = unheard(stack, "claim_asset_jobs", call).await?;
    let held = "select count(*) from public.asset_generation_jobs where lease_owner like 'claim:%'";
    let holds = claimed.jobs.len() == 1 && stack.count(held).await? == 1;
    checked.that("claim_asset_jobs", holds);
    Ok(())
}

/// Carries a call out whose first answer is lost on its way back.
async fn unheard<T>(
    stack: &TestStack,
    verb: &str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T> {
    let gateway = stack.gateway();
    let target = format!("POST rpc/{verb}");
    let counts = || gateway.metrics.counts().calls;
    let calls = || counts().get(&target).copied().unwrap_or(0);
    let before = calls();
    gateway.faults.set(FaultPlan {
        answer_lost: 1.0.into(),
        ..FaultPlan::default()
    });
    let heal = async {
        // The first call has drawn its fate soon after it was counted; the second one comes after a pause of 25 ms or more.
        while calls() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        gateway.faults.set(FaultPlan::default());
    };
    let (answer, ()) = futures::join!(call, heal);
    if calls() == before + 1 {
        return stuck(format!("the answer to {verb} was not lost"));
    }
    answer.context("say a verb again whose answer was lost")
}

/// Whether the job stands as after one call.
async fn once(stack: &TestStack, job: &LeasedJob, status: &str, retries: i32) -> Result<bool> {
    let query = stack.query("a job as after one call");
    let query = query.bind(job.job_id.to_string()).bind(status);
    let versions = i32::from(status == "ready");
    let jobs: i64 = query.bind(retries).bind(versions).value().await?;
    Ok(jobs == 1)
}

fn fresh_key() -> Idempotency {
    Idempotency {
        key: Uuid::new_v4().to_string(),
        request_hash: "x".to_owned(),
    }
}

fn paid() -> UsageEntry {
    UsageEntry {
        call_key: format!("trial:{}", Uuid::new_v4()),
        provider: "openai",
        model: "trial".to_owned(),
        kind: "text",
        input_units: 1,
        output_units: 1,
        cost_usd: 0.01,
        price_version: "trial",
    }
}

fn failure() -> Failure {
    Failure {
        code: domain::FailureCode::ProviderTimeout,
        message: "The provider did not answer in time".to_owned(),
        retryable: true,
        retry_after: None,
        placeholder: None,
    }
}

fn text() -> Value {
    let beat =
        json!({"heading": "Home", "text": "The dragon came home.", "sceneDescription": "A dragon"});
    json!({"title": "The Shy Dragon", "beats": [beat, beat, beat, beat], "moral": "Courage."})
}

fn parsed<T: serde::de::DeserializeOwned>(value: &(impl Serialize + ?Sized)) -> Result<T> {
    serde_json::to_value(value)
        .and_then(serde_json::from_value)
        .context("read an argument of the trial")
}

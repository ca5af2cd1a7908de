//! What the API itself adds to the database's answer: processor time, round trips, and its rate beside the bare parts.

use crate::{benches::processor::Spent, prelude::*};
use reqwest::StatusCode;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup.deployed());

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let rounds = options.size.pick(100, 300, 600);
    // What is asked for stays in the queue: the processor is the API's.
    stack.lose(1.0, 1.0);
    let hero = stack.user.make_character("Ember").await?;
    let story = stack.user.ask_about(&hero).await?;
    let posts = Counted::of(stack, rounds, async || {
        stack.user.ask_about(&hero).await.map(drop)
    })
    .await?;

    let status = format!("/stories/{story}/assets/status");
    let first = stack.user.request(stack, "GET", &status).send().await;
    let first = first.context("ask for the status")?;
    let etag = first.headers().get("etag").cloned();
    let etag = etag.ok_or_else(|| TrialError::Stuck("a status has no ETag".to_owned()))?;
    let unchanged = Counted::of(stack, rounds, async || {
        let request = stack.user.request(stack, "GET", &status);
        let request = request.header("if-none-match", &etag);
        expect(request, StatusCode::NOT_MODIFIED).await
    })
    .await?;
    let whole = Counted::of(stack, rounds, async || {
        expect(stack.user.request(stack, "GET", &status), StatusCode::OK).await
    })
    .await?;
    let nothing = Counted::of(stack, rounds, async || {
        expect(stack.user.request(stack, "GET", "/health"), StatusCode::OK).await
    })
    .await?;
    let url = stack.variable("SUPABASE_URL");
    let key = stack.variable("SUPABASE_SERVICE_ROLE_KEY");
    let row = format!(
        "{url}/rest/v1/stories?id=eq.{story}&select=id,version,status,asset_generation_status"
    );
    let bare = Counted::of(stack, rounds, async || {
        let request = stack.http.get(&row).bearer_auth(key);
        expect(request.header("apikey", key), StatusCode::OK).await
    })
    .await?;

    Ok(figures! {
        "POST /stories: processor time beyond an empty request" => posts.processor_ms - nothing.processor_ms, "ms", at_most 1;
        "POST /stories: round trips to PostgREST" => posts.round_trips, "calls", at_most 2;
        "POST /stories: until the answer, p50" => posts.p50_ms, "ms";
        "status that did not change (304): round trips" => unchanged.round_trips, "calls", at_most 1;
        "status: processor time beyond an empty request" => whole.processor_ms - nothing.processor_ms, "ms";
        "an empty request of the API, p50" => nothing.p50_ms, "ms", beside "function URL, runtime, router";
        "a story's row of bare PostgREST, p50" => bare.p50_ms, "ms";
        "status: rate against both of them together" => (bare.p50_ms + nothing.p50_ms) / whole.p50_ms, "x",
            at_least 0.9;
    })
}

async fn expect(request: reqwest::RequestBuilder, status: StatusCode) -> Result<()> {
    let answer = request.send().await.context("ask the API")?;
    if answer.status() != status {
        return stuck(format!("{} instead of {status}", answer.status()));
    }
    answer.bytes().await.context("read an answer")?;
    Ok(())
}

/// Requests one after the other, and what one of them took.
struct Counted {
    p50_ms: f64,
    /// Of the API's processes.
    processor_ms: f64,
    round_trips: f64,
}

impl Counted {
    async fn of(
        stack: &TestStack,
        rounds: usize,
        ask: impl AsyncFn() -> Result<()>,
    ) -> Result<Self> {
        // The first ones make connections and read keys and plans.
        for _ in 0..5 {
            ask().await?;
        }
        stack.gateway().metrics.clear();
        let before = Spent::so_far();
        let mut took = Vec::new();
        for _ in 0..rounds {
            let began = Instant::now();
            ask().await?;
            took.push(milliseconds(began.elapsed()));
        }
        let spent = Spent::so_far().since(&before);
        let of_api = spent.parts().find(|(part, _)| *part == "universal-agent");
        let calls: u64 = stack.gateway().metrics.counts().calls.values().sum();
        Ok(Self {
            p50_ms: percentile(&took, 0.5),
            processor_ms: of_api.map_or(0.0, |(_, seconds)| seconds * 1000.0 / rounds as f64),
            round_trips: calls as f64 / rounds as f64,
        })
    }
}

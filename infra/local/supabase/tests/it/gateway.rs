//! `/rest/v1` through the gateway: keys, CORS, counts and faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request, State};
use axum::{Json, Router};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use supabase::gateway::{FaultPlan, Share};

use crate::stack::Stack;

type Effects = Arc<AtomicUsize>;

/// In place of a PostgREST: says what reached it, and counts as its effect.
async fn echo(State(effects): State<Effects>, request: Request) -> Json<Value> {
    effects.fetch_add(1, Ordering::SeqCst);
    let authorization = request.headers()["authorization"]
        .to_str()
        .unwrap()
        .to_owned();
    Json(
        json!({"uri": request.uri().to_string(), "method": request.method().as_str(), "authorization": authorization}),
    )
}

async fn stack() -> (Stack, Effects) {
    let effects = Effects::default();
    (
        Stack::start_before(Router::new().fallback(echo).with_state(effects.clone())).await,
        effects,
    )
}

#[tokio::test]
async fn the_path_arrives_without_its_prefix_and_the_key_as_a_token() {
    let (stack, _) = stack().await;
    let keys = &stack.api_keys;
    let user = stack.token_of(uuid::Uuid::new_v4());
    let url = stack.url("/rest/v1/stories?select=id%2Ctitle&id=eq.5");
    for (api_key, bearer, expected) in [
        (&keys.publishable, &keys.publishable, &keys.anon_token),
        (&keys.secret, &keys.secret, &keys.service_role_token),
        (&keys.publishable, &user, &user),
        (&keys.secret, &user, &user),
    ] {
        let answer = Client::new()
            .get(&url)
            .header("apikey", api_key)
            .bearer_auth(bearer)
            .send()
            .await
            .unwrap();
        let echoed: Value = answer.json().await.unwrap();
        assert_eq!(echoed["uri"], "/stories?select=id%2Ctitle&id=eq.5");
        assert_eq!(echoed["authorization"], format!("Bearer {expected}"));
    }
    assert_eq!(Client::new().get(&url).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_browser_is_allowed_what_supabase_js_sends() {
    let (stack, effects) = stack().await;
    let preflight = Client::new()
        .request(Method::OPTIONS, stack.url("/rest/v1/rpc/do_it"))
        .header("origin", "http://localhost:3000")
        .header("access-control-request-method", "POST")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    let allowed = preflight.headers()["access-control-allow-headers"]
        .to_str()
        .unwrap();
    for header in [
        "authorization",
        "apikey",
        "x-client-info",
        "content-type",
        "accept-profile",
        "content-profile",
        "prefer",
        "range",
        "x-supabase-api-version",
        "x-retry-count",
    ] {
        assert!(allowed.split(", ").any(|name| name == header), "{header}");
    }
    assert_eq!(
        effects.load(Ordering::SeqCst),
        0,
        "a preflight goes no further"
    );

    let get = Client::new()
        .get(stack.url("/rest/v1/stories"))
        .header("apikey", &stack.api_keys.publishable);
    let answer = get.send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert!(
        answer.headers()["access-control-expose-headers"]
            .to_str()
            .unwrap()
            .contains("content-range")
    );
}

#[tokio::test]
async fn calls_are_counted_and_the_counts_reset() {
    let (stack, _) = stack().await;
    let client = Client::new();
    for _ in 0..3 {
        let call = client
            .post(stack.url("/rest/v1/rpc/claim_asset_jobs"))
            .header("apikey", &stack.api_keys.secret);
        call.send().await.unwrap();
    }
    let metrics = stack.url("/_local/rest-metrics");
    let counts: Value = client
        .get(&metrics)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        counts,
        json!({"total": 3, "calls": {"POST rpc/claim_asset_jobs": 3}})
    );
    stack.config.metrics.clear();
    let counts: Value = client
        .get(&metrics)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(counts, json!({"total": 0, "calls": {}}));
}

#[tokio::test]
async fn each_fault_does_what_it_says_and_no_more() {
    let (stack, effects) = stack().await;
    let always = Share::from(1.0);
    // A client of its own per call: a cut connection must not be retried on a pooled one.
    let call = || {
        Client::new()
            .get(stack.url("/rest/v1/stories"))
            .header("apikey", &stack.api_keys.secret)
            .send()
    };

    stack.config.faults.set(FaultPlan {
        unavailable: always,
        ..FaultPlan::default()
    });
    let refused = call().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "PGRST001");
    stack.config.faults.set(FaultPlan {
        reset: always,
        ..FaultPlan::default()
    });
    assert!(call().await.is_err());
    assert_eq!(effects.load(Ordering::SeqCst), 0);

    stack.config.faults.set(FaultPlan {
        answer_lost: always,
        ..FaultPlan::default()
    });
    assert!(call().await.is_err());
    assert_eq!(
        effects.load(Ordering::SeqCst),
        1,
        "the effect is there although the answer is not"
    );

    stack.config.faults.set(FaultPlan::default());
    assert_eq!(call().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_front_page_says_what_is_where() {
    let (stack, _) = stack().await;
    let page: Value = Client::new()
        .get(stack.url("/"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(page["rest"], "/rest/v1/");
}

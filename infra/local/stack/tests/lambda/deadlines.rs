//! Functions that take too long, die, or want too much.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stack::lambda::InstanceActivity;

use crate::bench::{Bench, is_running, kill_9};

#[tokio::test]
async fn a_function_over_its_time_is_killed_and_the_next_call_works() {
    let bench =
        Bench::start(|config| config.functions[0].timeout = Duration::from_millis(250)).await;
    let since = Instant::now();
    let response = bench.invoke(json!({ "do": "sleep", "ms": 60_000 })).await;
    assert!(since.elapsed() < Duration::from_secs(10));
    assert_eq!(response.headers()["x-amz-function-error"], "Unhandled");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["errorType"], "Sandbox.Timedout");
    assert!(
        body["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("Task timed out after 0.25 seconds")
    );

    assert_eq!(
        bench
            .invoke(json!({ "again": 1 }))
            .await
            .json::<Value>()
            .await
            .unwrap(),
        json!({ "again": 1 })
    );
    let metrics = bench.emulator.metrics().functions["probe"].clone();
    assert_eq!(
        (
            metrics.timeouts,
            metrics.errors,
            metrics.cold_starts,
            metrics.instances
        ),
        (1, 1, 2, 1)
    );
}

#[tokio::test]
async fn a_function_killed_at_work_is_an_error_and_the_next_call_works() {
    let bench = Bench::start(|_| ()).await;
    let killer = async {
        let pid = bench
            .eventually("a busy instance", |emulator| {
                emulator
                    .instances()
                    .iter()
                    .find_map(|view| match view.activity {
                        InstanceActivity::Busy { .. } => view.pid,
                        _ => None,
                    })
            })
            .await;
        kill_9(pid.into());
    };
    let (response, ()) = tokio::join!(bench.invoke(json!({ "do": "sleep", "ms": 60_000 })), killer);
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["errorType"], "Runtime.ExitError");
    assert!(
        body["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("Runtime exited with error: signal: killed")
    );
    assert_eq!(bench.invoke(json!({})).await.status(), 200);
}

#[tokio::test]
async fn a_function_killed_while_idle_costs_the_next_call_nothing() {
    let bench = Bench::start(|_| ()).await;
    let first: Value = bench
        .invoke(json!({ "do": "sleep" }))
        .await
        .json()
        .await
        .unwrap();
    kill_9(first["pid"].as_u64().unwrap());
    bench
        .eventually("the death to be noticed", |emulator| {
            emulator.instances().is_empty().then_some(())
        })
        .await;
    let second = bench.invoke(json!({ "do": "sleep" })).await;
    assert!(second.headers().get("x-amz-function-error").is_none());
    assert_ne!(second.json::<Value>().await.unwrap()["pid"], first["pid"]);
}

#[tokio::test]
async fn a_function_that_exits_by_itself_is_an_error() {
    let bench = Bench::start(|_| ()).await;
    let body: Value = bench
        .invoke(json!({ "do": "exit" }))
        .await
        .json()
        .await
        .unwrap();
    assert!(
        body["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("Runtime exited with error: exit status 7")
    );
    assert_eq!(bench.emulator.metrics().functions["probe"].crashes, 1);
}

#[tokio::test]
async fn a_function_that_never_asks_for_work_does_not_hang_its_caller() {
    let bench = Bench::start(|config| {
        config.init_timeout = Duration::from_millis(200);
        config.functions[0].env = [("PROBE_NEVER_ASKS_FOR_WORK".to_owned(), "1".to_owned())].into();
    })
    .await;
    let body: Value = bench.invoke(json!({})).await.json().await.unwrap();
    assert!(
        body["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("it did not ask for work within 0.2 s"),
        "{body}"
    );
}

#[tokio::test]
async fn stopping_ends_every_process_even_one_at_work() {
    let bench = Bench::start(|_| ()).await;
    bench.invoke(json!({})).await;
    let (one, other) = (
        json!({ "do": "sleep", "ms": 60_000 }),
        json!({ "do": "sleep", "ms": 60_000 }),
    );
    bench.send_event(one).await;
    bench.send_event(other).await;
    let pids = bench
        .eventually("two busy instances", |emulator| {
            let views = emulator.instances();
            let busy = views
                .iter()
                .filter(|view| matches!(view.activity, InstanceActivity::Busy { .. }));
            let pids: Vec<_> = busy.filter_map(|view| view.pid).collect();
            (pids.len() == 2).then_some(pids)
        })
        .await;
    assert!(pids.iter().all(|&pid| is_running(pid)));
    bench.emulator.stop().await;
    assert!(!pids.iter().any(|&pid| is_running(pid)));
}

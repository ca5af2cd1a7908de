//! Calls that wait for their answer, and the errors AWS would give.

use serde_json::{Value, json};
use stack::lambda::{InstanceActivity, LogSource};

use crate::bench::{Bench, probe, scratch};

#[tokio::test]
async fn every_name_of_a_function_reaches_it_and_one_process_serves_them_all() {
    let bench = Bench::start(|_| ()).await;
    for name in [
        "probe",
        "storytailor-probe-production",
        "storytailor-probe-production:live",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Astorytailor-probe-production",
    ] {
        let response = bench
            .call(name, &json!({ "hello": name }))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-amz-executed-version"], "$LATEST");
        assert!(response.headers().get("x-amz-function-error").is_none());
        assert_eq!(
            response.json::<Value>().await.unwrap(),
            json!({ "hello": name })
        );
    }
    let metrics = bench.emulator.metrics().functions["probe"].clone();
    assert_eq!(
        (metrics.invocations, metrics.cold_starts, metrics.errors),
        (4, 1, 0)
    );
    assert!(metrics.gb_seconds > 0.0);
    bench.emulator.stop().await;
}

#[tokio::test]
async fn an_unknown_function_is_reported_as_aws_reports_it() {
    let bench = Bench::start(|_| ()).await;
    let response = bench.call("nobody", &json!({})).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.headers()["x-amzn-errortype"],
        "ResourceNotFoundException"
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        body["Message"],
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nobody"
    );
    assert_eq!(body["Type"], "User");
}

#[tokio::test]
async fn payloads_over_the_limit_are_refused_and_a_dry_run_runs_nothing() {
    let bench = Bench::start(|_| ()).await;
    let over_1_mb = json!("x".repeat(1024 * 1024));
    let over_6_mb = json!("x".repeat(6 * 1024 * 1024));
    for (kind, payload, status) in [
        ("Event", &over_1_mb, 413),
        ("RequestResponse", &over_6_mb, 413),
        ("DryRun", &over_1_mb, 204),
        ("Nonsense", &json!({}), 400),
    ] {
        let call = bench
            .call("probe", payload)
            .header("X-Amz-Invocation-Type", kind);
        let response = call.send().await.unwrap();
        assert_eq!(response.status(), status, "{kind}");
        if status == 413 {
            assert_eq!(
                response.headers()["x-amzn-errortype"],
                "RequestTooLargeException"
            );
        }
    }
    assert_eq!(bench.emulator.metrics().functions["probe"].invocations, 0);
}

#[tokio::test]
async fn errors_and_panics_of_a_function_are_a_200_with_a_function_error() {
    let bench = Bench::start(|_| ()).await;
    for (action, message) in [
        ("fail", "told to fail"),
        ("panic", "Lambda panicked: told to panic"),
    ] {
        let response = bench.invoke(json!({ "do": action })).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-amz-function-error"], "Unhandled");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["errorMessage"], message);
        assert!(body["errorType"].is_string());
    }
    // The runtime survives both, so the process does.
    assert_eq!(bench.emulator.metrics().functions["probe"].cold_starts, 1);
}

#[tokio::test]
async fn an_answer_over_six_megabytes_is_a_function_error() {
    let bench = Bench::start(|_| ()).await;
    let body: Value = bench
        .invoke(json!({ "do": "long answer" }))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["errorType"], "Function.ResponseSizeTooLarge");
}

#[tokio::test]
async fn a_busy_function_throttles_the_call_beyond_its_concurrency() {
    let bench = Bench::start(|config| config.functions[0].max_concurrency = 1).await;
    let url = bench.url("/2015-03-31/functions/probe/invocations");
    let slow = bench
        .client
        .post(url)
        .body(r#"{"do":"sleep","ms":300}"#)
        .send();
    let slow = tokio::spawn(slow);
    bench.eventually("the call to be busy", busy_pid).await;

    let refused = bench.invoke(json!({})).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(
        refused.headers()["x-amzn-errortype"],
        "TooManyRequestsException"
    );
    assert!(refused.headers().contains_key("retry-after"));

    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    assert_eq!(bench.invoke(json!({})).await.status(), 200);
    assert_eq!(bench.emulator.metrics().functions["probe"].throttles, 1);
}

fn busy_pid(emulator: &stack::lambda::Emulator) -> Option<u32> {
    let views = emulator.instances();
    let busy = views
        .iter()
        .find(|view| matches!(view.activity, InstanceActivity::Busy { .. }));
    busy.and_then(|view| view.pid)
}

#[tokio::test]
async fn parallel_calls_get_a_process_each() {
    let bench = Bench::start(|_| ()).await;
    let calls = (0..3).map(|_| async {
        let response = bench.invoke(json!({ "do": "sleep", "ms": 200 })).await;
        response.json::<Value>().await.unwrap()["pid"]
            .as_u64()
            .unwrap()
    });
    let mut pids = futures::future::join_all(calls).await;
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 3);
    assert_eq!(
        bench.emulator.metrics().functions["probe"].instances_peak,
        3
    );
}

#[tokio::test]
async fn a_function_sees_the_environment_of_lambda_and_nothing_of_ours() {
    let bench = Bench::start(|config| {
        config.functions[0].env = [("ASSETS_BUCKET".to_owned(), "assets".to_owned())].into();
        config.functions[0].memory_mb = 256;
    })
    .await;
    let seen: Value = bench
        .invoke(json!({ "do": "environment" }))
        .await
        .json()
        .await
        .unwrap();
    for (name, value) in [
        ("ASSETS_BUCKET", "assets"),
        ("AWS_LAMBDA_FUNCTION_NAME", "storytailor-probe-production"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            "/aws/lambda/storytailor-probe-production",
        ),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_REGION", "us-east-1"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    for ours in ["HOME", "CARGO_MANIFEST_DIR", "USER"] {
        assert!(seen.get(ours).is_none(), "{ours} leaked");
    }
}

#[tokio::test]
async fn the_context_names_the_request_and_a_deadline_that_is_true() {
    let bench =
        Bench::start(|config| config.functions[0].timeout = std::time::Duration::from_secs(30))
            .await;
    let response = bench.invoke(json!({ "do": "context" })).await;
    let request_id = response.headers()["x-amzn-requestid"]
        .to_str()
        .unwrap()
        .to_owned();
    let context: Value = response.json().await.unwrap();
    assert_eq!(context["requestId"], request_id);
    assert_eq!(
        context["arn"],
        "arn:aws:lambda:us-east-1:123456789012:function:storytailor-probe-production"
    );
    assert!(context["trace"].as_str().unwrap().starts_with("Root=1-"));
    let remaining = context["remainingMs"].as_u64().unwrap();
    assert!((29_000..=30_000).contains(&remaining), "{remaining}");
}

#[tokio::test]
async fn lines_and_the_report_reach_the_log_file_and_the_listeners() {
    let log_dir = scratch("logs");
    let bench = Bench::start(|config| config.log_dir = Some(log_dir.clone())).await;
    let mut lines = bench.emulator.log_lines();
    bench
        .invoke(json!({ "do": "print", "line": "once upon a time" }))
        .await;

    let mut heard = Vec::new();
    while heard.len() < 4 {
        heard.push(lines.recv().await.unwrap());
    }
    let printed = heard
        .iter()
        .find(|line| line.text == "once upon a time")
        .unwrap();
    assert_eq!(
        (printed.source, printed.function.as_str()),
        (LogSource::Stdout, "probe")
    );
    let report = heard
        .iter()
        .find(|line| line.text.starts_with("REPORT RequestId: "))
        .unwrap();
    for part in [
        "\tDuration: ",
        "\tBilled Duration: ",
        "\tMemory Size: 128 MB",
        "\tInit Duration: ",
    ] {
        assert!(report.text.contains(part), "{part} in {}", report.text);
    }
    let file = std::fs::read_to_string(log_dir.join("probe.log")).unwrap();
    assert!(file.contains("once upon a time\n") && file.contains(&report.text));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_memory_figure_is_the_peak_of_the_process() {
    let bench = Bench::start(|_| ()).await;
    bench.invoke(json!({ "do": "allocate", "mb": 64 })).await;
    let record = bench.emulator.invocations().pop().unwrap();
    let peak = record.max_memory_mb.unwrap();
    assert!((64.0..128.0).contains(&peak), "{peak}");
}

#[tokio::test]
async fn a_function_that_is_not_there_says_so_in_one_sentence() {
    let bench =
        Bench::start(|config| config.functions[0].program = "/nowhere/bootstrap".into()).await;
    let body: Value = bench.invoke(json!({})).await.json().await.unwrap();
    assert_eq!(body["errorType"], "Runtime.InitError");
    let message = body["errorMessage"].as_str().unwrap();
    assert!(message.ends_with(
        "the function `probe` could not start: there is no program at /nowhere/bootstrap"
    ));
}

#[tokio::test]
async fn a_function_that_exits_at_its_start_is_quoted() {
    let bench = Bench::start(|config| {
        config.functions[0].env = [("PROBE_REFUSES_TO_START".to_owned(), "1".to_owned())].into();
    })
    .await;
    let body: Value = bench.invoke(json!({})).await.json().await.unwrap();
    let message = body["errorMessage"].as_str().unwrap();
    assert!(
        message.ends_with(
            "Runtime exited with error: exit status 3; its last words: no database, no work"
        ),
        "{message}"
    );
}

#[tokio::test]
async fn instances_are_warmed_ahead_and_stopped_when_idle() {
    let warmed = Bench::start(|config| {
        config.functions = vec![stack::lambda::FunctionConfig { warm: 2, ..probe() }]
    });
    let warmed = warmed.await;
    warmed
        .eventually("two warm instances", |emulator| {
            let views = emulator.instances();
            let idle = views
                .iter()
                .filter(|view| view.activity == InstanceActivity::Idle);
            (idle.count() == 2).then_some(())
        })
        .await;

    let bench =
        Bench::start(|config| config.idle_timeout = std::time::Duration::from_millis(50)).await;
    bench.invoke(json!({})).await;
    bench
        .eventually("the idle instance to be gone", |emulator| {
            emulator.instances().is_empty().then_some(())
        })
        .await;
    assert_eq!(bench.invoke(json!({})).await.status(), 200);
}

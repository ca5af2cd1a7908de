//! What the functions log while a story is made, at its most: every line finds its way back to its invocation, its story and
//! its job, those that are counted carry their figures, and no line and no error that is sent on tells anything of a person.

use super::{demo, notices::until};
use crate::stack::own;
use axum::{Router, extract::State};
use serde_json::Value;
use stack::lambda::{LogLine, LogSource};
use stand_ins::{CallKind, CallRecord, Outcome, Scripted};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use tokio::sync::broadcast::Receiver;

/// Of the wish, and so of whoever made it.
const OF_A_PERSON: [&str; 4] = ["Ember", "soft green scales", "friendship", "@example"];

/// What Sentry was sent.
type Envelopes = Arc<Mutex<Vec<String>>>;

async fn sentry(envelopes: &Envelopes) -> String {
    let take = async |State(envelopes): State<Envelopes>, body: String| {
        envelopes.lock().expect("whole").push(body);
        "{}"
    };
    let router = Router::new().route("/api/7/envelope/", axum::routing::post(take));
    let router = router.with_state(Arc::clone(envelopes));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://k3y@{address}/7")
}

/// What each of these lines says of its time, and of what else there is to say.
fn assert_timings(lines: &[&Value], message: &str, others: &[&str], at_least: usize) {
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == message)
        .collect();
    assert!(told.len() >= at_least, "{} times {message}", told.len());
    for line in told {
        assert_eq!(line["level"], "DEBUG", "{line}");
        assert!(others.iter().all(|name| !line[*name].is_null()), "{line}");
    }
}

/// Every line, up to the one that says that the story is at its end, and until each invocation that began has ended.
async fn lines_of_a_story(log: &mut Receiver<LogLine>) -> Vec<LogLine> {
    let mut lines = Vec::new();
    loop {
        lines.push(log.recv().await.expect("no line is lost"));
        let of_platform = |word: &str| {
            let platform = lines
                .iter()
                .filter(|line| line.source == LogSource::Platform);
            platform.filter(|line| line.text.starts_with(word)).count()
        };
        let with = |text: &str| lines.iter().filter(|line| line.text.contains(text)).count();
        let is_over = with(STORY_FINISHED) > 0 && with(STARTED) == with(SETTLED);
        // What a process wrote may arrive after the platform has said that its invocation ended.
        if is_over && of_platform("START") == of_platform("END") {
            return lines;
        }
    }
}

const STARTED: &str = "Asset generation started";
const SETTLED: &str = "Asset generation settled";
const STORY_FINISHED: &str = "Story finished";

/// Messages about one asset's job.
const ABOUT_A_JOB: [&str; 5] = [STARTED, SETTLED, "Provider called", "Trying ", " delivered"];

#[test]
fn every_line_of_a_story_names_its_invocation_its_story_and_where_it_is_about_one_its_job() {
    let envelopes = Envelopes::default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dsn = runtime.block_on(sentry(&envelopes));
    let shared = own("logs", |options| {
        let settings = [
            ("LOG_LEVEL", "debug"),
            ("METRICS_NAMESPACE", "Storytailor"),
            ("SENTRY_DSN", dsn.as_str()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        options.overrides.extend(settings);
    });
    shared.run(async {
        let mut log = shared.stack().emulator().log_lines();
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");

        let lines = lines_of_a_story(&mut log).await;
        let invocations: BTreeSet<_> = lines
            .iter()
            .filter_map(|line| line.request_id.clone())
            .collect();
        let mut written = Vec::new();
        for line in lines.iter().filter(|line| line.source == LogSource::Stdout) {
            let json: Value = serde_json::from_str(&line.text).expect("a line is JSON");
            // A process says who it is before its first invocation.
            if json["message"] == "Process started" {
                assert!(json["commit"].is_string(), "{json}");
                continue;
            }
            let request_id = json["requestId"].as_str().unwrap_or_default();
            assert!(invocations.contains(request_id), "{}", line.text);
            let told = OF_A_PERSON.iter().find(|words| line.text.contains(**words));
            assert_eq!(told, None, "{}", line.text);
            written.push((line.function.as_str(), json));
        }
        for (function, line) in &written {
            if *function == "content-agent" {
                assert_eq!(line["storyId"], *id, "{line}");
            }
            let message = line["message"].as_str().unwrap_or_default();
            let is_about_a_job = ABOUT_A_JOB.iter().any(|words| message.contains(words));
            // The words of a wish are looked at before there is a job.
            if is_about_a_job && line["kind"] != "moderation" {
                assert!(line["jobId"].is_string(), "{line}");
                assert!(line["assetType"].is_string(), "{line}");
            }
        }
        let with = |message: &str| {
            let lines = written.iter().map(|(_, line)| line);
            lines.filter(|line| line["message"] == message).count()
        };
        assert_eq!(with(STARTED), 9);
        assert_eq!(with(SETTLED), 9);
        assert_eq!(with("Story status changed"), 1);
        assert_eq!(with(STORY_FINISHED), 1);
        let summary = written.iter().map(|(_, line)| line);
        let summary = summary.filter(|line| line["message"] == STORY_FINISHED);
        for line in summary {
            assert_eq!(line["overall"], "ready", "{line}");
            assert_eq!(line["assetsReady"], 9, "{line}");
            assert_eq!(line["placeholders"], 0, "{line}");
            assert_eq!(line["retries"], 0, "{line}");
            let positive = ["seconds", "costUsd"].map(|name| line[name].as_f64() > Some(0.0));
            assert_eq!(positive, [true; 2], "{line}");
        }
        let calls = shared.stack().stand_ins().calls();
        let makes = |call: &&CallRecord| call.kind != CallKind::Other;
        assert_eq!(with("Provider called"), calls.iter().filter(makes).count());

        let lines: Vec<_> = written.iter().map(|(_, line)| line).collect();
        assert_timings(
            &lines,
            "Database called",
            &["operation", "durationMs", "status"],
            15,
        );
        assert_timings(
            &lines,
            "File moved",
            &["operation", "durationMs", "bytes"],
            10,
        );
        assert_timings(&lines, "Asset progresses", &["percent", "assetType"], 5);
        let sum = |figure: &str| {
            lines
                .iter()
                .filter_map(|line| line[figure].as_u64())
                .sum::<u64>()
        };
        let figures = [
            "JobsSettled",
            "JobsFailed",
            "Pictures",
            "PicturesReady",
            "PicturePlaceholders",
            "Stories",
            "StoriesReady",
            "StoriesAsked",
            "StoriesLeft",
            "AnswersByFallback",
            "HardFailures",
        ];
        assert_eq!(figures.map(sum), [9, 0, 5, 5, 0, 1, 1, 1, 0, 0, 0]);
        for line in lines.iter().filter(|line| line["_aws"].is_object()) {
            assert_eq!(
                line["_aws"]["CloudWatchMetrics"][0]["Namespace"],
                "Storytailor"
            );
            assert_eq!(line["environment"], "local", "{line}");
        }
        assert_eq!(envelopes.lock().expect("whole").len(), 0, "nothing failed");

        // Nobody's wish, and no retry helps: a human is told.
        let broke = Scripted {
            times: 9,
            ..Scripted::next_of(CallKind::Text, Outcome::Quota)
        };
        shared.stack().stand_ins().script([broke]);
        let id = user.ask_for_story().await;
        user.settled(&id).await;
        let about = async || {
            envelopes
                .lock()
                .expect("whole")
                .iter()
                .any(|envelope| envelope.contains(&id))
        };
        until(about).await;
        for envelope in envelopes.lock().expect("whole").iter() {
            let told = OF_A_PERSON.iter().find(|words| envelope.contains(**words));
            assert_eq!(told, None, "{envelope}");
            assert!(!envelope.contains(&user.id.to_string()), "{envelope}");
            let event: Value =
                serde_json::from_str(envelope.lines().nth(2).expect("an event")).expect("JSON");
            let tags = ["function", "storyId", "code", "assetType"].map(|tag| &event["tags"][tag]);
            assert_eq!(
                tags,
                ["content-agent", &id, "PROVIDER_OUT_OF_CREDITS", "content"],
                "{event}"
            );
            assert_eq!(
                event["exception"]["values"][0]["type"],
                "Asset generation failed"
            );
            assert!(event["tags"]["requestId"].is_string(), "{event}");
        }
    });
}

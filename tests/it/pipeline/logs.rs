//! What the functions log while a story is made: every line finds its way back to its invocation, its story and its job.

use super::demo;
use crate::stack::own;
use serde_json::Value;
use stack::lambda::{LogLine, LogSource};
use stand_ins::{CallKind, CallRecord};
use std::collections::BTreeSet;
use tokio::sync::broadcast::Receiver;

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
    let shared = own("logs", |_| {});
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
            assert!(!line.text.contains("Ember"), "{}", line.text);
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
    });
}

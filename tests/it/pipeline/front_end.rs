//! The front end's view: unmodified supabase-js, used as the documents use it.

use super::{User, demo, newcomer};
use crate::stack::{Shared, shared};
use domain::AssetType;
use serde_json::Value;
use std::{collections::BTreeMap, process::Stdio, sync::OnceLock};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

fn folder() -> std::path::PathBuf {
    stack::home::workspace().join("tests/front-end")
}

/// Installs the client from npm, once.
fn install_client() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let installed = std::process::Command::new("npm")
            .args(["ci", "--silent"])
            .current_dir(folder())
            .status();
        assert!(
            installed
                .expect("npm runs: install Node.js 20 or later")
                .success(),
            "npm ci"
        );
    });
}

/// A front end that follows one story.
struct FrontEnd {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl FrontEnd {
    async fn open(shared: &Shared, user: &User, story: &str) -> Self {
        install_client();
        let mut process = Command::new("node")
            .args(["follow-story.mjs", story, &user.token])
            .current_dir(folder())
            .env("SUPABASE_URL", shared.stack().variable("SUPABASE_URL"))
            .env(
                "SUPABASE_ANON_KEY",
                shared.stack().variable("SUPABASE_ANON_KEY"),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs");
        let lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut front_end = Self { process, lines };
        while let Some(line) = front_end.next().await {
            if line["event"] == "system" {
                assert_eq!(line["status"], "ok");
                return front_end;
            }
        }
        panic!("the front end ended before it was subscribed");
    }

    async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.expect("readable output")?;
        Some(serde_json::from_str(&line).expect("a JSON line"))
    }

    /// Closes the front end and answers what it had not shown yet.
    async fn close(mut self) -> Vec<Value> {
        drop(self.process.stdin.take());
        let mut rest = Vec::new();
        while let Some(line) = self.next().await {
            rest.push(line);
        }
        rest
    }
}

fn updates(lines: &[Value]) -> usize {
    lines
        .iter()
        .filter(|line| line["event"] == "update")
        .count()
}

#[test]
fn the_owner_sees_every_asset_become_ready_and_a_stranger_sees_nothing() {
    let shared = shared();
    shared.run(async {
        let owner = demo(&shared);
        let stranger = newcomer(&shared).await;
        // Made once, so that both front ends are there before the making that is watched begins.
        let id = owner.ask_for_story().await;
        let settled = owner.settled(&id).await;
        assert_eq!(settled["asset_generation_status"]["overall"], "ready");
        let mut watched = FrontEnd::open(&shared, &owner, &id).await;
        let unseen = FrontEnd::open(&shared, &stranger, &id).await;
        let again = serde_json::json!({"assetTypes": AssetType::BESIDE_TEXT});
        owner
            .api
            .steer(&id, "regenerate", &again)
            .await
            .expect("all of it again");

        let mut progress: BTreeMap<String, (String, u64)> = BTreeMap::new();
        let mut version = 0;
        let mut last = Value::Null;
        while let Some(line) = watched.next().await {
            if line["event"] != "update" {
                continue;
            }
            let now = line["version"].as_u64().expect("a version");
            assert!(now > version, "versions grow");
            version = now;
            for (asset, state) in line["status"]["assets"].as_object().expect("assets") {
                let status = state["status"].as_str().expect("a status").to_owned();
                let percent = state["progress"].as_u64().expect("a percentage");
                if let Some((before, shown)) = progress.get(asset) {
                    let starts_over =
                        matches!(status.as_str(), "retrying" | "pending") && before == "ready";
                    assert!(
                        percent >= *shown || starts_over,
                        "{asset} went from {shown} to {percent} while {status}"
                    );
                }
                progress.insert(asset.clone(), (status, percent));
            }
            last = line["status"].clone();
        }
        assert_eq!(last["overall"], "ready", "{last}");
        assert!(
            progress
                .values()
                .all(|(status, percent)| status == "ready" && *percent == 100),
            "{progress:?}"
        );
        assert_eq!(
            updates(&unseen.close().await),
            0,
            "a stranger saw an update"
        );
    });
}

#[test]
fn the_owner_is_told_that_a_story_was_deleted_and_nobody_learns_more_than_its_id() {
    let shared = shared();
    shared.run(async {
        let owner = demo(&shared);
        let id = owner.ask_for_story().await;
        owner.settled(&id).await;
        let mut watched = FrontEnd::open(&shared, &owner, &id).await;
        assert_eq!(owner.delete(&shared, &format!("/stories/{id}")).await, 204);
        while let Some(line) = watched.next().await {
            assert_ne!(line["event"], "update");
            if line["event"] == "delete" {
                assert_eq!(line["old"], serde_json::json!({"id": id}));
                return;
            }
        }
        panic!("the front end was never told");
    });
}

//! The page, its client and the tools for assistants: their own tests, the client while frames are lost, an assistant over
//! stdio, and families in a browser.

use crate::{
    pipeline::{demo, newcomer},
    stack::{Shared, own, shared},
};
use serde_json::Value;
use stack::page::{self, Packages};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Stdio,
    sync::OnceLock,
    time::{Duration, Instant},
};
use tokio::process::Command;

fn web() -> PathBuf {
    stack::home::workspace().join("web")
}

/// Builds the page, once for all tests.
fn build() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime
            .block_on(page::build(&stack::home::workspace(), Packages::ToTest))
            .unwrap_or_else(|problem| panic!("{problem}"));
    });
}

/// Runs a program in `web/` and shows what it said; it must end well.
async fn succeeds(command: &mut Command) -> String {
    let output = command
        .current_dir(web())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{said}");
    said
}

fn node(script: &str, shared: &Shared) -> Command {
    let mut node = Command::new("node");
    node.arg(script).envs(shared.stack().variables());
    node
}

#[test]
fn the_page_and_its_client_are_well_typed_and_pass_their_own_tests() {
    build();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        succeeds(Command::new("npm").args(["run", "--silent", "check"])).await;
        let folders = ["--test", "client/test", "app/test"];
        let said = succeeds(Command::new("node").args(folders)).await;
        assert!(said.contains("# fail 0") && !said.contains("# pass 0"));
    });
}

const LOST: f64 = 0.3;
const BETWEEN_CUTS: Duration = Duration::from_millis(700);
/// A client that heard nothing asks again after fifteen seconds; the rest is for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(100);

#[test]
fn the_client_ends_with_the_newest_row_over_every_realtime_library_though_frames_are_lost() {
    build();
    let shared = own("client", |options| {
        options.latency = Some("text=500,image=900,speech=700".to_owned());
    });
    shared.run(async {
        let user = demo(&shared);
        let mut follow = node("tests/follow.mjs", &shared);
        follow.arg(&user.token);
        for _ in 0..3 {
            follow.arg(user.ask_for_story().await);
        }
        let realtime = shared.stack().realtime().clone();
        realtime.lose_deliveries(LOST.into());
        realtime.reorder_deliveries(LOST.into());
        let began = Instant::now();
        let disturbing = async {
            while began.elapsed() < Duration::from_secs(5) {
                tokio::time::sleep(BETWEEN_CUTS).await;
                realtime.cut_all_sockets();
            }
            std::future::pending::<()>().await;
        };
        let said = tokio::select! {
            said = tokio::time::timeout(PATIENCE, succeeds(&mut follow)) => said.expect("in time"),
            () = disturbing => String::new(),
        };

        let mut newest: BTreeMap<(String, String), (u64, String)> = BTreeMap::new();
        let mut libraries = BTreeMap::new();
        for line in said.lines() {
            let line: Value = serde_json::from_str(line).expect("a JSON line");
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            if line["connection"] == "live" {
                libraries.insert(text("library"), ());
            }
            let Some(version) = line["version"].as_u64() else {
                continue;
            };
            let of = (text("library"), text("story"));
            let before = newest.insert(of, (version, text("overall")));
            assert!(before.is_none_or(|(before, _)| version > before), "{line}");
        }
        assert_eq!(newest.len(), 3 * 3, "{said}");
        assert_eq!(libraries.len(), 3, "each library was subscribed: {said}");
        for ((library, story), (version, overall)) in newest {
            assert_eq!(overall, "ready", "{library}");
            let row = user.api.story(&story).await.expect("the row");
            assert_eq!(row["version"], version, "{library}");
        }
    });
}

#[test]
fn an_assistant_makes_and_reads_a_story_with_the_tools_over_stdio() {
    build();
    let shared = shared();
    shared.run_within(Duration::from_secs(300), async {
        // What it asks for last is the newest of somebody who has nothing else.
        let user = newcomer(&shared).await;
        let mut assistant = node("tests/mcp.mjs", &shared);
        succeeds(assistant.env("STORYTAILOR_TOKEN", &user.token)).await;
    });
}

#[test]
fn families_make_watch_mend_and_read_stories_in_a_browser() {
    build();
    let shared = own("browser", |options| {
        let previews = ("PICTURE_PREVIEWS".to_owned(), "true".to_owned());
        options.overrides.extend([previews]);
        // Work that a busy machine did not hand over in a second is left to this.
        options.schedule = Some(Duration::from_secs(15));
    });
    // A browser beside compilers and other tests is slow; a journey that hangs ends by its own limits and tells where it is.
    shared.run_within(Duration::from_secs(1_200), async {
        let mut journeys = node("tests/browser.mjs", &shared);
        succeeds(journeys.env("STACK_HOME", shared.stack().home().join(""))).await;
    });
}

//! Nothing stays behind, however the emulator ends.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::bench::{Bench, example, is_running, kill_9};

#[tokio::test]
async fn a_dropped_emulator_takes_its_processes_along() {
    let bench = Bench::start(|_| ()).await;
    let answer: Value = bench
        .invoke(json!({ "do": "sleep" }))
        .await
        .json()
        .await
        .unwrap();
    let pid = answer["pid"]
        .as_u64()
        .and_then(|pid| u32::try_from(pid).ok())
        .unwrap();
    assert!(is_running(pid));
    drop(bench);
    assert_is_gone(pid).await;
}

#[tokio::test]
async fn an_emulator_that_is_killed_takes_its_processes_along() {
    let mut host = Command::new(example("probe_host"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(host.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    let url = format!(
        "http://{}/2015-03-31/functions/probe/invocations",
        address.trim()
    );
    let call = reqwest::Client::new().post(url).body(r#"{"do":"sleep"}"#);
    let answer: Value = call.send().await.unwrap().json().await.unwrap();
    let pid = answer["pid"]
        .as_u64()
        .and_then(|pid| u32::try_from(pid).ok())
        .unwrap();
    assert!(is_running(pid));

    kill_9(host.id().into());
    host.wait().unwrap();
    assert_is_gone(pid).await;
}

async fn assert_is_gone(pid: u32) {
    let since = Instant::now();
    while is_running(pid) {
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "process {pid} is still there"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

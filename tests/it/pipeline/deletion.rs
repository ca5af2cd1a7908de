//! Taking away: rows, files, what the CDN keeps, and the user.

use super::{User, asset, demo, newcomer};
use crate::stack::{Shared, own, shared};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use stack::environment::BUCKET;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

/// Names of the files of a story that are in the bucket, drafts, snapshots and exchanges included.
fn files(shared: &Shared, story: &str) -> Vec<String> {
    let bucket = shared.stack().home().join("files").join(BUCKET);
    let folders = [
        "stories",
        "drafts/stories",
        "snapshots/stories",
        "exchanges/stories",
    ]
    .map(|folder| bucket.join(folder).join(story));
    let entries = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten();
    entries
        .map(|entry| entry.expect("an entry").path().display().to_string())
        .collect()
}

async fn count(shared: &Shared, rows: &str) -> i64 {
    let query = format!("select count(*) from {rows}");
    sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(shared.stack().pool())
        .await
        .expect("a number")
}

/// Rows of stories, jobs and ledgers that name this story.
async fn rows_of(shared: &Shared, story: &str) -> i64 {
    let mut rows = count(shared, &format!("public.stories where id = '{story}'")).await;
    for table in [
        "asset_generation_jobs",
        "asset_generation_history",
        "credit_ledger",
        "notification_outbox",
        "story_characters",
        "usage_ledger",
    ] {
        rows += count(
            shared,
            &format!("public.{table} where story_id = '{story}'"),
        )
        .await;
    }
    rows
}

/// Looks until it is so; the test's own time limit ends it.
async fn until(is_so: impl AsyncFn() -> bool) {
    while !is_so().await {
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

async fn status(url: &str) -> u16 {
    let answer = reqwest::get(url).await.expect("an answer");
    answer.status().as_u16()
}

async fn status_of_usage(shared: &Shared, user: &User) -> (u16, Value) {
    let url = format!(
        "{}/api/v1/users/me/usage",
        shared.stack().variable("API_URL")
    );
    let request = reqwest::Client::new().get(url).bearer_auth(&user.token);
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

#[test]
fn a_deleted_story_is_gone_from_the_rows_at_once_and_from_bucket_and_cdn_a_moment_later() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        let other = user.ask_for_story().await;
        let story = user.settled(&id).await;
        user.settled(&other).await;
        let url = asset(&story, "pdf")["url"].as_str().expect("an address");
        assert_eq!(status(url).await, 200);
        assert!(files(&shared, &id).len() > 10, "files and their drafts");
        let kept = files(&shared, &other);

        let path = format!("/stories/{id}");
        assert_eq!(newcomer(&shared).await.delete(&shared, &path).await, 404);
        assert_eq!(user.delete_with_key(&shared, &path, "once").await, 204);
        assert_eq!(rows_of(&shared, &id).await, 0);
        assert_eq!(user.delete_with_key(&shared, &path, "once").await, 204);
        assert_eq!(user.delete(&shared, &path).await, 404);
        assert!(user.api.story(&id).await.is_err());

        // No schedule ticks here: the API has told the content agent.
        until(async || files(&shared, &id).is_empty()).await;
        assert_eq!(status(url).await, 404);
        assert_eq!(files(&shared, &other), kept);
        assert_eq!(asset(&user.settled(&other).await, "pdf")["status"], "ready");
    });
}

#[test]
fn a_deleted_user_leaves_nothing_and_their_token_makes_nothing() {
    let shared = shared();
    shared.run(async {
        let user = newcomer(&shared).await;
        let id = user.ask_for_story().await;
        user.settled(&id).await;
        assert_eq!(user.delete(&shared, "/users/me").await, 204);
        assert_eq!(user.delete(&shared, "/users/me").await, 204, "asked again");
        assert_eq!(rows_of(&shared, &id).await, 0);
        for table in [
            "auth.users where id",
            "public.users where id",
            "public.characters where owner_user_id",
        ] {
            assert_eq!(
                count(&shared, &format!("{table} = '{}'", user.id)).await,
                0,
                "{table}"
            );
        }
        let (status, body) = status_of_usage(&shared, &user).await;
        assert_eq!((status, &body["code"]), (401, &"TOKEN_INVALID".into()));
        let hero = serde_json::json!({"name": "Ember"});
        assert!(user.api.create_character(&hero).await.is_err());
        assert_eq!(
            count(&shared, &format!("public.users where id = '{}'", user.id)).await,
            0
        );
        until(async || files(&shared, &id).is_empty()).await;
    });
}

#[test]
fn a_file_that_was_published_and_never_accepted_is_found_and_deleted() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        user.settled(&id).await;
        let kept = files(&shared, &id);
        // As a process leaves it that dies between the two.
        let folder = shared
            .stack()
            .home()
            .join("files")
            .join(BUCKET)
            .join("stories")
            .join(&id);
        let orphan = folder.join("cover-v1-a1-00000000000000ff.png");
        std::fs::write(&orphan, b"of no use").expect("a file");
        let note =
            "select private.queue_deletion($1::uuid, 'orphans', interval '0', '[[\"cover\", 1]]')";
        sqlx::query(note)
            .bind(&id)
            .execute(shared.stack().pool())
            .await
            .expect("noted");
        let event = r#"{"action": "delete_files"}"#.to_owned().into();
        let emulator = shared.stack().emulator();
        emulator.invoke_event("content-agent", event).expect("sent");
        let queue = format!("private.deletion_queue where story_id = '{id}'");
        until(async || count(&shared, &queue).await == 0).await;
        assert!(!orphan.exists());
        assert_eq!(files(&shared, &id), kept);
    });
}

/// CloudFront's API on a free port: takes every invalidation, and tells the bodies.
async fn cloudfront() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = String::new();
            let mut buffer = [0; 4096];
            while !request.contains("</InvalidationBatch>") {
                match socket.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => request += &String::from_utf8_lossy(&buffer[..read]),
                }
            }
            let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = socket.write_all(answer).await;
            let _ = tell.send(request);
        }
    });
    (address, told)
}

#[test]
fn a_story_deleted_while_it_is_made_leaves_nothing_and_the_cdn_is_told() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (address, mut invalidations) = runtime.block_on(cloudfront());
    let shared = own("deletion", |options| {
        options.latency = Some("text=60,image=600,speech=600".to_owned());
        options.schedule = Some(Duration::from_secs(1));
        let overrides = [
            ("ASSETS_DISTRIBUTION_ID", "E2LOCAL"),
            ("AWS_ENDPOINT_URL_CLOUDFRONT", &address),
            ("JOB_LEASE_SECONDS", "5"),
        ];
        let overrides = overrides.map(|(name, value)| (name.to_owned(), value.to_owned()));
        options.overrides.extend(overrides);
    });
    shared.run(async {
        let grace = "create or replace function private.late_writer_grace() returns interval
            language sql immutable set search_path = '' as $$ select interval '6 seconds' $$";
        sqlx::raw_sql(grace)
            .execute(shared.stack().pool())
            .await
            .expect("less patience with late writers");
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        user.until(&id, |status| {
            status["assets"]["scene_1"]["status"] == "generating"
        })
        .await;
        assert_eq!(user.delete(&shared, &format!("/stories/{id}")).await, 204);
        assert_eq!(rows_of(&shared, &id).await, 0);

        let queue = format!("private.deletion_queue where story_id = '{id}'");
        until(async || count(&shared, &queue).await == 0).await;
        assert_eq!(files(&shared, &id), [""; 0]);
        assert_eq!(rows_of(&shared, &id).await, 0);
        let told = invalidations.recv().await.expect("CloudFront is told");
        assert!(
            told.starts_with("POST /2020-05-31/distribution/E2LOCAL/invalidation"),
            "{told}"
        );
        assert!(
            told.contains(&format!("<Path>/stories/{id}/*</Path>")),
            "{told}"
        );
    });
}

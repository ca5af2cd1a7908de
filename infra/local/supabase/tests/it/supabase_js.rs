//! The real `@supabase/supabase-js`, unmodified, against the stand-ins.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use uuid::Uuid;

use crate::stack::Stack;

const SCRIPT_TIMEOUT: Duration = Duration::from_secs(90);

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/front-end")
}

async fn installed() -> bool {
    if directory()
        .join("node_modules/@supabase/supabase-js")
        .is_dir()
    {
        return true;
    }
    let install = Command::new("npm")
        .arg("ci")
        .current_dir(directory())
        .stdout(Stdio::null())
        .status()
        .await;
    install.is_ok_and(|status| status.success())
}

#[tokio::test]
async fn the_official_client_signs_in_follows_its_own_story_and_no_other() {
    if Command::new("node")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .await
        .is_err()
    {
        eprintln!("skipped: node is not installed");
        return;
    }
    assert!(
        installed().await,
        "run `npm ci` in {}",
        directory().display()
    );
    let stack = Stack::start_unhurried().await;
    // The script asks for changes by calling a function, as an application would over /rest/v1.
    let pool = stack.pool.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sql_url = format!("http://{}", listener.local_addr().unwrap());
    let touch = move |body: String| async move {
        let owner: Uuid = body.trim().parse().unwrap();
        sqlx::query_scalar::<_, String>(
            "insert into public.stories (owner_id, title) values ($1, 'Ada''s') returning id::text",
        )
        .bind(owner)
        .fetch_one(&pool)
        .await
        .unwrap()
    };
    let router = axum::Router::new().route("/", axum::routing::post(touch));
    let touching = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let script = Command::new("node")
        .arg("supabase-js.mjs")
        .current_dir(directory())
        .env("SUPABASE_URL", stack.url(""))
        .env("SUPABASE_KEY", &stack.api_keys.publishable)
        .env("INSERT_STORY_URL", sql_url)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(SCRIPT_TIMEOUT, script)
        .await
        .expect("the script hangs")
        .unwrap();
    touching.abort();
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    println!("{told}");
}

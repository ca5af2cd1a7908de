//! Events on their way to a user's system: signed, refused and tried again, sent twice by a sender that died, told once more.

use super::{
    User, assert_documented, newcomer,
    notices::{failed_story, kill_sender, until},
    requests::post,
};
use crate::stack::{Shared, own};
use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use stack::breakpoints::Moment;
use std::{
    io::Write,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

/// One request as it came.
#[derive(Clone, Debug)]
struct Heard {
    path: String,
    id: String,
    timestamp: String,
    signatures: String,
    body: String,
}

/// A user's system: it refuses as often as it is told, and keeps what it hears.
#[derive(Clone, Default)]
struct Receiver {
    heard: Arc<Mutex<Vec<Heard>>>,
    refusals: Arc<Mutex<u32>>,
}

impl Receiver {
    async fn listen(&self) -> String {
        let router = Router::new().fallback(take).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn heard(&self, event: &str, story: &str) -> Vec<Heard> {
        let heard = self.heard.lock().expect("whole").clone();
        let event = format!("\"type\":\"{event}\"");
        let is_it = |heard: &Heard| heard.body.contains(&event) && heard.body.contains(story);
        heard.into_iter().filter(is_it).collect()
    }

    async fn wait_for(&self, event: &str, story: &str, count: usize) -> Vec<Heard> {
        until(async || self.heard(event, story).len() >= count).await;
        self.heard(event, story)
    }
}

async fn take(
    State(receiver): State<Receiver>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let header = |name: &str| {
        let value = headers.get(name).map(|value| value.to_str());
        value.and_then(Result::ok).unwrap_or_default().to_owned()
    };
    receiver.heard.lock().expect("whole").push(Heard {
        path: uri.path().to_owned(),
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: header("webhook-signature"),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let mut refusals = receiver.refusals.lock().expect("whole");
    if *refusals > 0 {
        *refusals -= 1;
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    StatusCode::NO_CONTENT
}

/// What Python's own hmac makes of it, as the header has it.
fn signature(secret: &Value, heard: &Heard) -> String {
    let script = "import base64, hashlib, hmac, sys\n\
        key = base64.b64decode(sys.argv[1].removeprefix('whsec_'))\n\
        digest = hmac.new(key, sys.stdin.buffer.read(), hashlib.sha256).digest()\n\
        print('v1,' + base64.b64encode(digest).decode())";
    let mut python = Command::new("python3")
        .args(["-c", script, secret.as_str().expect("a secret")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let signed = format!("{}.{}.{}", heard.id, heard.timestamp, heard.body);
    let mut input = python.stdin.take().expect("piped");
    input.write_all(signed.as_bytes()).expect("taken");
    drop(input);
    let output = python.wait_with_output().expect("an answer");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

struct Hook<'s> {
    shared: &'s Shared,
    user: &'s User,
    id: String,
    secret: Value,
}

impl<'s> Hook<'s> {
    async fn make(shared: &'s Shared, user: &'s User) -> Self {
        let url = format!("{}/api/v1/webhooks", shared.stack().variable("API_URL"));
        let wish = json!({"url": "https://hooks.example.com/family?key=1"});
        let (status, made) = post(&url, &user.token, None, &wish).await;
        assert_eq!(status, 201, "{made}");
        for inside in [
            "https://127.0.0.1/",
            "https://169.254.169.254/",
            "http://hooks.example.com/",
        ] {
            let (status, refused) = post(&url, &user.token, None, &json!({"url": inside})).await;
            assert_eq!(
                (status, &refused["data"]["field"]),
                (400, &json!("url")),
                "{inside}"
            );
        }
        Self {
            shared,
            user,
            id: made["data"]["id"].as_str().expect("an id").to_owned(),
            secret: made["data"]["secret"].clone(),
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/webhooks/{}{rest}", self.id)
    }

    async fn log(&self) -> Vec<Value> {
        let path = self.path("/deliveries");
        let url = format!("{}{path}", self.shared.stack().variable("API_URL"));
        let request = reqwest::Client::new()
            .get(url)
            .bearer_auth(&self.user.token);
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body: Value = answer.json().await.expect("JSON");
        assert_documented("GET", &path, status, &headers, &body);
        body["data"]["deliveries"]
            .as_array()
            .expect("a list")
            .clone()
    }

    async fn post(&self, token: &str, rest: &str) -> (u16, Value) {
        let base = self.shared.stack().variable("API_URL");
        post(
            &format!("{base}{}", self.path(rest)),
            token,
            None,
            &json!({}),
        )
        .await
    }

    /// Makes every pause and lease be over, when it is noted how the last try ended or its sender is gone, and wakes a sender.
    async fn try_again(&self) {
        let pool = self.shared.stack().pool();
        let over =
            "update private.webhook_deliveries set available_at = now() where status = 'pending'";
        sqlx::query(over).execute(pool).await.expect("time passes");
        let wake = r#"{"action": "send_notices"}"#.to_owned().into();
        let emulator = self.shared.stack().emulator();
        emulator
            .invoke_event("timeout-handler", wake)
            .expect("sent");
    }

    async fn noted(&self, attempts: usize) {
        until(async || {
            let log = self.log().await;
            log[0]["attempts"].as_array().map(Vec::len) == Some(attempts)
        })
        .await;
    }
}

#[test]
fn an_event_is_signed_tried_again_under_its_id_told_to_nobody_else_and_sent_twice_by_a_sender_that_died()
 {
    let receiver = Receiver::default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = runtime.block_on(receiver.listen());
    let shared = own("webhooks", |options| {
        let overrides = &mut options.overrides;
        overrides.insert("WEBHOOK_ENDPOINT_URL".to_owned(), address);
    });
    shared.run(async {
        let user = newcomer(&shared).await;
        let hook = Hook::make(&shared, &user).await;

        // Killed when it was out and nobody had noted that.
        let story = failed_story(&shared, &user);
        let (story, held) = kill_sender(&shared, "settle_notices", Moment::Before, story).await;
        assert_eq!(receiver.heard("story.failed", &story).len(), 1);
        hook.try_again().await;
        let twice = receiver.wait_for("story.failed", &story, 2).await;
        assert_eq!(
            (&twice[0].id, &twice[0].body),
            (&twice[1].id, &twice[1].body)
        );
        hook.noted(1).await;
        drop(held);

        // Refused twice, and taken the third time.
        *receiver.refusals.lock().expect("whole") = 2;
        let story = failed_story(&shared, &user).await;
        receiver.wait_for("story.failed", &story, 1).await;
        for attempts in 1..=2 {
            hook.noted(attempts).await;
            hook.try_again().await;
            receiver
                .wait_for("story.failed", &story, attempts + 1)
                .await;
        }
        hook.noted(3).await;
        let heard = receiver.heard("story.failed", &story);
        for one in &heard {
            assert_eq!(one.path, "/hooks.example.com/family");
            assert_eq!((&one.id, &one.body), (&heard[0].id, &heard[0].body));
            assert_eq!(one.signatures, signature(&hook.secret, one));
            assert!(!one.body.contains("Ember"), "{}", one.body);
        }
        let log = hook.log().await;
        let tries = log[0]["attempts"].as_array().expect("tries").iter();
        let statuses: Vec<_> = tries.map(|one| &one["status"]).collect();
        assert_eq!(statuses, [500, 500, 204]);
        assert_eq!(
            (&log[0]["status"], &log[0]["id"]),
            (&json!("delivered"), &json!(heard[0].id))
        );

        // Told once more, and not because a stranger asks.
        let again = format!("/deliveries/{}/redeliver", heard[0].id);
        let stranger = newcomer(&shared).await;
        assert_eq!(hook.post(&stranger.token, &again).await.0, 404);
        assert_eq!(hook.post(&user.token, &again).await.0, 200);
        let told = receiver.wait_for("story.failed", &story, 4).await;
        assert_eq!(told[3].id, heard[0].id);
        hook.noted(4).await;

        // With a new secret both sign; that a story is gone is told as well.
        let (_, rotated) = hook.post(&user.token, "/rotate").await;
        let path = format!("/stories/{story}");
        assert_eq!(user.delete(&shared, &path).await, 204);
        let gone = receiver
            .wait_for("story.deleted", &story, 1)
            .await
            .remove(0);
        let secrets = [&rotated["data"]["secret"], &hook.secret];
        let expected = secrets.map(|secret| signature(secret, &gone));
        assert_eq!(gone.signatures, expected.join(" "));
        hook.noted(1).await;
    });
}

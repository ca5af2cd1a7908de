//! One mail for each way a story ends, whatever dies and however often events come.

use super::{User, assert_documented, newcomer};
use crate::stack::{Shared, own};
use serde_json::{Value, json};
use stack::{
    breakpoints::{Held, Moment},
    mail,
};
use stand_ins::{CallKind, Outcome, Scripted};
use std::{fs, process::Command, time::Duration};

const HANDLER: &str = "timeout-handler";

/// Looks until it is so; the test's own time limit ends it.
pub(super) async fn until(is_so: impl AsyncFn() -> bool) {
    while !is_so().await {
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// A story whose text a safety filter refuses: the quickest end there is.
pub(super) async fn failed_story(shared: &Shared, user: &User) -> String {
    let refused = Scripted::next_of(CallKind::Text, Outcome::Policy);
    shared.stack().stand_ins().script([refused]);
    let id = user.ask_for_story().await;
    user.settled(&id).await;
    id
}

/// The mails about a story, as they lie in the folder.
fn mails(shared: &Shared, story: &str) -> Vec<String> {
    let files = mail::about(shared.stack().home(), story);
    files
        .iter()
        .map(|file| fs::read_to_string(file).expect("a mail"))
        .collect()
}

async fn one_mail(shared: &Shared, story: &str) -> String {
    until(async || !mails(shared, story).is_empty()).await;
    let mut found = mails(shared, story);
    assert_eq!(found.len(), 1, "one mail: {found:#?}");
    found.remove(0)
}

async fn outbox(shared: &Shared, story: &str) -> Value {
    let query = "select to_jsonb(o) from public.notification_outbox o where story_id = $1::uuid";
    sqlx::query_scalar(query)
        .bind(story)
        .fetch_one(shared.stack().pool())
        .await
        .expect("one notice")
}

/// A sweep after every lease and pause is over, until it has ended.
async fn sweep_later(shared: &Shared) {
    sqlx::query(
        "update public.notification_outbox set available_at = now() where available_at > now()",
    )
    .execute(shared.stack().pool())
    .await
    .expect("time passes");
    let emulator = shared.stack().emulator();
    let rule = "storytailor-timeout-handler-production";
    let request = emulator.tick(rule).expect("a sweep");
    let is_it = |record: &stack::lambda::InvocationRecord| record.request_id == request;
    until(async || emulator.invocations().iter().any(is_it)).await;
}

/// Ends the sender's process where its call of this verb stands; the call stays there as long as it is kept.
pub(super) async fn kill_sender<T>(
    shared: &Shared,
    verb: &'static str,
    moment: Moment,
    begin: impl Future<Output = T>,
) -> (T, Held) {
    let breakpoints = shared.stack().breakpoints();
    let standing = breakpoints.arm(moment, move |seen| seen.calls(verb));
    let begun = begin.await;
    let held = standing.await;
    let emulator = shared.stack().emulator();
    let sender = emulator.pid_working_on(HANDLER, "send_notices");
    let sender = sender.expect("the sender is at work").to_string();
    let killed = Command::new("kill").args(["-KILL", &sender]).status();
    assert!(killed.expect("kill runs").success());
    until(async || emulator.pid_working_on(HANDLER, "send_notices").is_none()).await;
    (begun, held)
}

async fn change_settings(shared: &Shared, user: &User, change: &Value) {
    let url = format!("{}/api/v1/users/me", shared.stack().variable("API_URL"));
    let client = reqwest::Client::new();
    let answer = client.patch(url).bearer_auth(&user.token).json(change);
    let answer = answer.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body: Value = answer.json().await.expect("JSON");
    assert_documented("PATCH", "/api/v1/users/me", status, &headers, &body);
    assert_eq!(status, 200, "{body}");
}

#[test]
fn each_outcome_is_one_mail_though_events_come_twice_and_the_service_refuses_the_first_call() {
    let shared = own("notices", |options| options.duplicate_rate = 1.0);
    shared.run(async {
        let user = newcomer(&shared).await;
        let (ses, stand_ins) = (shared.stack().ses(), shared.stack().stand_ins());
        ses.script([Scripted::next_of(CallKind::Mail, Outcome::RateLimited)]);
        let failed = failed_story(&shared, &user).await;
        // One click in a mail program, without a sign-in, as often as it comes: no further mail.
        let mail = one_mail(&shared, &failed).await;
        assert!(
            mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"),
            "{mail}"
        );
        let (_, link) = mail.split_once("List-Unsubscribe: <").expect("a link");
        let (link, _) = link.split_once(">\r\n").expect("its end");
        for _ in 0..2 {
            let click = reqwest::Client::new().post(link);
            let click = click.header("content-type", "application/x-www-form-urlencoded");
            let answer = click.body("List-Unsubscribe=One-Click").send().await;
            assert_eq!(answer.expect("an answer").status(), 200, "{link}");
        }
        let unwanted = failed_story(&shared, &user).await;
        until(async || outbox(&shared, &unwanted).await["dropped_because"] == "unwanted").await;
        assert_eq!(mails(&shared, &unwanted).len(), 0);
        change_settings(&shared, &user, &json!({"notices": true})).await;

        // As asked, and in all plainer words.
        stand_ins.script([Scripted {
            times: 4,
            ..Scripted::next_of(CallKind::Image, Outcome::Policy)
        }]);
        let partial = user.ask_for_story().await;
        user.settled(&partial).await;
        let ready = user.ask_for_story().await;
        user.settled(&ready).await;

        for (story, kind, page) in [
            (&failed, "failed", "story"),
            (&partial, "partial", "story"),
            (&ready, "ready", "read"),
        ] {
            let mail = one_mail(&shared, story).await;
            assert!(
                mail.contains(&format!("X-Notice-Kind: {kind}\r\n")),
                "{mail}"
            );
            assert!(mail.contains(&format!("To: {}@example.com\r\n", user.id)));
            let app = shared.stack().variable("APP_URL");
            let link = format!("{app}{page}.html?id={story}");
            assert_eq!(
                mail.matches(&link).count(),
                2,
                "as text and as HTML: {mail}"
            );
        }
        assert!(
            one_mail(&shared, &partial)
                .await
                .contains("- the picture of the cover\r\n")
        );

        // Whatever was doubled or repeated has ended by now: no second mail comes.
        until(async || outbox(&shared, &ready).await["sent_at"].is_string()).await;
        sweep_later(&shared).await;
        for story in [&failed, &partial, &ready] {
            one_mail(&shared, story).await;
        }

        // Mended, it is told of again: that is another outcome.
        let wish = json!({"assetTypes": ["cover"], "options": {"simplifyPrompt": true}});
        user.api
            .steer(&partial, "retry", &wish)
            .await
            .expect("a retry");
        user.settled(&partial).await;
        until(async || mails(&shared, &partial).len() == 2).await;
        assert!(mails(&shared, &partial)[1].contains("X-Notice-Kind: ready\r\n"));

        for log in fs::read_dir(shared.stack().home().join("logs"))
            .expect("logs")
            .flatten()
        {
            let lines = fs::read_to_string(log.path()).expect("lines");
            assert!(!lines.contains("@example.com"), "an address in {log:?}");
        }
    });
}

#[test]
fn a_sender_that_dies_loses_no_mail_and_a_report_of_the_service_keeps_the_second_one_away() {
    let shared = own("dead-sender", |_| {});
    shared.run(async {
        let user = newcomer(&shared).await;

        // Killed when it had claimed the notice and had not heard so.
        let story = failed_story(&shared, &user);
        let (story, held) = kill_sender(&shared, "claim_notices", Moment::After, story).await;
        assert_eq!(mails(&shared, &story).len(), 0);
        drop(held);
        sweep_later(&shared).await;
        one_mail(&shared, &story).await;

        // Killed when the mail was out and nobody had noted it. The report comes before the lease ends.
        let story = failed_story(&shared, &user);
        let (story, _held) = kill_sender(&shared, "settle_notices", Moment::Before, story).await;
        one_mail(&shared, &story).await;
        let notice = outbox(&shared, &story).await;
        assert_eq!(notice["sent_at"], Value::Null);
        let report = json!({"source": "aws.ses", "detail-type": "Email Sent", "detail": {
            "eventType": "Send", "mail": {"tags": {"notice": [notice["id"].to_string()]}}}});
        let emulator = shared.stack().emulator();
        emulator
            .invoke_event(HANDLER, report.to_string().into())
            .expect("sent");
        until(async || outbox(&shared, &story).await["sent_at"].is_string()).await;
        sweep_later(&shared).await;
        one_mail(&shared, &story).await;

        // Who wants none gets none, and so does whoever's mail came back.
        change_settings(&shared, &user, &json!({"notices": false})).await;
        let story = failed_story(&shared, &user).await;
        until(async || outbox(&shared, &story).await["dropped_because"] == "unwanted").await;
        change_settings(&shared, &user, &json!({"notices": true})).await;
        let bounce = json!({"source": "aws.ses", "detail-type": "Email Bounced", "detail": {"eventType": "Bounce", "mail": {},
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": format!("{}@example.com", user.id)}]}}});
        emulator
            .invoke_event(HANDLER, bounce.to_string().into())
            .expect("sent");
        let stopped = "select notices_stopped from public.users where id = $1";
        until(async || {
            let stopped: Option<String> = sqlx::query_scalar(stopped)
                .bind(user.id)
                .fetch_one(shared.stack().pool())
                .await
                .expect("the user");
            stopped.as_deref() == Some("bounce")
        })
        .await;
        let other = failed_story(&shared, &user).await;
        until(async || outbox(&shared, &other).await["dropped_because"] == "unwanted").await;
        assert_eq!(mails(&shared, &story).len() + mails(&shared, &other).len(), 0);
    });
}

/// As many stories that ended as a busy minute brings, made from one that did; none of their notices is sent.
async fn ended_stories(shared: &Shared, like: &str, count: i32) -> Vec<String> {
    let insert = "with ended as (
          insert into public.stories (id, library_id, creator_user_id, title, character_ids, story_type, status,
            asset_generation_status, asset_generation_completed_at)
          select gen_random_uuid(), library_id, creator_user_id, title, character_ids, story_type, status,
            asset_generation_status, now()
          from public.stories, generate_series(1, $2) where id = $1::uuid
          returning id, creator_user_id)
        insert into public.notification_outbox (story_id, user_id, kind) select id, creator_user_id, 'failed' from ended
        returning story_id::text";
    sqlx::query_scalar(insert)
        .bind(like)
        .bind(count)
        .fetch_all(shared.stack().pool())
        .await
        .expect("stories")
}

#[test]
fn two_hundred_notices_all_arrive_though_a_tenth_of_the_calls_fail_and_senders_die() {
    let shared = own("many-notices", |options| options.duplicate_rate = 0.0);
    shared.run(async {
        let user = newcomer(&shared).await;
        let like = failed_story(&shared, &user).await;
        one_mail(&shared, &like).await;
        let stories = ended_stories(&shared, &like, 200).await;
        let faults = "429=0.05,500=0.05".parse().expect("faults");
        shared.stack().ses().set_faults(faults);
        let emulator = shared.stack().emulator();
        let wake = async || {
            let event = r#"{"action": "send_notices"}"#.to_owned().into();
            emulator.invoke_event(HANDLER, event).expect("sent")
        };

        // Once with a batch claimed, once with a batch out and not noted: that one comes twice.
        let (_, claimed) = kill_sender(&shared, "claim_notices", Moment::After, wake()).await;
        drop(claimed);
        let (_, _out) = kill_sender(&shared, "settle_notices", Moment::Before, wake()).await;
        let unsent = "select count(*) from public.notification_outbox where sent_at is null";
        until(async || {
            sweep_later(&shared).await;
            let unsent: i64 = sqlx::query_scalar(unsent)
                .fetch_one(shared.stack().pool())
                .await
                .expect("a number");
            unsent == 0
        })
        .await;
        let folder = shared.stack().home().join("mail");
        let files = fs::read_dir(folder).expect("mails").flatten();
        let texts: Vec<_> = files
            .map(|file| fs::read_to_string(file.path()).expect("a mail"))
            .collect();
        let about = |story: &String| texts.iter().filter(|mail| mail.contains(story)).count();
        let mails: Vec<_> = stories.iter().map(about).collect();
        assert!(mails.iter().all(|mails| *mails >= 1), "{mails:?}");
        let twice = mails.iter().filter(|mails| **mails > 1).count();
        assert!(
            twice <= 10,
            "one batch was out when its sender died, {twice} came twice"
        );
    });
}

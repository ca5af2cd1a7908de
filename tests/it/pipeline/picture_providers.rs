//! A second provider draws where the first one cannot, under another wire and another key.

use super::{User, asset, demo};
use crate::stack::{Shared, own};
use serde_json::{Value, json};
use stack::breakpoints::{Moment, Server};
use stand_ins::{CallKind, CallRecord, Outcome, Scripted};

const PICTURES: [&str; 5] = ["cover", "scene_1", "scene_2", "scene_3", "scene_4"];

/// Every picture that OpenAI is asked for.
fn always(outcome: Outcome) -> Scripted {
    Scripted {
        times: u32::MAX,
        contains: Some("gpt-image".to_owned()),
        ..Scripted::next_of(CallKind::Image, outcome)
    }
}

fn orders(shared: &Shared) -> Vec<CallRecord> {
    let mut calls = shared.stack().stand_ins().calls();
    calls.retain(|call| call.provider == "bfl" && call.kind == CallKind::Image);
    calls
}

/// Who drew, by the ledger: provider, model, pictures and what they cost.
async fn booked(shared: &Shared, story: &str) -> Vec<(String, String, i64, f64)> {
    sqlx::query_as(
        "select provider, model, count(*), sum(cost_usd)::double precision from public.usage_ledger
        where story_id = $1::uuid and kind = 'picture' group by provider, model order by provider, model",
    )
    .bind(story)
    .fetch_all(shared.stack().pool())
    .await
    .expect("rows")
}

fn assert_whole(story: &Value) {
    let status = &story["asset_generation_status"];
    assert_eq!(status["overall"], "ready", "{status}");
    for picture in PICTURES {
        let picture = asset(story, picture);
        assert_eq!(picture["isPlaceholder"], Value::Null, "{picture}");
    }
}

#[test]
fn a_second_provider_draws_where_the_first_one_is_dead_and_takes_no_words_that_were_refused() {
    let shared = own("second-provider", |options| {
        let settings = [
            ("BFL_API_KEY", "local"),
            ("JOB_LEASE_SECONDS", "5"),
            // The second ends on 2026-12-11, as OpenAI lists it.
            ("OPENAI_ANALYSIS_MODEL", "gpt-5.2,gpt-5-nano"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        options.overrides.extend(settings);
    });
    shared.run(async {
        let user = demo(&shared);
        dead_provider(&shared, &user).await;
        refused_words(&shared, &user).await;
        killed_between(&shared, &user).await;
        models_looked_at(&shared).await;
    });
}

async fn dead_provider(shared: &Shared, user: &User) {
    let stand_ins = shared.stack().stand_ins();
    stand_ins.script([always(Outcome::Overloaded)]);
    let id = user.ask_for_story().await;
    let story = user.settled(&id).await;
    assert_whole(&story);
    assert_eq!(orders(shared).len(), 5);
    let cover = &asset(&story, "cover")["metadata"]["validation"]["tries"][0];
    assert_eq!(cover["model"], "flux-2-pro", "{cover}");
    let booked = booked(shared, &id).await;
    let [(provider, model, pictures, usd)] = booked.as_slice() else {
        panic!("one of them drew: {booked:?}");
    };
    assert_eq!(
        (provider.as_str(), model.as_str(), *pictures),
        ("bfl", "flux-2-pro", 5)
    );
    // A cover from words alone, and four scenes that were shown it.
    assert!((usd - (0.03 + 4.0 * 0.045)).abs() < 1e-6, "{usd}");
    stand_ins.clear_script();
}

/// As an environment begins that nothing went wrong in yet.
async fn begin_anew(shared: &Shared) {
    let emulator = shared.stack().emulator();
    emulator
        .replace_instances("content-agent")
        .expect("a new instance");
    let stand_ins = shared.stack().stand_ins();
    stand_ins.clear_script();
    stand_ins.clear_calls();
}

async fn refused_words(shared: &Shared, user: &User) {
    begin_anew(shared).await;
    let mut refusal = always(Outcome::Policy);
    refusal.contains = Some("Scene number: 3".to_owned());
    shared.stack().stand_ins().script([refusal]);
    let id = user.ask_for_story().await;
    let story = user.settled(&id).await;
    let scene = asset(&story, "scene_3");
    assert_eq!(scene["isPlaceholder"], true, "{scene}");
    assert_eq!(scene["error"], "Content policy violation");
    assert_eq!(scene["metadata"]["reason"], "REFUSED_BY_FILTER");
    assert_eq!(
        orders(shared).len(),
        0,
        "words that were refused are shown to nobody else"
    );
    let calls = shared.stack().stand_ins().calls();
    let refused = calls.iter().filter(|call| call.fault.is_some()).count();
    assert_eq!(
        refused, 4,
        "as asked, in plainer words, from far away, and as a symbol"
    );
}

/// The process dies while the second provider is asked, before anything is paid there.
async fn killed_between(shared: &Shared, user: &User) {
    begin_anew(shared).await;
    let stack = shared.stack();
    stack.stand_ins().script([always(Outcome::Overloaded)]);
    let reached = stack.breakpoints().arm(Moment::Before, |seen| {
        seen.server == Server::OpenAi && seen.path.starts_with("/v1/flux-")
    });
    let id = user.ask_for_story().await;
    let held = reached.await;
    // The text was written meanwhile, in the same process; it is not in flight any more.
    user.until(&id, |status| {
        status["assets"]["content"]["status"] == "ready"
    })
    .await;
    let pid = stack.emulator().pid_working_on("content-agent", &id);
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid.expect("somebody draws").to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    drop(held);
    let story = user.settled(&id).await;
    assert_whole(&story);
    let calls = stack.stand_ins().calls();
    let texts = calls
        .iter()
        .filter(|call| call.kind == CallKind::Text && call.paid);
    let stories = texts
        .filter(|call| call.schema.as_deref() == Some("story"))
        .count();
    assert_eq!(stories, 1, "the text was stored");
    // The one that stood there when its sender died went on, for nobody.
    assert!(orders(shared).len() <= 5 + 1, "{:?}", orders(shared));
    assert_eq!(
        story["asset_generation_status"]["assets"]["cover"]["version"],
        json!(1)
    );
}

/// What the daily rule sends.
async fn models_looked_at(shared: &Shared) {
    let emulator = shared.stack().emulator();
    let mut log = emulator.log_lines();
    let event = json!({"action": "check_models"}).to_string();
    emulator
        .invoke_event("content-agent", event.into())
        .expect("accepted");
    let mut told = Vec::new();
    loop {
        let line = log.recv().await.expect("no line is lost");
        let line: Value = serde_json::from_str(&line.text).unwrap_or_default();
        match line["message"].as_str() {
            Some("A configured model or voice ends") => told.push(line["model"].clone()),
            Some("Models and voices looked at") => break,
            _ => (),
        }
    }
    assert!(told.contains(&json!("gpt-5-nano")), "{told:?}");
    assert!(!told.contains(&json!("gpt-5.2")), "{told:?}");
}

//! Every row of docs/PROVIDER_ERRORS.md: what a provider does, what the user sees of it, and that nothing is bought twice.

mod faults;
mod table;

use super::{User, asset, demo};
use crate::{
    proxy::{Exchange, Proxy, Rule, own_with_proxy},
    stack::Shared,
};
use serde_json::{Value, json};
use stack::lambda::Faults;
use stand_ins::{CallKind, Outcome, PictureReuse, Scripted};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use table::{Becomes, Row};

/// Stories that are made side by side.
const AT_ONCE: usize = 8;
/// What only Black Forest Labs is asked for.
const OF_BFL: [&str; 3] = ["order", "standing", "picture_file"];

const LOOKS: &str = r#"{"skin":"soft green scales"}"#;

#[test]
fn what_openai_and_elevenlabs_do_wrong_is_told_as_documented_and_nothing_is_bought_twice() {
    let (shared, proxy) = own_with_proxy("provider-errors", |options| {
        options.overrides.extend(patience());
    });
    check_rows(&shared, &proxy, |row| !OF_BFL.contains(&row.kind.as_str()));
}

#[test]
fn what_black_forest_labs_does_wrong_is_told_as_documented_and_nothing_is_bought_twice() {
    let (shared, proxy) = own_with_proxy("bfl-errors", |options| {
        options.overrides.extend(patience());
        for (name, value) in [
            ("BFL_API_KEY", "local"),
            ("IMAGE_PROVIDERS", "bfl"),
            // Their stand-in draws anew for each order.
            ("PICTURE_TRY_SECONDS", "15"),
        ] {
            options.overrides.insert(name.to_owned(), value.to_owned());
        }
    });
    check_rows(&shared, &proxy, |row| OF_BFL.contains(&row.kind.as_str()));
}

/// Nobody waits for long here.
fn patience() -> [(String, String); 2] {
    ["PROVIDER_TRY_SECONDS", "PICTURE_TRY_SECONDS"].map(|name| (name.to_owned(), "8".to_owned()))
}

fn check_rows(shared: &Shared, proxy: &Proxy, is_meant: impl Fn(&Row) -> bool) {
    let place = stack::home::workspace().join("docs/PROVIDER_ERRORS.md");
    let mut rows = table::read(&std::fs::read_to_string(place).expect("the table"));
    rows.retain(is_meant);
    assert!(rows.len() >= 10, "the table is read");
    let different = shared.run_within(Duration::from_secs(280), async {
        let stack = shared.stack();
        stack.stand_ins().set_picture_reuse(PictureReuse::PerScene);
        stack.emulator().set_faults(Faults {
            always_cold: Some("content-agent"),
            ..Faults::default()
        });
        let user = demo(shared);
        let next = AtomicUsize::new(0);
        let work = async || {
            let mut different = Vec::new();
            while let Some(row) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                rows.get(at).map(|row| (at, row))
            } {
                different.extend(check(shared, proxy, &user, row).await);
            }
            different
        };
        let all = futures::future::join_all((0..AT_ONCE).map(|_| work()));
        tokio::select! {
            found = all => found.concat(),
            () = hurry(shared) => Vec::new(),
        }
    });
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Pauses between attempts are over at once.
async fn hurry(shared: &Shared) {
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let due = sqlx::query(
            "update public.asset_generation_jobs set available_at = now() where status = 'queued' and attempt > 0 and available_at > now()",
        );
        let due = due.execute(shared.stack().pool()).await.expect("jobs");
        if due.rows_affected() > 0 {
            let woken = shared
                .stack()
                .emulator()
                .invoke_event("asset-worker", "{}".into());
            woken.expect("a worker");
        }
    }
}

/// What is different from the row, in words.
async fn check(shared: &Shared, proxy: &Proxy, user: &User, row: (usize, &Row)) -> Vec<String> {
    let (number, row) = row;
    let letter = |number: usize| char::from(b'a' + (number % 26) as u8);
    let name = format!("Mira{}{}", letter(number / 26), letter(number));
    proxy.listen_for(&name);
    // What the API asks about a wish is no part of the row.
    let is_later = row.kind == "moderation";
    if !is_later {
        spoil(shared, proxy, row, &name);
    }
    let id = ask(user, &name, row).await;
    if is_later {
        spoil(shared, proxy, row, &name);
    }
    let story = settled(shared, user, &id).await;
    let exchanges = proxy.about(&name);
    let booked = booked(shared, &story).await;
    let seen = Row {
        becomes: becomes(&story, row, &exchanges, &booked),
        ..row.clone()
    };
    let mut different = Vec::new();
    if seen != *row {
        different.push(format!("{}: {seen}\n  expected {row}", row.kind));
    }
    for problem in money(row, &exchanges, &booked) {
        different.push(format!(
            "{} {} {:?}: {problem}",
            row.kind, row.fault, row.times
        ));
    }
    different
}

fn spoil(shared: &Shared, proxy: &Proxy, row: &Row, name: &str) {
    let times = row.times.unwrap_or(u32::MAX);
    if row.fault == "a failed check" {
        shared.stack().stand_ins().script([Scripted {
            times,
            contains: Some(look_at(name)),
            ..Scripted::next_of(CallKind::Text, Outcome::CheckFails)
        }]);
    } else {
        proxy.spoil(Rule {
            about: Some(name.to_owned()),
            kind: row.kind.clone(),
            times,
            spoil: faults::spoil(&row.kind, &row.fault),
        });
    }
}

/// How the question begins whether a cover shows a hero of this name, as JSON within JSON.
fn look_at(name: &str) -> String {
    let asked = format!(
        r#""assetType":"cover","characters":[{{"age":null,"appearance":{LOOKS},"name":"{name}""#
    );
    asked.replace('"', r#"\""#)
}

/// The asset that such requests are made for.
fn asset_of(kind: &str) -> &'static str {
    match kind {
        "story" | "moderation" => "content",
        "activities" => "activities",
        "speech" => "audio",
        _ => "cover",
    }
}

/// No more is made than is looked at.
async fn ask(user: &User, name: &str, row: &Row) -> String {
    let looks: Value = serde_json::from_str(LOOKS).expect("JSON");
    let hero = json!({"name": name, "species": "dragon", "appearance": looks});
    let hero = user.api.create_character(&hero).await.expect("a character");
    let mut wish =
        json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": ["courage"]});
    match asset_of(&row.kind) {
        "content" => wish["generateAssets"] = json!(false),
        asset => wish["assetTypes"] = json!([asset]),
    }
    let story = user.api.create_story(&wish).await.expect("a story");
    story["id"].as_str().expect("an id").to_owned()
}

/// The story once it is settled. The database is asked, for the API has more to do.
async fn settled(shared: &Shared, user: &User, id: &str) -> Value {
    loop {
        let overall: String = sqlx::query_scalar(
            "select asset_generation_status->>'overall' from public.stories where id = $1::uuid",
        )
        .bind(id)
        .fetch_one(shared.stack().pool())
        .await
        .expect("a story");
        if overall != "generating" {
            return user.settled(id).await;
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

async fn booked(shared: &Shared, story: &Value) -> BTreeMap<String, usize> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select kind, count(*) from public.usage_ledger where story_id = $1::uuid group by kind",
    )
    .bind(story["id"].as_str())
    .fetch_all(shared.stack().pool())
    .await
    .expect("rows");
    rows.into_iter()
        .map(|(kind, count)| (kind, count as usize))
        .collect()
}

fn becomes(
    story: &Value,
    row: &Row,
    exchanges: &[Exchange],
    booked: &BTreeMap<String, usize>,
) -> Becomes {
    let asset = asset(story, asset_of(&row.kind));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut state = text(&asset["status"]);
    if asset["isPlaceholder"] == true {
        state += ", placeholder";
    }
    let known = booked.get(ledger_kind(&row.kind));
    let of_kind = exchanges.iter().filter(|one| one.kind == row.kind);
    Becomes {
        overall: text(&story["asset_generation_status"]["overall"]),
        asset: state,
        code: text(&asset["code"]),
        words: text(&asset["error"]),
        calls: table::as_allowed(&row.becomes.calls, of_kind.count()),
        booked: table::as_allowed(&row.becomes.booked, known.copied().unwrap_or_default()),
    }
}

/// As the ledger calls it.
fn ledger_kind(kind: &str) -> &str {
    match kind {
        "order" | "standing" | "picture_file" => "picture",
        kind => kind,
    }
}

/// Whatever began as a success is in the ledger, once; and nothing that came as it should was asked for again.
fn money(row: &Row, exchanges: &[Exchange], booked: &BTreeMap<String, usize>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut billed = BTreeMap::new();
    let mut good = BTreeMap::new();
    for one in exchanges.iter().filter(|one| one.costs()) {
        *billed.entry(ledger_kind(&one.kind).to_owned()).or_default() += 1;
        // An order that came to nothing is placed again; and a look that finds fault has the same picture drawn again.
        let came = match one.kind.as_str() {
            "order" => !["failed task", "half a file"].contains(&row.fault.as_str()),
            "picture" | "image_check" => row.fault != "a failed check",
            _ => true,
        };
        if came && !one.is_spoilt {
            *good.entry((&one.kind, one.same())).or_insert(0) += 1;
        }
    }
    if row.fault.starts_with("policy") && ledger_kind(&row.kind) == "picture" {
        // In place of a hero that was refused stands a symbol, in words that name nobody.
        *billed.entry("picture".to_owned()).or_default() += 1;
        *billed.entry("image_check".to_owned()).or_default() += 1;
    }
    if billed != *booked {
        problems.push(format!("billed {billed:?}, booked {booked:?}"));
    }
    for ((kind, _), times) in good {
        if times > 1 {
            problems.push(format!("the same {kind} was bought {times} times"));
        }
    }
    problems
}

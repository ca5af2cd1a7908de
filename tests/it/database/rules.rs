//! The rules in SQL are the rules in `domain`: pair by pair, asset by asset, bound by bound.

use super::fixture::Database;
use domain::{
    AssetType,
    character::{CharacterForm, NewCharacter},
    job::{JobEvent, JobStatus},
    request::{NewStory, StoryForm},
    retry,
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;

#[tokio::test]
async fn every_event_leads_every_state_where_domain_says() {
    let database = Database::new().await;
    for status in JobStatus::ALL {
        for event in JobEvent::ALL {
            let sql: Option<String> = sqlx::query_scalar("select public.next_job_status($1, $2)")
                .bind(status.name())
                .bind(event.name())
                .fetch_one(&database.superuser)
                .await
                .unwrap();
            assert_eq!(
                sql.as_deref(),
                status.after(event).ok().map(JobStatus::name),
                "{status:?} {event:?}"
            );
        }
    }
}

#[tokio::test]
async fn every_asset_needs_and_retries_what_domain_says() {
    let database = Database::new().await;
    for asset in AssetType::ALL {
        let name = asset.name();
        let mut needs: Vec<String> = database
            .value(&format!("select public.asset_inputs('{name}')"))
            .await;
        let mut expected: Vec<_> = asset
            .inputs()
            .iter()
            .map(|input| input.name().to_owned())
            .collect();
        needs.sort();
        expected.sort();
        assert_eq!(needs, expected, "{asset}");
        let retries: i32 = database
            .value(&format!("select public.max_retries('{name}')"))
            .await;
        assert_eq!(
            u32::try_from(retries),
            Ok(retry::max_retries(asset)),
            "{asset}"
        );
        for so_far in 0..retry::max_retries(asset) {
            let seconds: f64 = database
                .value(&format!(
                    "select public.retry_delay_seconds('{name}', {so_far})"
                ))
                .await;
            assert_eq!(
                seconds,
                retry::pause_before_retry(asset, so_far).as_secs_f64(),
                "{asset} after {so_far}"
            );
        }
    }
}

#[tokio::test]
async fn a_job_goes_only_where_some_event_leads() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    for from in JobStatus::ALL {
        for to in JobStatus::ALL {
            let legal = from == to
                || JobEvent::ALL
                    .into_iter()
                    .any(|event| from.after(event) == Ok(to));
            let moved = force(&database, &story.id, from, to).await;
            assert_eq!(moved, legal, "{from:?} to {to:?}");
        }
    }
}

/// Puts the cover's job into one state behind the guard's back, then into another in its sight.
async fn force(database: &Database, story: &str, from: JobStatus, to: JobStatus) -> bool {
    let set = |status: JobStatus| {
        let leased = status == JobStatus::Generating;
        format!(
            "update public.asset_generation_jobs set status = '{}', url = 'https://cdn.example/x',
               lease_token = {}, lease_expires_at = {}, completed_at = {}
             where story_id = '{story}' and asset_type = 'cover'",
            status.name(),
            if leased { "gen_random_uuid()" } else { "null" },
            if leased { "now()" } else { "null" },
            if status.is_settled() { "now()" } else { "null" },
        )
    };
    database
        .arrange(&format!(
            "set session_replication_role = replica; {}; set session_replication_role = origin",
            set(from)
        ))
        .await;
    match sqlx::query(AssertSqlSafe(set(to)))
        .execute(&database.service)
        .await
    {
        Ok(_) => true,
        Err(sqlx::Error::Database(error)) if error.message().contains("may not go from") => false,
        Err(error) => panic!("{from:?} to {to:?}: {error}"),
    }
}

/// Design, section 4, in the words of the document.
fn overall(content: &str, others: &[&str]) -> &'static str {
    let all = || others.iter().copied().chain([content]);
    if matches!(content, "failed" | "cancelled") {
        "failed"
    } else if all().any(|status| matches!(status, "pending" | "generating" | "retrying")) {
        "generating"
    } else if all().all(|status| matches!(status, "ready" | "skipped")) {
        "ready"
    } else {
        "partial"
    }
}

#[tokio::test]
async fn the_overall_status_follows_from_the_assets_alone() {
    let database = Database::new().await;
    let statuses = [
        "pending",
        "generating",
        "ready",
        "failed",
        "retrying",
        "cancelled",
        "skipped",
    ];
    let mut cases = Vec::new();
    let mut expected = Vec::new();
    for content in statuses {
        for cover in statuses {
            for pdf in statuses {
                cases.push(json!({"content": {"status": content}, "cover": {"status": cover}, "pdf": {"status": pdf}}));
                expected.push(overall(content, &[cover, pdf]));
            }
        }
    }
    let answers: Vec<String> = sqlx::query_scalar("select public.overall_status(c) from jsonb_array_elements($1) with ordinality as t(c, n) order by n")
        .bind(Value::Array(cases.clone()))
        .fetch_all(&database.superuser)
        .await
        .unwrap();
    for ((case, answer), expected) in cases.iter().zip(&answers).zip(expected) {
        assert_eq!(answer, expected, "{case}");
    }
    assert_eq!(answers.len(), 343);
}

#[tokio::test]
async fn what_failed_twice_travels_alone_on_both_sides() {
    let database = Database::new().await;
    for retries in 0..6 {
        let alone: bool = database
            .value(&format!("select private.travels_alone({retries})"))
            .await;
        assert_eq!(
            alone,
            retry::travels_alone(retries),
            "after {retries} retries"
        );
    }
}

#[tokio::test]
async fn a_job_is_settled_in_the_same_states_on_both_sides() {
    let database = Database::new().await;
    for status in JobStatus::ALL {
        let settled: bool = database
            .value(&format!("select private.is_settled('{}')", status.name()))
            .await;
        assert_eq!(settled, status.is_settled(), "{status:?}");
    }
}

#[tokio::test]
async fn a_job_fails_with_the_codes_of_the_api_document_and_no_others() {
    let database = Database::new().await;
    let document = stack::home::workspace().join("functions/universal-agent/openapi.json");
    let document: Value =
        serde_json::from_str(&std::fs::read_to_string(document).unwrap()).unwrap();
    let documented: BTreeSet<&str> = document["components"]["schemas"]["AssetErrorCode"]["enum"]
        .as_array()
        .expect("a list of codes")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let constraint = definition(&database, "jobs_error_code_is_known").await;
    let codes = constraint
        .split(['{', '}'])
        .nth(1)
        .expect("a list of codes");
    assert_eq!(codes.split(',').collect::<BTreeSet<_>>(), documented);
}

/// The definition of a constraint, as the catalogue writes it.
async fn definition(database: &Database, constraint: &str) -> String {
    let query = "select pg_get_constraintdef(oid) from pg_constraint where conname";
    database.value(&format!("{query} = '{constraint}'")).await
}

/// The texts in quotes.
fn quoted(definition: &str) -> BTreeSet<&str> {
    definition.split('\'').skip(1).step_by(2).collect()
}

#[tokio::test]
async fn a_job_has_the_states_events_and_assets_of_domain_and_no_others() {
    let database = Database::new().await;
    assert_eq!(
        quoted(&definition(&database, "jobs_status_is_known").await),
        JobStatus::ALL.map(JobStatus::name).into()
    );
    assert_eq!(
        quoted(&definition(&database, "jobs_asset_type_is_known").await),
        AssetType::ALL.map(AssetType::name).into()
    );
    let guard: String = database
        .value("select prosrc from pg_proc where oid = 'private.guard_job_transition'::regproc")
        .await;
    let events = guard.split(['{', '}']).nth(1).expect("a list of events");
    assert_eq!(
        events.split(',').collect::<BTreeSet<_>>(),
        JobEvent::ALL.map(JobEvent::name).into()
    );
}

#[tokio::test]
async fn every_plan_includes_every_asset_of_domain() {
    let database = Database::new().await;
    let plans: Vec<(String, Vec<String>)> =
        sqlx::query_as("select code, asset_types from public.tiers")
            .fetch_all(&database.superuser)
            .await
            .unwrap();
    assert_eq!(plans.len(), 4);
    for (plan, assets) in plans {
        let assets: BTreeSet<_> = assets.iter().map(String::as_str).collect();
        assert_eq!(assets, AssetType::ALL.map(AssetType::name).into(), "{plan}");
    }
}

/// The bounds a constraint sets, from its definition such as `CHECK (((age >= 0) AND (age <= 1000)))`.
fn bounds(definition: &str) -> (usize, usize) {
    let numbers: Vec<usize> = definition
        .split(|sign: char| !sign.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    match numbers[..] {
        [least, most] => (least, most),
        _ => panic!("two bounds in {definition}"),
    }
}

/// Whether a request with so many of something is taken.
type Accepts = fn(usize) -> bool;

fn accepts_title(length: usize) -> bool {
    let form = json!({"character_ids": [uuid::Uuid::nil()], "story_type": "adventure", "themes": [],
        "title": "x".repeat(length)});
    let form: StoryForm = serde_json::from_value(form).unwrap();
    NewStory::try_from(form).is_ok()
}

fn accepts_heroes(count: usize) -> bool {
    let heroes: Vec<_> = (0..count)
        .map(|number| uuid::Uuid::from_u128(number as u128))
        .collect();
    let form = json!({"character_ids": heroes, "story_type": "adventure", "themes": []});
    let form: StoryForm = serde_json::from_value(form).unwrap();
    NewStory::try_from(form).is_ok()
}

fn accepts_hero(hero: Value) -> bool {
    let form: CharacterForm = serde_json::from_value(hero).unwrap();
    NewCharacter::try_from(form).is_ok()
}

fn accepts_name(length: usize) -> bool {
    accepts_hero(json!({"name": "x".repeat(length)}))
}

fn accepts_age(age: usize) -> bool {
    accepts_hero(json!({"name": "Ember", "age": age}))
}

#[tokio::test]
async fn a_request_is_bounded_as_the_tables_are() {
    let database = Database::new().await;
    let tables: [(&str, Accepts); 4] = [
        ("stories_title_length", accepts_title),
        ("stories_have_characters", accepts_heroes),
        ("characters_name_length", accepts_name),
        ("characters_age_range", accepts_age),
    ];
    for (constraint, accepts) in tables {
        let (least, most) = bounds(&definition(&database, constraint).await);
        assert!(accepts(least) && accepts(most), "{constraint}");
        assert!(!accepts(most + 1), "{constraint}");
        assert!(least == 0 || !accepts(least - 1), "{constraint}");
    }
}

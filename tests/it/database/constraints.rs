//! What the constraints of the tables allow is what `domain` allows.

use super::fixture::Database;
use domain::{
    AssetType, FailureCode,
    character::{CharacterForm, NewCharacter},
    job::{JobEvent, JobStatus},
    library::LibraryName,
    request::{NewStory, Priority, StoryForm},
    status::StoryStatus,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_story_has_the_states_and_a_job_the_priorities_of_domain() {
    let database = Database::new().await;
    let known: BTreeSet<&str> = StoryStatus::ALL
        .iter()
        .map(|status| status.name())
        .collect();
    let constraint = definition(&database, "stories_status_is_known").await;
    assert_eq!(quoted(&constraint), known);
    let constraint = definition(&database, "jobs_priority_is_known").await;
    let priorities = quoted(&constraint);
    let of_plans = definition(&database, "tiers_priorities_are_known").await;
    assert_eq!(listed(&of_plans), priorities);
    assert_eq!(priorities.len(), 3);
    for priority in priorities {
        let read: Result<Priority, _> = serde_json::from_value(json!(priority));
        assert!(read.is_ok(), "{priority}");
    }
}

#[tokio::test]
async fn a_job_fails_with_the_codes_of_domain_and_no_others() {
    let database = Database::new().await;
    let constraint = definition(&database, "jobs_error_code_is_known").await;
    let codes = constraint
        .split(['{', '}'])
        .nth(1)
        .expect("a list of codes");
    assert_eq!(
        codes.split(',').collect::<BTreeSet<_>>(),
        FailureCode::ALL.map(FailureCode::code).into()
    );
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

/// The texts of the array in a definition.
fn listed(definition: &str) -> BTreeSet<&str> {
    let list = definition.split(['{', '}']).nth(1).expect("an array");
    list.split(',').collect()
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
    let constraint = definition(&database, "tiers_assets_are_known").await;
    assert_eq!(
        listed(&constraint),
        AssetType::ALL.map(AssetType::name).into()
    );
}

#[tokio::test]
async fn every_way_to_more_that_a_plan_names_is_a_plan_or_a_pack() {
    let database = Database::new().await;
    let unknown = "(select unnest(upgrade_options) as code from public.tiers) as named
        where code not in (select code from public.tiers union select code from public.packs)";
    assert_eq!(database.count(unknown).await, 0);
    let all = "(select unnest(upgrade_options) from public.tiers) as named";
    assert!(database.count(all).await > 3);
}

#[tokio::test]
async fn a_plan_that_could_make_no_story_is_no_plan() {
    let database = Database::new().await;
    for assets in ["{cover}", "{content,pdf}", "{content,wings}"] {
        let changed =
            sqlx::query("update public.tiers set asset_types = $1::text[] where code = 'free'")
                .bind(assets)
                .execute(&database.superuser)
                .await;
        assert!(changed.is_err(), "{assets}");
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

fn accepts_library(length: usize) -> bool {
    "x".repeat(length).parse::<LibraryName>().is_ok()
}

fn accepts_age(age: usize) -> bool {
    accepts_hero(json!({"name": "Ember", "age": age}))
}

#[tokio::test]
async fn a_request_is_bounded_as_the_tables_are() {
    let database = Database::new().await;
    let tables: [(&str, Accepts); 5] = [
        ("stories_title_length", accepts_title),
        ("stories_have_characters", accepts_heroes),
        ("characters_name_length", accepts_name),
        ("libraries_name_length", accepts_library),
        ("characters_age_range", accepts_age),
    ];
    for (constraint, accepts) in tables {
        let (least, most) = bounds(&definition(&database, constraint).await);
        assert!(accepts(least) && accepts(most), "{constraint}");
        assert!(!accepts(most + 1), "{constraint}");
        assert!(least == 0 || !accepts(least - 1), "{constraint}");
    }
}

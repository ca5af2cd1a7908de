//! The rules in SQL are the rules in `domain`: pair by pair and asset by asset.

use super::fixture::Database;
use domain::{
    AssetType,
    job::{JobEvent, JobStatus},
    retry,
    status::{AssetStatus, Overall},
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
async fn every_asset_needs_what_domain_says() {
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
        let text: Option<String> = database
            .value(&format!("select public.text_needed('{name}')"))
            .await;
        let needed = asset.text_needed().map(|needed| needed.name().to_owned());
        assert_eq!(text, needed, "{asset}");
    }
}

/// Pauses before the retries of an asset, seconds.
async fn pauses(database: &Database, asset: AssetType) -> Vec<f64> {
    let sql = format!(
        "select coalesce(array_agg(public.retry_delay_seconds('{asset}', n) order by n), '{{}}')
        from generate_series(0, public.max_retries('{asset}') - 1) as n"
    );
    database.value(&sql).await
}

#[tokio::test]
async fn the_text_waits_one_two_four_seconds_the_voice_five_and_ten_until_an_operator_says_otherwise()
 {
    let database = Database::new().await;
    for asset in AssetType::ALL {
        let expected = match asset {
            AssetType::Content | AssetType::Activities => vec![1.0, 2.0, 4.0],
            AssetType::Audio => vec![5.0, 10.0],
            AssetType::Pdf => vec![0.0; 2],
            _ => vec![0.0; 3],
        };
        assert_eq!(pauses(&database, asset).await, expected, "{asset}");
    }
    sqlx::query(
        "update private.retry_policies set max_retries = 4 where asset_type in ('audio', 'cover')",
    )
    .execute(&database.superuser)
    .await
    .unwrap();
    assert_eq!(
        pauses(&database, AssetType::Audio).await,
        [5.0, 10.0, 10.0, 10.0]
    );
    assert_eq!(pauses(&database, AssetType::Cover).await, [0.0; 4]);
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

/// The rule in words: no text, no story, and why; anything under way, generating; all there or skipped, ready; else partial.
fn overall(content: &str, others: &[&str]) -> &'static str {
    let all = || others.iter().copied().chain([content]);
    if content == "failed" {
        "failed"
    } else if content == "cancelled" {
        "cancelled"
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
    let statuses = AssetStatus::ALL.iter().map(|status| status.name());
    let mut cases = Vec::new();
    let mut expected = Vec::new();
    for content in statuses.clone() {
        for cover in statuses.clone() {
            for pdf in statuses.clone() {
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
    let reached: BTreeSet<&str> = answers.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = Overall::ALL.iter().map(|overall| overall.name()).collect();
    assert_eq!(reached, known);
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
async fn an_asset_is_shown_in_every_state_of_domain_and_in_no_other() {
    let database = Database::new().await;
    let mut shown = BTreeSet::new();
    for asset in [AssetType::Content, AssetType::Cover] {
        for status in JobStatus::ALL {
            for retries in [0, 1] {
                let job = json!({"asset_type": asset.name(), "status": status.name(), "retry_count": retries});
                let state: String = database
                    .value(&format!(
                        "select private.asset_state(j, j, '{{}}') ->> 'status'
                         from jsonb_populate_record(null::public.asset_generation_jobs, '{job}') as j"
                    ))
                    .await;
                shown.insert(state);
            }
        }
    }
    let known: BTreeSet<String> = AssetStatus::ALL
        .iter()
        .map(AssetStatus::to_string)
        .collect();
    assert_eq!(shown, known);
}

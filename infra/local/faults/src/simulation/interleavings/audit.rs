//! Watches every write by triggers of its own, and checks the invariants against what it saw.

use super::moves::World;
use crate::{Story, TestDatabase};
use serde_json::Value;
use std::collections::BTreeMap;

// The stories of the seed before are gone, so that each audit is of its own.
const TRIGGERS: &str = "
    drop schema if exists audit cascade;
    truncate public.stories cascade;
    create schema audit;
    create table audit.stories (n bigint generated always as identity, story_id uuid, version bigint, status jsonb);
    create table audit.completions (job_id uuid, lease_token uuid);
    create table audit.read_by (lease_token uuid primary key, text_lease uuid);
    create table audit.mixes (story_id uuid, asset text, shown jsonb);
    create function audit.text_lease(p_story_id uuid) returns uuid language sql as $$
      select (v.result #>> '{content,lease}')::uuid
      from public.asset_generation_jobs c join public.asset_versions v
        on v.story_id = c.story_id and v.asset_type = 'content' and v.version = c.asset_version
      where c.story_id = p_story_id and c.asset_type = 'content'
    $$;
    create function audit.story() returns trigger language plpgsql security definer as $$
    begin
      insert into audit.stories (story_id, version, status) values (new.id, new.version, new.asset_generation_status);
      insert into audit.mixes
      select new.id, shown.asset, shown.state from (
        select a.key as asset, a.value as state, coalesce(a.value #>> '{data,lease}', substring(a.value ->> 'url' from '[^/]+$')) as made_by
        from jsonb_each(new.asset_generation_status -> 'assets') as a
        union all
        select 'words', new.asset_generation_status #> '{assets,audio}', new.audio_words #>> '{0,txt}') as shown
      join audit.read_by r on r.lease_token::text = shown.made_by
      where shown.state ->> 'stale' is distinct from 'true' and r.text_lease::text is distinct from new.content ->> 'lease';
      insert into audit.mixes
      select new.id, 'words', new.audio_words from (select substring(new.asset_generation_status #>> '{assets,audio,url}' from '[^/]+$') as made_by) as audio
      where audio.made_by is distinct from new.audio_words #>> '{0,txt}';
      return null;
    end $$;
    create function audit.job() returns trigger language plpgsql security definer as $$
    begin
      if old.status = 'generating' and new.status = 'ready' then
        insert into audit.completions values (new.id, old.lease_token);
      elsif old.status = 'queued' and new.status = 'generating' and new.asset_type <> 'content' then
        insert into audit.read_by values (new.lease_token, audit.text_lease(new.story_id));
      end if;
      return null;
    end $$;
    create trigger audit_story after insert or update on public.stories for each row execute function audit.story();
    create trigger audit_job after update on public.asset_generation_jobs for each row execute function audit.job();";

/// Proof that the triggers are there.
pub(super) struct Audit(());

impl Audit {
    pub(super) async fn install(database: &TestDatabase) -> Self {
        database.arrange(TRIGGERS).await;
        Self(())
    }

    /// What must hold between any two calls.
    pub(super) async fn check_states(&self, database: &TestDatabase) {
        let query = "select coalesce(jsonb_agg(jsonb_build_object('story', to_jsonb(s), 'jobs',
              (select jsonb_agg(to_jsonb(j)) from public.asset_generation_jobs j where j.story_id = s.id),
            'notices', (select count(*) from public.notification_outbox o where o.story_id = s.id and
              o.kind = case s.asset_generation_status ->> 'overall' when 'failed' then 'failure' else 'completion' end),
            'credits', (select coalesce(sum(delta), 0) from public.credit_ledger l where l.story_id = s.id),
            'user', (select to_jsonb(u) from public.users u where u.id = s.creator_user_id))), '[]') from public.stories s";
        let stories: Value = database.value(query).await;
        for found in stories.as_array().expect("a list of stories") {
            check_story(found);
        }
    }

    /// Whoever looked at a story at any moment saw assets of its text alone, but for those marked as stale; and the words
    /// of the recording beside them.
    async fn check_readers(&self, database: &TestDatabase) {
        let mixes: Value = database
            .value("select coalesce(jsonb_agg(to_jsonb(m)), '[]') from audit.mixes m")
            .await;
        assert_eq!(mixes, serde_json::json!([]), "two texts in one row");
    }

    /// What must hold over the whole run.
    pub(super) async fn check_history(&self, database: &TestDatabase, world: &World) {
        self.check_readers(database).await;
        check_deleted(database, &world.deleted).await;
        let rows: Vec<(String, i64, Value)> =
            sqlx::query_as("select story_id::text, version, status from audit.stories order by n")
                .fetch_all(&database.superuser)
                .await
                .unwrap();
        let mut last: BTreeMap<String, (i64, Value)> = BTreeMap::new();
        for (story, version, status) in rows {
            if let Some((before, old)) = last.get(&story) {
                assert_eq!(
                    version,
                    before + 1,
                    "versions of {story} are without gaps and in order"
                );
                check_progress(old, &status);
            }
            last.insert(story, (version, status));
        }
        let mut seen: Vec<String> =
            sqlx::query_scalar("select lease_token::text from audit.completions")
                .fetch_all(&database.superuser)
                .await
                .unwrap();
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all, "a lease completed twice");
        for token in &world.completed {
            assert!(
                seen.binary_search(token).is_ok(),
                "{token} was told it completed, and did not"
            );
        }
    }
}

/// Of a story that was taken away nothing is left but the wish to delete its files; its credit is still spent.
async fn check_deleted(database: &TestDatabase, deleted: &[Story]) {
    let tables = "select oid::regclass::text from pg_class where relkind = 'r'
        and relnamespace in ('public'::regnamespace, 'private'::regnamespace)
        and oid <> 'private.deletion_queue'::regclass";
    let tables = database.column(tables).await;
    for Story { id, user } in deleted {
        for table in &tables {
            let rows = format!("{table} as t where to_jsonb(t)::text like '%{id}%'");
            assert_eq!(database.count(&rows).await, 0, "{table} names {id}");
        }
        let files = format!("private.deletion_queue where kind = 'files' and story_id = '{id}'");
        assert_eq!(database.count(&files).await, 1, "files of {id}");
        let (used, spent) = database.credits(*user).await;
        assert_eq!(i64::from(used), spent, "the credits of {user}");
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn check_story(found: &Value) {
    let (story, jobs) = (
        &found["story"],
        found["jobs"].as_array().expect("a list of jobs"),
    );
    let shown = &story["asset_generation_status"]["assets"];
    for job in jobs {
        let asset = text(job, "asset_type");
        assert_eq!(
            text(&shown[asset], "status"),
            expected_status(job),
            "{asset} of {story}"
        );
        if text(job, "status") == "ready" && job["shown"].is_null() && asset != "content" {
            let there = shown[asset]["url"].is_string() || shown[asset]["data"].is_object();
            assert!(there, "{asset} is ready without url or data: {story}");
        }
    }
    assert_eq!(shown.as_object().expect("assets").len(), jobs.len());

    let of = |asset: &str| {
        jobs.iter()
            .find(|job| text(job, "asset_type") == asset)
            .map_or("", |job| text(job, "status"))
    };
    let statuses = || jobs.iter().map(|job| text(job, "status"));
    let overall = match of("content") {
        text @ ("failed" | "cancelled") => text,
        _ if jobs.iter().any(is_under_way) => "generating",
        _ if statuses().all(|status| matches!(status, "ready" | "skipped")) => "ready",
        _ => "partial",
    };
    assert_eq!(
        text(&story["asset_generation_status"], "overall"),
        overall,
        "{story}"
    );
    let status = match overall {
        "generating" | "failed" => overall,
        "cancelled" => "failed",
        _ => "ready",
    };
    assert_eq!(text(story, "status"), status);
    assert_eq!(
        story["asset_generation_completed_at"].is_string(),
        overall != "generating",
        "{story}"
    );
    match overall {
        // What the user cancelled is no news; an earlier failure was.
        "generating" | "cancelled" => {}
        _ => assert_eq!(found["notices"], 1, "{story}"),
    }
    if matches!(overall, "failed" | "cancelled") {
        assert_eq!(found["credits"], 0, "no text, no credit: {found}");
    }
    let balance = found["credits"].as_i64().expect("a number");
    assert!((-1..=0).contains(&balance), "one credit a story: {balance}");
    // Each user of this test has one story.
    assert_eq!(
        found["user"]["stories_used"].as_i64(),
        Some(-balance),
        "the running total is the ledger's"
    );
}

/// A new text is under way until all of it is shown.
fn is_under_way(job: &Value) -> bool {
    matches!(text(job, "status"), "queued" | "generating") || !job["shown"].is_null()
}

fn expected_status(job: &Value) -> &str {
    match (text(job, "status"), job["retry_count"].as_i64()) {
        ("ready", _) if !job["shown"].is_null() => "generating",
        ("queued", Some(1..)) => "retrying",
        ("queued", _) if text(job, "asset_type") == "content" => "generating",
        ("queued", _) => "pending",
        (status, _) => status,
    }
}

/// Progress goes back only when an attempt failed, somebody asked for the asset again, or the new text it was of came to
/// nothing.
fn check_progress(old: &Value, new: &Value) {
    let writes_text = |status: &Value| text(&status["assets"]["content"], "status") == "generating";
    let text_ended = writes_text(old) && !writes_text(new);
    let assets = old["assets"].as_object().into_iter().flatten();
    for (asset, before) in assets {
        let after = &new["assets"][asset];
        let begun_again = matches!(
            text(before, "status"),
            "ready" | "failed" | "cancelled" | "skipped"
        );
        if text(after, "status") != "retrying" && !begun_again && !text_ended {
            assert!(
                after["progress"].as_i64() >= before["progress"].as_i64(),
                "{asset} went back: {before} then {after}"
            );
        }
    }
}

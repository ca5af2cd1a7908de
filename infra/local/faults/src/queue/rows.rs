//! As many waiting and finished jobs as a trial needs, arranged in bulk, and claims as a worker makes them.

use crate::{Lease, TestDatabase, leases};
use serde_json::Value;

/// Rows arranged in bulk are not judged by triggers; what the verbs do afterwards is.
pub(crate) const TRIGGERS_OFF: &str = "set session_replication_role = replica;";
pub(crate) const TRIGGERS_ON: &str = "set session_replication_role = origin;";

impl TestDatabase {
    /// `jobs` covers that can be claimed now, one a story, of `users` people in turn.
    pub(crate) async fn waiting(&self, jobs: u32, users: u32) {
        self.people(users).await;
        let in_turn = format!("i % {users}");
        self.stand_in_line(jobs, &in_turn, "normal", 0.0).await;
    }

    /// `jobs` covers of one person, one a story, claimable since `waited_seconds`, in the order of the queue.
    pub(crate) async fn waiting_of(
        &self,
        person: u32,
        jobs: u32,
        priority: &str,
        waited_seconds: f64,
    ) {
        self.people(person + 1).await;
        let person = person.to_string();
        self.stand_in_line(jobs, &person, priority, waited_seconds)
            .await;
    }

    /// `person` is their number, in SQL, of the `i`th job.
    async fn stand_in_line(&self, jobs: u32, person: &str, priority: &str, waited_seconds: f64) {
        self.arrange(&format!(
            "{TRIGGERS_OFF}
             with made as (
               insert into public.stories (library_id, creator_user_id, title, character_ids, story_type, created_at)
               select p.library_id, p.user_id, 'a story', array[gen_random_uuid()], 'adventure',
                 now() - make_interval(secs => {waited_seconds})
               from generate_series(1, {jobs}) as i join people p on p.n = {person}
               returning id, creator_user_id, created_at)
             insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled, priority, created_at,
               claim_order)
             select id, creator_user_id, 'cover', true, '{priority}', created_at, created_at + private.head_start('{priority}')
             from made;
             {TRIGGERS_ON}"
        ))
        .await;
    }

    /// `jobs` finished rows, nine a story: what years of use leave behind.
    pub(crate) async fn history(&self, jobs: u32) {
        self.people(100).await;
        let stories = jobs.div_ceil(9);
        self.arrange(&format!(
            "{TRIGGERS_OFF}
             with made as (
               insert into public.stories (library_id, creator_user_id, title, character_ids, story_type, status,
                 asset_generation_status, asset_generation_completed_at)
               select p.library_id, p.user_id, 'an old story', array[gen_random_uuid()], 'adventure', 'ready',
                 '{{\"overall\": \"ready\", \"assets\": {{}}}}', now()
               from generate_series(1, {stories}) as i join people p on p.n = i % 100 returning id, creator_user_id)
             insert into public.asset_generation_jobs (story_id, user_id, asset_type, status, inputs_settled, url, result,
               progress, completed_at, created_at)
             select id, creator_user_id, asset, 'ready', true, 'https://cdn/x', '{{\"data\": {{}}}}', 100, now(),
               now() - interval '30 days'
             from made cross join unnest(array['content', 'cover', 'scene_1', 'scene_2', 'scene_3', 'scene_4', 'audio',
               'activities', 'pdf']) as asset;
             {TRIGGERS_ON}"
        ))
        .await;
        self.vacuum().await;
    }

    /// As autovacuum leaves the tables behind.
    pub(crate) async fn vacuum(&self) {
        // One statement at a time: several make a transaction, and vacuum refuses to run in one.
        self.arrange("vacuum analyze public.asset_generation_jobs")
            .await;
        self.arrange("vacuum analyze public.stories").await;
    }

    /// No stories, no jobs; the people stay.
    pub(crate) async fn empty(&self) {
        self.arrange("truncate public.stories, public.credit_ledger, public.usage_ledger cascade")
            .await;
    }

    /// Jobs in this status.
    pub(crate) async fn jobs_in(&self, status: &str) -> i64 {
        self.count(&format!(
            "public.asset_generation_jobs where status = '{status}'"
        ))
        .await
    }

    /// People numbered from 0 in the scratch table `people`, made once.
    pub(crate) async fn people(&self, users: u32) {
        self.arrange(&format!(
            "create table if not exists people (n integer primary key, user_id uuid, library_id uuid);
             insert into auth.users (id, email)
             select gen_random_uuid(), format('%s@trial.example', i) from generate_series(0, {users} - 1) as i
             where not exists (select from people where n = i);
             insert into people (n, user_id, library_id)
             select split_part(u.email, '@', 1)::integer, u.id, l.id
             from public.users u join public.libraries l on l.owner_user_id = u.id
             where u.email like '%@trial.example' on conflict do nothing"
        ))
        .await;
    }

    /// One claim without a cap that matters.
    pub(crate) async fn claim_batch(&self, limit: u32) -> Vec<Lease> {
        self.claim_under(limit, 2_000_000).await
    }

    /// One claim under a cap on jobs in flight.
    pub(crate) async fn claim_under(&self, limit: u32, max_in_flight: u32) -> Vec<Lease> {
        let answer: Value = sqlx::query_scalar(
            "select public.claim_asset_jobs(p_limit => $1, p_lease_seconds => 60, p_max_in_flight => $2)",
        )
        .bind(limit.cast_signed())
        .bind(max_in_flight.cast_signed())
        .fetch_one(&self.service)
        .await
        .expect("a claim is answered");
        leases(&answer["jobs"])
    }
}

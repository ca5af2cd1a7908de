//! As many waiting and finished jobs as a trial needs, arranged in bulk, and claims as a worker makes them.

use crate::prelude::*;

impl TestDatabase {
    /// `jobs` covers that can be claimed now, one a story, of `users` people in turn.
    pub(crate) async fn waiting(&self, jobs: u32, users: u32) {
        self.people(users).await;
        let line = format!("select trial.stand_in_line({jobs}, 0, {users}, 'normal', 0)");
        self.arrange(&line).await;
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
        self.arrange(&format!(
            "select trial.stand_in_line({jobs}, {person}, 1, '{priority}', {waited_seconds})"
        ))
        .await;
    }

    /// `jobs` finished rows, nine a story: what years of use leave behind.
    pub(crate) async fn history(&self, jobs: u32) {
        self.people(100).await;
        let stories = jobs.div_ceil(9);
        self.arrange(&format!("select trial.history({stories})"))
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
        let jobs = format!("public.asset_generation_jobs where status = '{status}'");
        self.count(&jobs).await
    }

    /// People numbered from 0 in the scratch table `trial.people`, made once; and what arranges rows.
    pub(crate) async fn people(&self, users: u32) {
        self.arrange(include_str!("rows.sql")).await;
        self.arrange(&format!("select trial.people({users})")).await;
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

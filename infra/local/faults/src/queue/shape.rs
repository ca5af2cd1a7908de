//! Two queues under the same load: ours, through its verbs, and the documents' table with their query.

use crate::{
    TestDatabase,
    queue::rows::{TRIGGERS_OFF, TRIGGERS_ON},
};
use std::time::{Duration, Instant};

/// Which queue is under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Ours,
    /// `status = 'queued' ORDER BY created_at LIMIT 10` over one table with an index on both columns.
    Documents,
}

const USERS: u32 = 20;

const DOCUMENTS_TABLE: &str = "create table if not exists plain_jobs (
      id uuid primary key default gen_random_uuid(), status text not null default 'queued', data text,
      created_at timestamptz not null default clock_timestamp());
    create index if not exists plain_jobs_queued on plain_jobs (status, created_at);
    truncate plain_jobs";
const DOCUMENTS_CLAIM: &str = "update plain_jobs set status = 'generating' where id in (
      select id from plain_jobs where status = 'queued' order by created_at limit 10 for update skip locked)
    returning id::text";

impl Shape {
    /// An empty queue, with its people.
    pub(crate) async fn prepare(self, database: &TestDatabase) {
        match self {
            Self::Ours => {
                database.empty().await;
                database.people(USERS).await;
            }
            Self::Documents => database.arrange(DOCUMENTS_TABLE).await,
        }
    }

    /// Lets `jobs` arrive in one statement; their ids.
    pub(crate) async fn arrive(self, database: &TestDatabase, jobs: u32) -> Vec<String> {
        let statement = match self {
            Self::Ours => format!(
                "with made as (
                   insert into public.stories (library_id, creator_user_id, title, character_ids, story_type)
                   select p.library_id, p.user_id, 'a story', array[gen_random_uuid()], 'adventure'
                   from generate_series(1, {jobs}) as i join people p on p.n = i % {USERS} returning id, creator_user_id)
                 insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled, claim_order)
                 select id, creator_user_id, 'cover', true, now() + private.head_start('normal') from made
                 returning id::text"
            ),
            Self::Documents => {
                format!("insert into plain_jobs select from generate_series(1, {jobs}) returning id::text")
            }
        };
        database.column(&statement).await
    }

    /// Claims up to ten: their ids, and how long the statement took.
    pub(crate) async fn claim(self, database: &TestDatabase) -> (Vec<String>, Duration) {
        let began = Instant::now();
        let ids = match self {
            Self::Ours => database
                .claim_batch(10)
                .await
                .into_iter()
                .map(|job| job.job)
                .collect(),
            Self::Documents => database.column(DOCUMENTS_CLAIM).await,
        };
        (ids, began.elapsed())
    }

    /// Settles claimed jobs. In bulk, so that the load on the machine is the claims'.
    pub(crate) async fn settle(self, database: &TestDatabase, ids: &[String]) {
        let list = ids
            .iter()
            .map(|id| format!("'{id}'"))
            .collect::<Vec<_>>()
            .join(",");
        let statement = match self {
            Self::Ours => format!(
                "{TRIGGERS_OFF} update public.asset_generation_jobs set status = 'ready', url = 'https://cdn/x', progress = 100,
                   lease_owner = null, lease_expires_at = null, completed_at = now(), state_changed_xid = pg_current_xact_id()::text::bigint
                   where id in ({list}); {TRIGGERS_ON}"
            ),
            Self::Documents => format!("update plain_jobs set status = 'ready' where id in ({list})"),
        };
        database.arrange(&statement).await;
    }

    /// Claims for a while from a queue that is never empty: jobs a second, one worker.
    pub(crate) async fn capacity(self, database: &TestDatabase, span: Duration) -> f64 {
        let began = Instant::now();
        let mut done = 0;
        while began.elapsed() < span {
            self.arrive(database, 10).await;
            let (ids, _) = self.claim(database).await;
            self.settle(database, &ids).await;
            done += ids.len();
        }
        done as f64 / began.elapsed().as_secs_f64()
    }
}

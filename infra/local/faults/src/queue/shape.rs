//! Two queues under the same load: ours, through its verbs, and the documents' table with their query.

use crate::TestDatabase;
use std::time::{Duration, Instant};

/// Which queue is under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Ours,
    /// `status = 'queued' ORDER BY created_at LIMIT 10` over one table with an index on both columns.
    Documents,
}

const USERS: u32 = 20;

impl Shape {
    /// An empty queue, with its people.
    pub(crate) async fn prepare(self, database: &TestDatabase) {
        database.people(USERS).await;
        match self {
            Self::Ours => database.empty().await,
            Self::Documents => database.arrange("truncate trial.plain_jobs").await,
        }
    }

    /// Lets `jobs` arrive in one statement; their ids.
    pub(crate) async fn arrive(self, database: &TestDatabase, jobs: u32) -> Vec<String> {
        let statement = match self {
            Self::Ours => format!("select trial.arrive({jobs}, {USERS})"),
            Self::Documents => {
                format!(
                    "insert into trial.plain_jobs select from generate_series(1, {jobs}) returning id::text"
                )
            }
        };
        database.column(&statement).await
    }

    /// Claims up to ten: their ids, and how long the statement took.
    pub(crate) async fn claim(self, database: &TestDatabase) -> (Vec<String>, Duration) {
        let began = Instant::now();
        let ids = match self {
            Self::Ours => {
                let jobs = database.claim_batch(10).await.into_iter();
                jobs.map(|job| job.job).collect()
            }
            Self::Documents => database.column("select trial.claim_plain()").await,
        };
        (ids, began.elapsed())
    }

    /// Settles claimed jobs.
    pub(crate) async fn settle(self, database: &TestDatabase, ids: &[String]) {
        let ids = ids.join(",");
        let statement = match self {
            Self::Ours => format!("select trial.settle('{{{ids}}}')"),
            Self::Documents => format!(
                "update trial.plain_jobs set status = 'ready' where id = any ('{{{ids}}}'::uuid[])"
            ),
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

//! A stack on which stories are started by hand, and what one sees of their jobs.

use crate::{Crowd, Reader, TrialError};
use serde_json::json;
use sqlx::Row as _;
use stack::lambda::{Faults, InstanceActivity};
use stack::stack::Stack;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The rule of the worker's schedule.
const WORKER_RULE: &str = "storytailor-asset-worker-production";
/// Looking at the database this often disturbs nothing.
const LOOK_EVERY: Duration = Duration::from_millis(15);

/// A stack and somebody who asks for stories on it.
pub(crate) struct Stage<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) crowd: Crowd<'a>,
    pub(crate) reader: Reader,
}

/// A job as it stands in the queue.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    pub(crate) status: String,
    pub(crate) attempt: i32,
    owner: Option<String>,
}

impl Job {
    /// Lambda's id of the invocation that works on it; none while it waits or is only claimed.
    pub(crate) fn request(&self) -> Option<&str> {
        let owner = self.owner.as_deref()?;
        let (request, _nonce) = owner.split_once('/')?;
        (!request.starts_with("claim:")).then_some(request)
    }

    pub(crate) fn is_settled(&self) -> bool {
        !matches!(self.status.as_str(), "queued" | "generating")
    }
}

impl<'a> Stage<'a> {
    pub(crate) async fn set(stack: &'a Stack) -> Result<Self, TrialError> {
        let crowd = Crowd(stack);
        let reader = crowd.newcomer(None).await?;
        Ok(Self {
            stack,
            crowd,
            reader,
        })
    }

    /// A story whose first event is lost: it waits until it is kicked, or claimable and swept.
    pub(crate) async fn ask_quietly(&self, hero: &str) -> Result<Uuid, TrialError> {
        self.set_faults(1.0, 0.0);
        let story = self.reader.ask(hero).await;
        self.set_faults(0.0, 0.0);
        story
    }

    /// The event the API sends for a new story.
    pub(crate) fn kick(&self, story: Uuid) -> Result<(), TrialError> {
        let event = json!({"action": "generate_story", "storyId": story}).to_string();
        let sent = self
            .stack
            .emulator()
            .invoke_event("content-agent", event.into());
        sent.map(|_| ())
            .map_err(TrialError::while_trying("start a story"))
    }

    /// One tick of the worker's schedule.
    pub(crate) fn tick(&self) -> Result<(), TrialError> {
        let sent = self.stack.emulator().tick(WORKER_RULE);
        sent.map(|_| ())
            .map_err(TrialError::while_trying("tick the worker's schedule"))
    }

    /// Shares of events, and of records of dead invocations, that are lost from now on.
    pub(crate) fn set_faults(&self, drop_rate: f64, lose_failure_rate: f64) {
        self.stack.emulator().set_faults(Faults {
            drop_rate,
            lose_failure_rate,
            ..Faults::default()
        });
    }

    /// Ends the grace a new story's own invocation has.
    pub(crate) async fn make_claimable(&self, story: Uuid) -> Result<(), TrialError> {
        sqlx::query("update public.asset_generation_jobs set available_at = now() where story_id = $1 and status = 'queued'")
            .bind(story)
            .execute(self.stack.pool())
            .await
            .map(|_| ())
            .map_err(TrialError::while_trying("make a text claimable"))
    }

    pub(crate) async fn job(&self, story: Uuid, asset: &str) -> Result<Job, TrialError> {
        let found = self.jobs(story).await?.into_iter();
        found
            .filter_map(|(name, job)| (name == asset).then_some(job))
            .next()
            .ok_or_else(|| TrialError::Stuck(format!("story {story} has no job for {asset}")))
    }

    /// All jobs of a story with their assets.
    pub(crate) async fn jobs(&self, story: Uuid) -> Result<Vec<(String, Job)>, TrialError> {
        let rows = sqlx::query(
            "select asset_type, id, status, attempt, lease_owner from public.asset_generation_jobs where story_id = $1",
        )
        .bind(story)
        .fetch_all(self.stack.pool())
        .await
        .map_err(TrialError::while_trying("read the jobs of a story"))?;
        let jobs = rows.iter().map(|row| {
            let job = Job {
                id: row.get("id"),
                status: row.get("status"),
                attempt: row.get("attempt"),
                owner: row.get("lease_owner"),
            };
            (row.get("asset_type"), job)
        });
        Ok(jobs.collect())
    }

    /// Processes of a function that work on something now.
    pub(crate) fn busy(&self, function: &str) -> Vec<u32> {
        let instances = self.stack.emulator().instances().into_iter();
        instances
            .filter(|instance| {
                instance.function == function
                    && matches!(instance.activity, InstanceActivity::Busy { .. })
            })
            .filter_map(|instance| instance.pid)
            .collect()
    }
}

/// Waiting for something that can only be looked for: `while nothing { patience.once_more().await?; }`.
pub(crate) struct Patience {
    what: String,
    began: Instant,
    within: Duration,
}

impl Patience {
    /// Starts to wait for `what`.
    pub(crate) fn until(what: impl Into<String>, within: Duration) -> Self {
        Self {
            what: what.into(),
            began: Instant::now(),
            within,
        }
    }

    /// A moment later; an error when the time is over.
    pub(crate) async fn once_more(&self) -> Result<(), TrialError> {
        if self.began.elapsed() > self.within {
            let (what, seconds) = (&self.what, self.within.as_secs());
            return Err(TrialError::Stuck(format!(
                "waited {seconds} s in vain until {what}"
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
        Ok(())
    }
}

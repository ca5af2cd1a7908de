//! One death: a story is brought to a marked point, its process is killed there, and the time until its job starts again
//! is taken.

use crate::crashes::{
    points::{Point, Quiet, Wire},
    stage::{Patience, Stage},
};
use crate::{TrialError, kill};
use futures::future::BoxFuture;
use stack::breakpoints::{Held, Moment};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A story gets to any of the points within this, on a busy machine too.
const ARRIVES_WITHIN: Duration = Duration::from_secs(60);
/// Nothing that was killed may take longer than this to start again; the goal is far below.
const RESTARTS_WITHIN: Duration = Duration::from_secs(75);

/// What is left of a death.
#[derive(Debug)]
pub(crate) struct Obituary {
    pub(crate) point: Point,
    pub(crate) story: Uuid,
    /// From the kill until another invocation had started the job.
    pub(crate) restarted_after: Duration,
    /// The last request of the dead, which stands on the wire for as long as this is kept.
    pub(crate) last_request: Option<Held>,
}

/// A story that is about to run into a point.
pub(crate) struct Condemned<'a> {
    pub(crate) stage: &'a Stage<'a>,
    pub(crate) point: Point,
    pub(crate) story: Uuid,
    pub(crate) hero: String,
}

impl Condemned<'_> {
    /// Starts the story and kills its process at the point.
    pub(crate) async fn meets_its_end(self) -> Result<Obituary, TrialError> {
        let job = self.stage.job(self.story, self.point.asset).await?.id;
        if self.point.again {
            self.stage.kick(self.story)?;
            let settled = [self.story];
            self.stage.crowd.settled(&settled, ARRIVES_WITHIN).await?;
        }
        let (mut standing, mut victim) = (None, None);
        if let Some(gate) = self.point.gate() {
            let arriving = self.arm(gate, Moment::Before, job);
            self.set_out().await?;
            let held = self.arrives(arriving).await?;
            victim = self.process().await?;
            self.is_quiet().await?;
            standing = Some(held);
        }
        if !self.point.is_its_gate() {
            let arriving = self.arm(self.point.wire, self.point.moment, job);
            match standing.take() {
                Some(gate) => drop(gate),
                None => self.set_out().await?,
            }
            standing = Some(self.arrives(arriving).await?);
            victim = match victim {
                Some(pid) => Some(pid),
                None => self.process().await?,
            };
        }
        let Some(victim) = victim else {
            return Err(TrialError::Stuck(format!(
                "nobody works at `{}`",
                self.point.name
            )));
        };
        let attempt = self
            .stage
            .job(self.story, self.point.restarts)
            .await?
            .attempt;
        kill(victim);
        let killed = Instant::now();
        // Before its effect a request has done nothing, and must not before the job has started again: it is a late one then.
        let last_request = standing.filter(|_| self.point.moment == Moment::Before);
        self.starts_again(attempt).await?;
        Ok(Obituary {
            point: self.point,
            story: self.story,
            restarted_after: killed.elapsed(),
            last_request,
        })
    }

    async fn set_out(&self) -> Result<(), TrialError> {
        if !self.point.again {
            return self.stage.kick(self.story);
        }
        let wish = serde_json::json!({"assetTypes": [self.point.asset]});
        let (api, story) = (&self.stage.reader.api, self.story.to_string());
        api.steer(&story, "regenerate", &wish)
            .await
            .map(|_| ())
            .map_err(TrialError::while_trying("make an asset again"))
    }

    fn arm(&self, wire: Wire, moment: Moment, job: Uuid) -> BoxFuture<'static, Held> {
        let (point, story, hero) = (self.point.on(wire), self.story, self.hero.clone());
        let breakpoints = self.stage.stack.breakpoints();
        breakpoints.arm(moment, move |seen| point.is_at(seen, story, job, &hero))
    }

    async fn arrives(&self, arriving: BoxFuture<'static, Held>) -> Result<Held, TrialError> {
        let never = |_| TrialError::Stuck(format!("no story came to `{}`", self.point.name));
        tokio::time::timeout(ARRIVES_WITHIN, arriving)
            .await
            .map_err(never)
    }

    /// The process at work on the asset: the owner of its lease, or who was sent an event about the story.
    async fn process(&self) -> Result<Option<u32>, TrialError> {
        let emulator = self.stage.stack.emulator();
        let job = self.stage.job(self.story, self.point.asset).await?;
        let owner = job
            .request()
            .and_then(|request| emulator.pid_of_request(request));
        let of_story = || {
            self.stage
                .crowd
                .pid_working_for("content-agent", self.story)
        };
        Ok(match job.request() {
            Some(_) => owner,
            None if job.is_settled() => None,
            None => of_story(),
        })
    }

    /// Waits until nothing else of the story can be in flight in the process that is to be killed.
    async fn is_quiet(&self) -> Result<(), TrialError> {
        let beside: &[&str] = match self.point.quiet {
            Quiet::Already => return Ok(()),
            Quiet::BesideCover => &["audio", "activities"],
            Quiet::BesideNarration => &[
                "activities",
                "cover",
                "scene_1",
                "scene_2",
                "scene_3",
                "scene_4",
                "pdf",
            ],
        };
        let patience = Patience::until("nothing else of the story is in flight", ARRIVES_WITHIN);
        while !self.is_over(beside).await? {
            patience.once_more().await?;
        }
        Ok(())
    }

    async fn is_over(&self, beside: &[&str]) -> Result<bool, TrialError> {
        let jobs = self.stage.jobs(self.story).await?;
        let open = jobs
            .iter()
            .any(|(asset, job)| beside.contains(&asset.as_str()) && !job.is_settled());
        Ok(!open && (self.point.quiet != Quiet::BesideCover || self.scenes_known().await?))
    }

    /// Whether all five scene analyses are checkpointed.
    async fn scenes_known(&self) -> Result<bool, TrialError> {
        let known: i64 = sqlx::query_scalar(
            "select count(distinct scene.key) from public.asset_generation_jobs j, jsonb_each(j.checkpoint #> '{art,scenes}') as scene
             where j.story_id = $1",
        )
        .bind(self.story)
        .fetch_one(self.stage.stack.pool())
        .await
        .map_err(TrialError::while_trying("count the analysed scenes"))?;
        Ok(known == 5)
    }

    /// Waits until another invocation has started the job, or has made it.
    async fn starts_again(&self, attempt: i32) -> Result<(), TrialError> {
        let what = format!("a job starts again after a kill `{}`", self.point.name);
        let patience = Patience::until(what, RESTARTS_WITHIN);
        loop {
            let job = self.stage.job(self.story, self.point.restarts).await?;
            if job.attempt > attempt && (job.request().is_some() || job.is_settled()) {
                return Ok(());
            }
            patience.once_more().await?;
        }
    }
}

//! One death: a story is brought to a marked point, its process is killed there, and the time until its job starts again
//! is taken.

use crate::crashes::points::{Point, Wire};
use crate::{crashes::new_text, prelude::*};
use futures::future::BoxFuture;
use stack::breakpoints::{Held, Moment};

/// What the content agent logs of a scene whose beat is not told in the cover's process.
const LEFT_TO_THEIR_JOBS: &str = "A scene will be looked at by its own job";

/// What is left of a death.
#[derive(Debug)]
pub(crate) struct KillReport {
    pub(crate) point: Point,
    pub(crate) story: Uuid,
    /// From the kill until another invocation had started the job.
    pub(crate) restarted_after: Duration,
    /// The last request of the dead, which stands on the wire for as long as this is kept.
    pub(crate) last_request: Option<Held>,
}

/// A story that is about to run into a point.
pub(crate) struct Victim<'a> {
    pub(crate) stack: &'a TestStack,
    pub(crate) point: Point,
    pub(crate) story: Uuid,
    pub(crate) hero: String,
}

impl Victim<'_> {
    /// Starts the story and kills its process at the point.
    pub(crate) async fn run_to_breakpoint_and_kill(self) -> Result<KillReport> {
        let job = self.stack.job(self.story, self.point.asset()).await?.id;
        if self.point.again() || self.point.is_of_new_text {
            self.stack.kick(self.story)?;
            self.stack
                .settle(&[self.story], self.stack.patience)
                .await?;
        }
        let (mut standing, mut victim) = (None, None);
        if let Some(gate) = self.point.gate() {
            let arriving = self.arm(gate, Moment::Before, job);
            self.set_out().await?;
            standing = Some(self.arrive(arriving).await?);
            victim = self.process().await?;
            self.become_quiet().await?;
        }
        if !self.point.is_its_gate() {
            let arriving = self.arm(self.point.wire, self.point.moment, job);
            match standing.take() {
                Some(gate) => drop(gate),
                None => self.set_out().await?,
            }
            standing = Some(self.arrive(arriving).await?);
        }
        // On a busy machine another process may have taken it over; what is settled has no owner any more.
        let Some(victim) = self.process().await?.or(victim) else {
            return stuck(format!("nobody works at `{}`", self.point.name));
        };
        let restarts = self.point.restarts();
        let attempt = self.stack.job(self.story, restarts).await?.attempt;
        kill(victim);
        let killed = Instant::now();
        // Before its effect a request has done nothing, and must not before the job has started again: it is a late one then.
        let last_request = standing.filter(|_| self.point.moment == Moment::Before);
        let begun = self
            .stack
            .begin_again(self.story, restarts, attempt, self.stack.patience);
        if let Err(error) = begun.await {
            return stuck(format!("killed at `{}`: {error}", self.point.name));
        }
        Ok(KillReport {
            point: self.point,
            story: self.story,
            restarted_after: killed.elapsed(),
            last_request,
        })
    }

    async fn set_out(&self) -> Result<()> {
        let asset = if self.point.is_of_new_text {
            new_text::follow(self.stack, self.story, &self.hero).await?;
            "content"
        } else if self.point.again() {
            self.point.asset()
        } else {
            return self.stack.kick(self.story);
        };
        let wish = json!({"assetTypes": [asset]});
        self.stack.user.steer(self.story, "regenerate", &wish).await
    }

    fn arm(&self, wire: Wire, moment: Moment, job: Uuid) -> BoxFuture<'static, Held> {
        let (point, story, hero) = (self.point.on(wire), self.story, self.hero.clone());
        let breakpoints = self.stack.breakpoints();
        breakpoints.arm(moment, move |seen| point.is_at(seen, story, job, &hero))
    }

    async fn arrive(&self, arriving: BoxFuture<'static, Held>) -> Result<Held> {
        let what = format!("a story came to `{}`", self.point.name);
        in_time(what, self.stack.patience, arriving).await
    }

    /// The process at work on the asset: the owner of its lease, or who was sent an event about the story.
    async fn process(&self) -> Result<Option<u32>> {
        let job = self.stack.job(self.story, self.point.asset()).await?;
        Ok(match job.request() {
            Some(request) => self.stack.emulator().pid_of_request(request),
            None if job.is_settled() => None,
            None => self.stack.pid_working_for("content-agent", self.story),
        })
    }

    /// Waits until nothing else of the story can be in flight in the process that is to be killed.
    async fn become_quiet(&self) -> Result<()> {
        let beside = self.point.beside();
        if beside.is_empty() {
            return Ok(());
        }
        let is_cover = self.point.asset() == "cover";
        let what = "nothing else of the story is in flight";
        let quiet = until(what, self.stack.patience, async || {
            let jobs = self.stack.jobs(self.story).await?;
            let open = jobs.iter().any(|job| {
                let asset = job.asset_type.as_str();
                asset != self.point.asset() && beside.contains(&asset) && !job.is_settled()
            });
            Ok(!open && (!is_cover || self.scenes_are_looked_at().await?))
        });
        quiet.await.map(drop)
    }

    /// Whether all five scene analyses are checkpointed, or the cover's process has said that it looks at none ahead: the
    /// text was being written in another.
    async fn scenes_are_looked_at(&self) -> Result<bool> {
        let known = self.stack.query("scenes looked at").bind(self.story);
        let known: i64 = known.bind(self.point.text_version()).value().await?;
        let cover = self.stack.job(self.story, "cover").await?;
        let by_their_own = |request| self.stack.has_logged(request, &[LEFT_TO_THEIR_JOBS]);
        Ok(known == 5 || cover.request().map_or(Ok(false), by_their_own)?)
    }
}

//! F1: kill -9 at every marked point of the content agent and the worker.

use crate::crashes::{
    death::{Condemned, Obituary},
    points::{POINTS, Point},
    purchases::again_by_story,
    stage::{Patience, Stage},
};
use crate::{Figures, Ground, Order, Running, Size, Trial, TrialError, audit, kill, percentile};
use futures::future::try_join_all;
use stack::{
    breakpoints::{Moment, Seen},
    stack::Stack,
};
use std::time::{Duration, Instant};
use uuid::Uuid;

pub(crate) const KILL: Trial = Trial {
    name: "kill",
    settles: &["F1", "row 20", "row 23"],
    question: "kill -9 at each marked point: every story ends well, every job starts again in time, nothing stored is bought twice",
    run,
};

/// Lease of the functions here, the shortest there is.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// On top of the lease, a dead worker's job may take this long to start again.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
const OTHERS: &str = "River and Oban 1 h, pg-boss 15 min, graphile-worker 4 h; the documents 15 to 30 min, then failed";
/// The points of a short run: before the send, paid and unheard, stored, and committed.
const SHORT: [usize; 4] = [1, 7, 9, 16];
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

fn run(order: Order) -> Running {
    Box::pin(async move {
        let tick = Duration::from_secs(1);
        let ground = Ground::new("kill", order)?.with(|options| options.schedule = Some(tick));
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let stage = Stage::set(stack).await?;
    stack.emulator().pause_schedules(true);
    let points: Vec<Point> = match order.size {
        Size::Short => SHORT.iter().map(|index| POINTS[*index]).collect(),
        Size::Normal | Size::Full => POINTS.into(),
    };
    let mut all = Tally::default();
    for round in 0..order.size.pick(1, 1, 100) {
        all.add(round_of(&stage, &points, &format!("Kestrel{round}x"), 0.0).await?);
        if order.size >= Size::Normal {
            all.add(worker_round(&stage, round).await?);
        }
    }
    let mut figures = Figures::default();
    figures.told("kills, one a story", all.restarts.len() as f64, "kills");
    all.judge("told of each death", &mut figures);

    // The record of the death is lost too: the lease runs out, and the schedule finds the job.
    let rounds = order.size.pick(0, 1, 10);
    let mut silent = Tally::default();
    stack.emulator().pause_schedules(false);
    // A text that nobody had started holds no lease: that is a lost kick, and the trial `lost` is about it.
    let leased: Vec<Point> = points.into_iter().filter(Point::holds_a_lease).collect();
    for round in 0..rounds {
        silent.add(round_of(&stage, &leased, &format!("Merlin{round}x"), 1.0).await?);
    }
    if rounds > 0 {
        silent.judge("told of none", &mut figures);
    }
    all.add(silent);
    let settled = audit(stack, &all.stories, &all.heroes).await?;
    figures.extend(settled.figures());
    Ok(figures)
}

/// What several deaths came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) stories: Vec<Uuid>,
    pub(crate) heroes: Vec<String>,
    /// Seconds until each job had started again.
    restarts: Vec<f64>,
    /// The slowest of them, and where that one was killed.
    slowest: (f64, &'static str),
    /// Where more was bought again than the point allows.
    overspent: Vec<&'static str>,
    /// Calls bought again beyond what the points allow, in all.
    too_many: u64,
    /// Calls bought again, in all.
    again: u64,
    looks: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.stories.extend(other.stories);
        self.heroes.extend(other.heroes);
        self.restarts.extend(other.restarts);
        if other.slowest.0 > self.slowest.0 {
            self.slowest = other.slowest;
        }
        self.overspent.extend(other.overspent);
        self.too_many += other.too_many;
        self.again += other.again;
        self.looks += other.looks;
    }

    fn restarted(&mut self, after: Duration, point: &'static str) {
        let seconds = after.as_secs_f64();
        self.restarts.push(seconds);
        if seconds > self.slowest.0 {
            self.slowest = (seconds, point);
        }
    }

    fn judge(&self, how: &str, figures: &mut Figures) {
        let limit = (LEASE + GRACE).as_secs_f64();
        figures
            .told(
                format!("the rescuer {how}: until a job starts again, median"),
                percentile(&self.restarts, 0.5),
                "s",
            )
            .at_most(
                format!(
                    "the rescuer {how}: the slowest, lease of 5 s (killed {})",
                    self.slowest.1
                ),
                self.slowest.0,
                "s",
                limit,
            )
            .beside(OTHERS)
            .told(
                "paid calls repeated: paid, and the process died before the result was stored",
                self.again as f64,
                "calls",
            )
            .told(
                "looks at a stored picture repeated",
                self.looks as f64,
                "calls",
            )
            .exactly(
                format!(
                    "paid calls repeated beyond one a kill, or for a kill before the send or after the store{}",
                    self.overspent.iter().map(|point| format!("; {point}")).collect::<String>()
                ),
                self.too_many as f64,
                "calls",
                0.0,
            );
    }
}

/// One story for each point, all at once. This share of the records of dead invocations is lost.
pub(crate) async fn round_of(
    stage: &Stage<'_>,
    points: &[Point],
    hero: &str,
    lost_records: f64,
) -> Result<Tally, TrialError> {
    let mut condemned = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let hero = format!("{hero}{index}y");
        let story = stage.ask_quietly(&hero).await?;
        condemned.push(Condemned {
            stage,
            point: *point,
            story,
            hero,
        });
    }
    stage.set_faults(0.0, lost_records);
    let mut tally = Tally {
        heroes: condemned.iter().map(|one| one.hero.clone()).collect(),
        stories: condemned.iter().map(|one| one.story).collect(),
        ..Tally::default()
    };
    let dead: Vec<Obituary> =
        try_join_all(condemned.into_iter().map(Condemned::meets_its_end)).await?;
    // What stood at the provider is never taken there; what stood at the database or S3 comes late now.
    let mut unsent = Vec::new();
    let mut allowed = Vec::new();
    for one in dead {
        tally.restarted(one.restarted_after, one.point.name);
        allowed.push((one.story, one.point));
        unsent.extend(one.last_request.filter(|_| one.point.asks_a_provider()));
    }
    stage.crowd.settled(&tally.stories, SETTLED_WITHIN).await?;
    stage.set_faults(0.0, 0.0);
    let again = again_by_story(stage.stack).await?;
    for (story, point) in allowed {
        let bought = again.get(&story).copied().unwrap_or_default();
        tally.again += bought.kept.saturating_sub(u64::from(point.again));
        tally.looks += bought.looks;
        // An asset that was asked for again is bought again.
        let wished = u64::from(point.again);
        let too_many =
            bought.kept.saturating_sub(point.may_cost + wished) + bought.looks.saturating_sub(1);
        tally.too_many += too_many;
        tally.overspent.extend((too_many > 0).then_some(point.name));
    }
    drop(unsent);
    Ok(tally)
}

/// The worker's own points: it dies with claims in its hand, and after it has handed them over.
async fn worker_round(stage: &Stage<'_>, round: usize) -> Result<Tally, TrialError> {
    let mut tally = Tally::default();
    for (name, is_at) in [
        ("claimed", claims as fn(&Seen<'_>) -> bool),
        ("dispatched", starts as fn(&Seen<'_>) -> bool),
    ] {
        let hero = format!("Osprey{round}{name}");
        let story = stage.ask_quietly(&hero).await?;
        // In its grace for ten seconds: the worker stays to wait for it.
        let waiting_hero = format!("Plover{round}{name}");
        let waiting = stage.ask_quietly(&waiting_hero).await?;
        stage.make_claimable(story).await?;
        let moment = match name {
            "claimed" => Moment::After,
            _ => Moment::Before,
        };
        let arriving = stage.stack.breakpoints().arm(moment, is_at);
        stage.tick()?;
        let held = tokio::time::timeout(GRACE * 6, arriving)
            .await
            .map_err(|_| TrialError::Stuck(format!("the worker never came to `{name}`")))?;
        let attempt = match name {
            // Handed over is handed over: the same attempt goes on.
            "dispatched" => 0,
            _ => stage.job(story, "content").await?.attempt,
        };
        let victims = stage.busy("asset-worker");
        if victims.is_empty() {
            return Err(TrialError::Stuck(format!("no worker works at `{name}`")));
        }
        victims.into_iter().for_each(kill);
        let killed = Instant::now();
        drop(held);
        let patience = Patience::until("the dead worker's job starts", GRACE * 15);
        loop {
            let job = stage.job(story, "content").await?;
            if job.attempt > attempt && (job.request().is_some() || job.is_settled()) {
                break;
            }
            patience.once_more().await?;
        }
        tally.restarted(killed.elapsed(), name);
        tally.stories.extend([story, waiting]);
        tally.heroes.extend([hero, waiting_hero]);
    }
    stage.crowd.settled(&tally.stories, SETTLED_WITHIN).await?;
    let again = again_by_story(stage.stack).await?;
    tally.too_many = tally
        .stories
        .iter()
        .filter_map(|story| again.get(story))
        .map(|again| again.kept)
        .sum();
    Ok(tally)
}

fn claims(seen: &Seen<'_>) -> bool {
    seen.calls("claim_asset_jobs")
}

fn starts(seen: &Seen<'_>) -> bool {
    seen.calls("start_content")
}

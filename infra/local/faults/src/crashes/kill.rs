//! F1: kill -9 at every marked point of the content agent and the worker.

use crate::crashes::death::{KillReport, Victim};
use crate::crashes::points::{POINTS, Point};
use crate::crashes::{new_text, purchases::again_by_story};
use crate::prelude::*;
use futures::future::try_join_all;
use stack::breakpoints::Moment;

pub(crate) const RUN: Run =
    on_stack!(measure, |setup, _| setup.schedule(TICK).latency(LATENCY)).audited();

/// Lease of the functions here, the shortest there is.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// On top of the lease, a dead worker's job may take this long to start again.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
const OTHERS: &str = "River and Oban 1 h, pg-boss 15 min, graphile-worker 4 h; the documents 15 to 30 min, then failed";
/// The points of a short run: before the send, the outline and half the beats saved, paid and unheard,
/// stored, and committed.
const SHORT: [usize; 6] = [1, 4, 5, 10, 12, 19];
/// Stories at once: with more, leases as short as these would be lost to the load of the machine alone.
const AT_ONCE: usize = 8;
const TICK: Duration = Duration::from_secs(1);
/// A text takes long enough that its beats are saved one by one.
const LATENCY: &str = "story=6000,text=60,image=120,speech=90";

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    stack.emulator().pause_schedules(true);
    let (mut points, of_new_text): (Vec<Point>, Vec<Point>) = match options.size {
        Size::Short => (SHORT.map(|index| POINTS[index]).into(), Vec::new()),
        Size::Normal | Size::Full => {
            let of_new_text = POINTS.into_iter().filter_map(Point::of_new_text);
            (POINTS.into(), of_new_text.collect())
        }
    };
    new_text::watch(stack).await?;
    let mut all = Tally::default();
    for round in 0..options.size.pick(1, 1, 100) {
        for (number, points) in points.chunks(AT_ONCE).enumerate() {
            let hero = format!("Kestrel{round}x{number}n");
            round_of(stack, points, &hero, 0.0, &mut all).await?;
        }
        // One by one: a process that makes a new text goes on with those of other stories, which would die with it.
        for (number, point) in of_new_text.iter().enumerate() {
            let hero = format!("Harrier{round}x{number}n");
            round_of(stack, &[*point], &hero, 0.0, &mut all).await?;
        }
        if options.size >= Size::Normal {
            worker_round(stack, round, &mut all).await?;
        }
    }
    let mut figures = figures! {
        "kills, one a story" => all.restarts.len(), "kills";
    };
    figures.extend(all.figures("told of each death"));

    // The record of the death is lost too: the lease runs out, and the schedule finds the job.
    let rounds = options.size.pick(0, 1, 10);
    let mut silent = Tally::default();
    stack.emulator().pause_schedules(false);
    // A text that nobody had started holds no lease: that is a lost kick, and the trial `lost` is about it.
    points.retain(Point::holds_a_lease);
    for round in 0..rounds {
        for (number, points) in points.chunks(AT_ONCE).enumerate() {
            let hero = format!("Merlin{round}x{number}n");
            round_of(stack, points, &hero, 1.0, &mut silent).await?;
        }
    }
    if rounds > 0 {
        figures.extend(silent.figures("told of none"));
    }
    if !of_new_text.is_empty() {
        figures.extend(new_text::figures(stack).await?);
    }
    figures.extend(stack.not_ready().await?);
    Ok(figures)
}

/// What several deaths came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Until each job had started again, and where it was killed.
    restarts: Vec<(Duration, &'static str)>,
    /// Where more was bought again than the point allows.
    overspent: Vec<&'static str>,
    /// Calls bought again beyond what the points allow, in all.
    too_many: u64,
    /// Calls bought again, in all.
    again: u64,
    looks: u64,
}

impl Tally {
    fn figures(&self, how: &str) -> Figures {
        let slowest = self.restarts.iter().max().copied().unwrap_or_default();
        let seconds = self.restarts.iter().map(|(after, _)| after.as_secs_f64());
        let seconds: Vec<f64> = seconds.collect();
        let overspent = self.overspent.iter().map(|point| format!("; {point}"));
        let overspent: String = overspent.collect();
        figures! {
            format!("the rescuer {how}: until a job starts again, median") => percentile(&seconds, 0.5), "s";
            format!("the rescuer {how}: the slowest, lease of 5 s (killed {})", slowest.1) =>
                slowest.0, "s", at_most LEASE + GRACE, beside OTHERS;
            "paid calls repeated: paid, and the process died before the result was stored" => self.again, "calls";
            "looks at a stored picture repeated" => self.looks, "calls";
            format!("paid calls repeated beyond those in flight at a kill{overspent}") =>
                self.too_many, "calls", is 0;
        }
    }
}

/// One story for each point, all at once. This share of the records of dead invocations is lost.
pub(crate) async fn round_of(
    stack: &TestStack,
    points: &[Point],
    hero: &str,
    lost_records: f64,
    tally: &mut Tally,
) -> Result<()> {
    let mut victims = Vec::new();
    for (index, &point) in points.iter().enumerate() {
        let hero = format!("{hero}{index}y");
        let story = stack.ask_without_event(&hero).await?;
        victims.push(Victim {
            stack,
            point,
            story,
            hero,
        });
    }
    stack.lose(0.0, lost_records);
    let stories: Vec<Uuid> = victims.iter().map(|one| one.story).collect();
    let dying = victims.into_iter().map(Victim::run_to_breakpoint_and_kill);
    let mut dead: Vec<KillReport> = try_join_all(dying).await?;
    // What stood at the provider is never taken there; what stood at the database or S3 comes late now.
    let comes_late = |one: &&mut KillReport| !one.point.asks_a_provider();
    for one in dead.iter_mut().filter(comes_late) {
        one.last_request = None;
    }
    stack.settle(&stories, stack.patience).await?;
    stack.lose(0.0, 0.0);
    let again = again_by_story(stack).await?;
    for KillReport {
        point,
        story,
        restarted_after,
        ..
    } in &dead
    {
        let bought = again.get(story).copied().unwrap_or_default();
        // A narration that was asked for again is bought again, beat by beat.
        let wished = 4 * u64::from(point.again());
        let too_many =
            bought.kept.saturating_sub(point.may_cost + wished) + bought.looks.saturating_sub(1);
        tally.restarts.push((*restarted_after, point.name));
        tally.again += bought.kept.saturating_sub(wished);
        tally.looks += bought.looks;
        tally.too_many += too_many;
        tally.overspent.extend((too_many > 0).then_some(point.name));
    }
    Ok(())
}

/// The worker's own points: it dies with claims in its hand, and after it has handed them over.
async fn worker_round(stack: &TestStack, round: usize, tally: &mut Tally) -> Result<()> {
    let mut stories = Vec::new();
    for (name, moment, verb) in [
        ("claimed", Moment::After, "claim_asset_jobs"),
        ("dispatched", Moment::Before, "start_content"),
    ] {
        let hero = format!("Osprey{round}{name}");
        let story = stack.ask_without_event(&hero).await?;
        // In its grace for ten seconds: the worker stays to wait for it.
        stories.push(stack.ask_without_event(&format!("{hero}b")).await?);
        stories.push(story);
        stack.make_claimable(story).await?;
        let breakpoints = stack.breakpoints();
        let arriving = breakpoints.arm(moment, move |seen| seen.calls(verb));
        stack.tick()?;
        let what = format!("the worker came to `{name}`");
        let held = in_time(what, GRACE * 6, arriving).await?;
        let attempt = match name {
            // Handed over is handed over: the same attempt goes on.
            "dispatched" => 0,
            _ => stack.job(story, "content").await?.attempt,
        };
        let victims = stack.busy(Some("asset-worker"));
        if victims.is_empty() {
            return stuck(format!("no worker works at `{name}`"));
        }
        victims.iter().for_each(|(pid, _)| kill(*pid));
        let killed = Instant::now();
        drop(held);
        let begun = stack.begin_again(story, "content", attempt, GRACE * 15);
        begun.await?;
        tally.restarts.push((killed.elapsed(), name));
    }
    stack.settle(&stories, stack.patience).await?;
    let again = again_by_story(stack).await?;
    let of_these = stories.iter().filter_map(|story| again.get(story));
    tally.too_many += of_these.map(|again| again.kept).sum::<u64>();
    Ok(())
}

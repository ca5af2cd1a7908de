//! A worker that dies between the upload and the status write: what is in the bucket is found, not bought again.

use crate::crashes::{
    kill::round_of,
    points::{POINTS, Point, Wire},
    purchases::again_by_story,
    stage::Stage,
};
use crate::{Figures, Ground, Order, Running, Trial, TrialError, audit};
use stack::{breakpoints::Moment, environment::BUCKET, stack::Stack};
use std::fs;
use uuid::Uuid;

pub(crate) const UPLOAD: Trial = Trial {
    name: "upload",
    settles: &["F1"],
    question: "a process dies between the upload and the status write: the file is found, and nothing is bought twice",
    run,
};

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = Ground::new("upload", order)?.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let stage = Stage::set(stack).await?;
    let between: Vec<Point> = POINTS
        .into_iter()
        .filter(|point| {
            matches!(
                (point.wire, point.moment),
                (Wire::StoreCover | Wire::StoreNarration, Moment::After)
                    | (Wire::Complete, Moment::Before)
            )
        })
        .collect();
    let (mut stories, mut heroes) = (Vec::new(), Vec::new());
    for round in 0..order.size.pick(1, 5, 100) {
        let dead = round_of(&stage, &between, &format!("Swift{round}x"), 0.0).await?;
        stories.extend(dead.stories);
        heroes.extend(dead.heroes);
    }
    let again = again_by_story(stack).await?;
    let found_again = found_again(stack, &stories).await?;
    let mut figures = Figures::default();
    figures
        .exactly(
            "pictures, recordings and texts bought twice",
            again.values().map(|again| again.kept).sum::<u64>() as f64,
            "calls",
            0.0,
        )
        .exactly(
            "files of a dead attempt that the next one published",
            found_again as f64,
            "files",
            stories.len() as f64,
        );
    figures.extend(audit(stack, &stories, &heroes).await?.figures());
    Ok(figures)
}

/// Files that a later attempt published although the first one had made them.
async fn found_again(stack: &Stack, stories: &[Uuid]) -> Result<usize, TrialError> {
    let published: Vec<(Uuid, String)> = sqlx::query_as(
        "select story_id, url from public.asset_generation_jobs
         where story_id = any ($1) and attempt > 1 and url is not null and status = 'ready'",
    )
    .bind(stories)
    .fetch_all(stack.pool())
    .await
    .map_err(TrialError::while_trying(
        "read what later attempts published",
    ))?;
    let bucket = stack.home().join("files").join(BUCKET);
    let is_of_the_first = |(story, url): &(Uuid, String)| {
        let name = url.rsplit('/').next()?;
        let bytes = fs::read(bucket.join(format!("stories/{story}/{name}"))).ok()?;
        ["drafts/stories", "stories"]
            .into_iter()
            .filter_map(|folder| fs::read_dir(bucket.join(format!("{folder}/{story}"))).ok())
            .flatten()
            .flatten()
            .filter(|file| file.file_name().to_string_lossy().contains("-a1"))
            .find(|file| fs::read(file.path()).is_ok_and(|first| first == bytes))
    };
    Ok(published
        .iter()
        .filter(|file| is_of_the_first(file).is_some())
        .count())
}

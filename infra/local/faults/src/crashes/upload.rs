//! A worker that dies between the upload and the status write: what is in the bucket is found, not bought again.

use crate::crashes::kill::{Tally, round_of};
use crate::crashes::points::{POINTS, Point, Wire};
use crate::{crashes::purchases::again_by_story, prelude::*};
use stack::breakpoints::Moment;
use std::fs;

pub(crate) const RUN: Run = on_stack!(measure).audited();

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let between: Vec<Point> = POINTS
        .into_iter()
        .filter(|point| {
            matches!(
                (point.wire, point.moment),
                (Wire::StoreCover | Wire::StoreNarration, Moment::After)
                    | (
                        Wire::CompleteCover | Wire::CompleteNarration,
                        Moment::Before
                    )
            )
        })
        .collect();
    for round in 0..options.size.pick(1, 5, 100) {
        let hero = format!("Swift{round}x");
        round_of(stack, &between, &hero, 0.0, &mut Tally::default()).await?;
    }
    let stories = stack.asked().stories.clone();
    let again = again_by_story(stack).await?;
    let found_again = found_again(stack, &stories).await?;
    Ok(figures! {
        "pictures, recordings and texts bought twice" =>
            again.values().map(|again| again.kept).sum::<u64>(), "calls", is 0;
        "files of a dead attempt that the next one published" => found_again, "files", is stories.len();
    }
    .and(stack.not_ready().await?))
}

/// Bytes of a recording that are looked for.
const STRETCH_BYTES: usize = 256;

/// Whether a file is another one, or was joined from it and others: a recording is made as loud as its neighbours by some bits
/// of each of its frames.
fn holds(file: &[u8], other: &[u8]) -> bool {
    let middle = other.len() / 2;
    let sound = &other[middle..other.len().min(middle + STRETCH_BYTES)];
    let is_alike = |window: &[u8]| {
        let differing = window.iter().zip(sound).filter(|(one, other)| one != other);
        let most = sound.len() / 10;
        differing.take(most + 1).count() <= most
    };
    let is_joined = |file: &[u8]| file.windows(sound.len()).any(is_alike);
    file == other || (!sound.is_empty() && file.len() > other.len() && is_joined(file))
}

/// Files that a later attempt published although the first one had made them.
async fn found_again(stack: &TestStack, stories: &[Uuid]) -> Result<usize> {
    let published = stack.query("published by a later attempt").bind(stories);
    let published: Vec<(Uuid, String)> = published.rows().await?;
    let read = |key: &String| fs::read(stack.bucket().join(key)).unwrap_or_default();
    let is_of_the_first = |(story, url): &&(Uuid, String)| {
        let name = url.rsplit('/').next().unwrap_or_default();
        let bytes = read(&format!("stories/{story}/{name}"));
        let keys = stack.keys_of(*story);
        let extension = name.rsplit('.').next().unwrap_or_default();
        let of_its_kind = keys.iter().filter(|key| key.ends_with(extension));
        let mut firsts = of_its_kind.filter(|key| key.contains("-a1"));
        firsts.any(|first| holds(&bytes, &read(first)))
    };
    Ok(published.iter().filter(is_of_the_first).count())
}

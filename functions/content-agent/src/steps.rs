//! One file per thing that is made; here the choice between them, and what a failed one becomes.

mod activities;
mod audio;
mod book;
mod direction;
mod palette;
mod picture;
mod placeholder;
mod text;

use crate::{
    attempt::Attempt,
    failure::{self, StepError},
};
use domain::{AssetType, story::StoryText};
use store::{Completion, Failure};

/// What an attempt delivers.
#[derive(Debug)]
pub(crate) enum Product {
    Text(StoryText),
    Asset(Completion),
}

/// Makes the asset of a job. What was paid for is in the attempt's ledger, however it ends.
pub(crate) async fn make(attempt: &Attempt) -> Result<Product, StepError> {
    match attempt.job.asset_type {
        AssetType::Content => text::write(attempt).await.map(Product::Text),
        AssetType::Cover
        | AssetType::Scene1
        | AssetType::Scene2
        | AssetType::Scene3
        | AssetType::Scene4 => picture::draw(attempt).await.map(Product::Asset),
        AssetType::Audio => audio::narrate(attempt).await.map(Product::Asset),
        AssetType::Activities => activities::generate(attempt).await.map(Product::Asset),
        AssetType::Pdf => book::bind(attempt).await.map(Product::Asset),
    }
}

/// What is recorded of a failed attempt; with the last one a placeholder, where one may stand in.
pub(crate) async fn describe_failure(attempt: &Attempt, error: StepError) -> Failure {
    let job = &attempt.job;
    let may_stand_in = job.asset_type.picture_index().is_some() && error.is_about_the_picture();
    let mut failure = error.into_failure(job.asset_type);
    if may_stand_in && failure::is_final(&failure, job) {
        failure.placeholder = placeholder::draw(attempt).await;
    }
    failure
}

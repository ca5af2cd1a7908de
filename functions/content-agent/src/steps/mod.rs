//! One file per thing that is made; here the choice between them, and what a failed one becomes.

mod activities;
mod audio;
mod book;
mod drawing;
mod picture;
mod placeholder;
mod text;

use crate::{
    failure::{self, StepError},
    studio::Studio,
};
use domain::{AssetType, story::StoryText};
use providers::Caller;
use store::{Completion, Failure, LeasedJob, UsageEntry};

/// What a job delivers.
#[derive(Debug)]
pub(crate) enum Delivery {
    Text {
        text: StoryText,
        usage: Vec<UsageEntry>,
    },
    Asset {
        result: Completion,
        usage: Vec<UsageEntry>,
    },
}

/// Makes the asset of a job. What was paid for comes back with the error too.
pub(crate) async fn make(
    studio: &Studio,
    job: &LeasedJob,
) -> Result<Delivery, (StepError, Vec<UsageEntry>)> {
    let caller = Caller {
        story_id: job.story_id,
        job_id: job.job_id,
        asset_type: job.asset_type,
    };
    caller.scope(made(studio, job)).await
}

async fn made(studio: &Studio, job: &LeasedJob) -> Result<Delivery, (StepError, Vec<UsageEntry>)> {
    let mut usage = Vec::new();
    let made = match job.asset_type {
        AssetType::Content => match text::write(studio, &mut usage).await {
            Ok(text) => return Ok(Delivery::Text { text, usage }),
            Err(error) => Err(error),
        },
        AssetType::Cover
        | AssetType::Scene1
        | AssetType::Scene2
        | AssetType::Scene3
        | AssetType::Scene4 => picture::draw(studio, job, &mut usage).await,
        AssetType::Audio => audio::narrate(studio, job, &mut usage).await,
        AssetType::Activities => activities::think_up(studio, &mut usage).await,
        AssetType::Pdf => book::bind(studio, job).await,
    };
    match made {
        Ok(result) => Ok(Delivery::Asset { result, usage }),
        Err(error) => Err((error, usage)),
    }
}

/// What is recorded of a failed job; with its last attempt a placeholder, where one may stand in.
pub(crate) async fn failure_of(studio: &Studio, job: &LeasedJob, error: StepError) -> Failure {
    let may_stand_in = job.asset_type.picture_index().is_some() && error.is_about_the_picture();
    let mut failure = error.into_failure(job.asset_type);
    if may_stand_in && failure::is_final(&failure, job) {
        failure.placeholder = placeholder::placeholder(studio, job).await;
    }
    failure
}

//! One file per thing that is made; here the choice between them, and what a failed one becomes.

mod activities;
mod audio;
mod book;
mod direction;
mod palette;
mod picture;
mod placeholder;
mod text;
mod web_book;

pub(crate) use picture::sheet;
pub(crate) use text::MODERATION_PATIENCE;

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
    if let Some(finished) = &attempt.job.finished {
        return Ok(Product::Asset(Completion::clone(finished)));
    }
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
    let may_stand_in = job.asset_type.picture_index().is_some()
        // The database shows the earlier version again, and would take no placeholder.
        && !job.earlier_version_stands
        && error.is_about_the_picture();
    let mut failure = error.into_failure(job.asset_type);
    if may_stand_in && failure::is_final(&failure, job) {
        failure.placeholder = placeholder::draw(attempt).await;
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::ImageFallback,
        story_context::StoryContext,
        test_services::{TestServices, job, story_work},
    };
    use runtime::Deadline;
    use serde_json::Value;
    use std::{sync::Arc, time::Duration};

    #[tokio::test]
    async fn a_placeholder_is_drawn_only_where_no_earlier_version_serves_on() {
        let services = TestServices::default();
        let deps = services.deps("https://assets.example.com").await;
        let mut deps = Arc::into_inner(deps).expect("nobody else has it");
        deps.config.image_fallback = ImageFallback::Placeholder;
        let deadline = Deadline::after(Duration::from_secs(60));
        let story = Arc::new(StoryContext::new(Arc::new(deps), story_work(), deadline));
        for (stands, stored) in [(true, 0), (false, 1)] {
            let mut job = job(AssetType::Scene2, 1, Value::Null, Value::Null);
            job.earlier_version_stands = stands;
            let attempt = Attempt::new(Arc::clone(&story), job);
            let failure = describe_failure(&attempt, StepError::CheckFailed).await;
            assert_eq!(failure.placeholder.is_none(), stands);
            assert_eq!(services.keys().len(), stored, "{:?}", services.keys());
        }
    }
}

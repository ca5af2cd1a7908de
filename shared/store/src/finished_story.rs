//! How a story ended, and the log lines that say so once.

use domain::{Overall, StoryId};
use serde::Deserialize;

/// What the verb that ended a story says of it. Made again and ended again, it is told again.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FinishedStory {
    pub story_id: StoryId,
    /// Not `generating` any more.
    pub overall: Overall,
    /// Assets, the text among them.
    pub ready: u32,
    pub failed: u32,
    /// Pictures that a drawn placeholder stands in for.
    pub placeholders: u32,
    /// Assets that failed because the account has no money or its key is refused.
    pub hard_failures: u32,
    /// Of all its assets together.
    pub retries: u32,
    /// Since the story was asked for.
    pub seconds: f64,
    /// Of every provider call made for it, the refused and repeated ones included.
    pub cost_usd: f64,
}

impl FinishedStory {
    pub(crate) fn log(&self) {
        let id = tracing::field::display(self.story_id);
        log_change(self.story_id, Overall::Generating, self.overall);
        tracing::info!(
            target: "AssetGenerationPipeline",
            storyId = &id,
            overall = self.overall.name(),
            assetsReady = self.ready,
            assetsFailed = self.failed,
            placeholders = self.placeholders,
            hardFailures = self.hard_failures,
            retries = self.retries,
            seconds = self.seconds,
            costUsd = self.cost_usd,
            "Story finished"
        );
    }
}

/// One line for a change of the overall state; none when there was none.
pub(crate) fn log_change(story: StoryId, from: Overall, to: Overall) {
    if from != to {
        tracing::info!(target: "AssetGenerationPipeline", storyId = %story, from = from.name(), to = to.name(),
            "Story status changed");
    }
}

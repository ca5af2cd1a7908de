//! What the jobs of one story share while one invocation makes them: the story, the pictures made so far, the art
//! direction, and the way back to the database.

use crate::{Deps, art::Art, asking, failure::StepError, references::UnusedReferences};
use bytes::Bytes;
use domain::{
    AssetType, JobId,
    story::{StoryText, UnusableAnswer},
};
use providers::{PictureBytes, TextCall, TextModelRole};
use runtime::Deadline;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use store::{AssetView, LeasedJob, Progress, StoryView, StoryWork, UsageEntry};
use tokio::sync::OnceCell;

/// One story as it stood when a job of it began: a job keeps the text and the inputs it began with, whatever becomes of
/// them meanwhile. Those who begin later get a studio of their own, which shares what was made.
#[derive(Clone)]
pub(crate) struct Studio {
    pub(crate) deps: Arc<Deps>,
    pub(crate) deadline: Deadline,
    pub(crate) story: Arc<StoryWork>,
    /// The text, once it is there.
    text: Option<Arc<StoryText>>,
    /// Of this text.
    pub(crate) art: Arc<Art>,
    /// Of its characters.
    pub(crate) unused_references: Arc<UnusedReferences>,
    /// The assets as they stand; newer than `story` once jobs were leased here.
    view: Arc<StoryView>,
    made: Arc<Made>,
}

/// What the jobs made and fetched, by the address of its file: a new version is another file.
#[derive(Default)]
struct Made {
    /// Whoever asks first fetches it, and the others wait for that.
    pictures: Mutex<HashMap<String, Arc<OnceCell<PictureBytes>>>>,
    prints: Mutex<HashMap<String, Bytes>>,
    /// What the next heartbeat will tell of each job.
    progress: Mutex<HashMap<JobId, u8>>,
}

impl Studio {
    pub(crate) fn new(deps: Arc<Deps>, story: StoryWork, deadline: Deadline) -> Self {
        Self {
            deps,
            deadline,
            text: story.text().ok().map(Arc::new),
            art: Arc::new(Art::from_checkpoint(&story.view.art)),
            view: Arc::new(story.view.clone()),
            story: Arc::new(story),
            unused_references: Arc::default(),
            made: Arc::default(),
        }
    }

    /// The text. A job that needs it is never claimed before it is there.
    pub(crate) fn text(&self) -> Result<&StoryText, StepError> {
        self.text.as_deref().ok_or(StepError::MissingInput)
    }

    /// The studio of those who begin once this text is published. Art direction of an older one is not theirs.
    pub(crate) fn with_text(&self, text: StoryText) -> Self {
        let art = match self.text {
            Some(_) => Arc::default(),
            None => Arc::clone(&self.art),
        };
        Self {
            text: Some(Arc::new(text)),
            art,
            ..self.clone()
        }
    }

    /// The studio of those who begin with the story as the database answered with jobs leased here.
    pub(crate) fn with_view(&self, view: StoryView) -> Self {
        let version = |view: &StoryView| {
            view.assets
                .get(&AssetType::Content)
                .map_or(0, |content| content.version)
        };
        let art = if version(&view) == version(&self.view) {
            self.art.learn(&view.art);
            Arc::clone(&self.art)
        } else {
            Arc::new(Art::from_checkpoint(&view.art))
        };
        Self {
            art,
            view: Arc::new(view),
            ..self.clone()
        }
    }

    /// Asks a text model and reads the answer as `T`; what it cost is added to `usage` whether or not it can be read.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        role: TextModelRole,
        question: Question,
        usage: &mut Vec<UsageEntry>,
    ) -> Result<(T, u64), StepError> {
        self.ask_usable(role, question, usage, Ok).await
    }

    /// The same, with a look at whether the answer can be used: if not, the model is told once what was wrong. Answers with
    /// the tokens of all answers together.
    pub(crate) async fn ask_usable<T: DeserializeOwned, R>(
        &self,
        role: TextModelRole,
        question: Question,
        usage: &mut Vec<UsageEntry>,
        usable: impl Fn(T) -> Result<R, UnusableAnswer>,
    ) -> Result<(R, u64), StepError> {
        let call = TextCall {
            name: question.name,
            schema: question.schema,
            instructions: question.instructions,
            data: question.data,
            picture: question.picture,
            correction: None,
            model: role,
            deadline: self.deadline.instant(),
        };
        let mut billed = Vec::new();
        let model = self.deps.text.as_ref();
        let answer = asking::usable_answer(model, call, &mut billed, usable).await;
        usage.extend(
            billed
                .iter()
                .map(|billed| crate::paid::text(billed, question.name)),
        );
        let tokens = billed
            .iter()
            .map(|billed| billed.input_units + billed.output_units)
            .sum();
        Ok((answer?, tokens))
    }

    /// Saves the result of a paid step before the next one, with what the front end shows of it.
    pub(crate) async fn checkpoint(
        &self,
        job: &LeasedJob,
        checkpoint: Value,
        progress: u8,
        metadata: Option<Value>,
        usage: &mut Vec<UsageEntry>,
    ) -> Result<(), StepError> {
        let report = Progress {
            job_id: job.job_id,
            lease_token: job.lease_token,
            progress: Some(progress),
            metadata,
            checkpoint: Some(checkpoint),
            usage: usage.clone(),
        };
        let lost = self
            .deps
            .store
            .report_progress(&[report], self.deps.config.lease)
            .await?;
        usage.clear();
        // Nothing more is bought for a job that is somebody else's.
        if lost.contains(&job.job_id) {
            return Err(StepError::LeaseLost);
        }
        Ok(())
    }

    /// Keeps a finished picture for the scenes that are drawn from it.
    pub(crate) fn keep_picture(&self, url: &str, picture: PictureBytes) {
        let cell = Arc::new(OnceCell::new_with(Some(picture)));
        let mut pictures = self.made.pictures.lock().expect("no holder panics");
        pictures.insert(url.to_owned(), cell);
    }

    /// Keeps the print of a finished picture for the book.
    pub(crate) fn keep_print(&self, url: &str, print: Bytes) {
        let mut prints = self.made.prints.lock().expect("no holder panics");
        prints.insert(url.to_owned(), print);
    }

    /// A picture for the book: its print, if it was made here, else its file.
    pub(crate) async fn printable(&self, asset: AssetType) -> Result<Option<Bytes>, StepError> {
        let Some(url) = self.url(asset) else {
            return Ok(None);
        };
        let print = {
            let prints = self.made.prints.lock().expect("no holder panics");
            prints.get(url).cloned()
        };
        match print {
            Some(print) => Ok(Some(print)),
            None => Ok(Some(self.fetched(url).await?.bytes().clone())),
        }
    }

    /// What is known of an asset.
    pub(crate) fn asset(&self, asset: AssetType) -> Option<&AssetView> {
        self.view.assets.get(&asset)
    }

    fn url(&self, asset: AssetType) -> Option<&str> {
        self.asset(asset)?.url.as_deref()
    }

    /// The colours of a picture, `#RRGGBB`.
    pub(crate) fn colors_of(&self, asset: AssetType) -> Vec<String> {
        self.view.hue.get(&asset).cloned().unwrap_or_default()
    }

    /// A picture of this story: made here, or fetched once. `None` when there is none, or only a placeholder.
    pub(crate) async fn picture(
        &self,
        asset: AssetType,
    ) -> Result<Option<PictureBytes>, StepError> {
        match self.asset(asset) {
            Some(AssetView {
                url: Some(url),
                is_placeholder: false,
                ..
            }) => self.fetched(url).await.map(Some),
            _ => Ok(None),
        }
    }

    /// The picture published under an address. However many ask for it at once, it is fetched once.
    async fn fetched(&self, url: &str) -> Result<PictureBytes, StepError> {
        let cell = {
            let mut pictures = self.made.pictures.lock().expect("no holder panics");
            Arc::clone(pictures.entry(url.to_owned()).or_default())
        };
        cell.get_or_try_init(|| self.fetch(url)).await.cloned()
    }

    async fn fetch(&self, url: &str) -> Result<PictureBytes, StepError> {
        let story = self.story.story_id;
        let Some(bytes) = self.deps.files.get_published(story, url).await? else {
            tracing::error!(storyId = %story, "An asset's address is none of a file of its story");
            return Err(StepError::MissingInput);
        };
        PictureBytes::parse(bytes).map_err(|error| StepError::Picture(error.into()))
    }

    /// Percent done, for the next heartbeat; it costs no round trip of its own.
    pub(crate) fn note_progress(&self, job: &LeasedJob, percent: u8) {
        let mut progress = self.made.progress.lock().expect("no holder panics");
        progress.insert(job.job_id, percent);
    }

    pub(crate) fn noted_progress(&self, job: JobId) -> Option<u8> {
        let progress = self.made.progress.lock().expect("no holder panics");
        progress.get(&job).copied()
    }
}

/// A question to a text model.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) schema: Value,
    pub(crate) instructions: String,
    pub(crate) data: Value,
    /// JPEG.
    pub(crate) picture: Option<Bytes>,
}

#[cfg(test)]
mod tests;

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
use std::{collections::HashMap, sync::Arc};
use store::{AssetView, LeasedJob, Paid, Progress, StoryView, StoryWork};
use tokio::sync::Mutex;

/// One story at work. Shared by its jobs, which run as tasks of their own.
pub(crate) struct Studio {
    pub(crate) deps: Arc<Deps>,
    pub(crate) deadline: Deadline,
    pub(crate) story: StoryWork,
    /// The text, once it is there.
    text: std::sync::OnceLock<StoryText>,
    pub(crate) art: Art,
    /// Of its characters.
    pub(crate) unused_references: Arc<UnusedReferences>,
    /// The assets as they stand; newer than `story` once jobs were leased here.
    view: std::sync::Mutex<StoryView>,
    pictures: Mutex<HashMap<AssetType, PictureBytes>>,
    prints: std::sync::Mutex<HashMap<AssetType, Bytes>>,
    /// What the next heartbeat will tell of each job.
    progress: std::sync::Mutex<HashMap<JobId, u8>>,
}

impl Studio {
    pub(crate) fn new(deps: Arc<Deps>, story: StoryWork, deadline: Deadline) -> Self {
        let text = story
            .text()
            .ok()
            .map_or_else(std::sync::OnceLock::new, Into::into);
        let art = Art::from_checkpoint(&story.view.art);
        let view = std::sync::Mutex::new(story.view.clone());
        Self {
            deps,
            deadline,
            story,
            text,
            art,
            unused_references: Arc::default(),
            view,
            pictures: Mutex::default(),
            prints: std::sync::Mutex::default(),
            progress: std::sync::Mutex::default(),
        }
    }

    /// The text. A job that needs it is never claimed before it is there.
    pub(crate) fn text(&self) -> Result<&StoryText, StepError> {
        self.text.get().ok_or(StepError::MissingInput)
    }

    pub(crate) fn set_text(&self, text: StoryText) {
        // A regenerated text replaces nothing in a studio: each invocation opens its own.
        let _ = self.text.set(text);
    }

    /// Asks a text model and reads the answer as `T`; what it cost is added to `usage` whether or not it can be read.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        role: TextModelRole,
        question: Question,
        usage: &mut Vec<Paid>,
    ) -> Result<(T, u64), StepError> {
        self.ask_usable(role, question, usage, Ok).await
    }

    /// The same, with a look at whether the answer can be used: if not, the model is told once what was wrong. Answers with
    /// the tokens of all answers together.
    pub(crate) async fn ask_usable<T: DeserializeOwned, R>(
        &self,
        role: TextModelRole,
        question: Question,
        usage: &mut Vec<Paid>,
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
        usage: &mut Vec<Paid>,
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

    /// Keeps a finished picture for the jobs that refer to it, and its print for the book.
    pub(crate) async fn keep(&self, asset: AssetType, picture: PictureBytes, print: Bytes) {
        self.pictures.lock().await.insert(asset, picture);
        self.prints
            .lock()
            .expect("no holder panics")
            .insert(asset, print);
    }

    /// The story as the database answered with jobs leased here.
    pub(crate) fn refresh(&self, view: StoryView) {
        self.art.learn(&view.art);
        *self.view.lock().expect("no holder panics") = view;
    }

    /// A picture for the book: its print, if it was made here, else its file.
    pub(crate) async fn printable(&self, asset: AssetType) -> Result<Option<Bytes>, StepError> {
        if let Some(print) = self.prints.lock().expect("no holder panics").get(&asset) {
            return Ok(Some(print.clone()));
        }
        Ok(self
            .picture_or_placeholder(asset)
            .await?
            .map(|picture| picture.bytes().clone()))
    }

    /// What is known of an asset.
    pub(crate) fn asset(&self, asset: AssetType) -> Option<AssetView> {
        self.view
            .lock()
            .expect("no holder panics")
            .assets
            .get(&asset)
            .cloned()
    }

    /// The colours of a picture, `#RRGGBB`.
    pub(crate) fn colors_of(&self, asset: AssetType) -> Vec<String> {
        self.view
            .lock()
            .expect("no holder panics")
            .hue
            .get(&asset)
            .cloned()
            .unwrap_or_default()
    }

    /// A picture of this story: made here, or fetched once. `None` when there is none, or only a placeholder.
    pub(crate) async fn picture(
        &self,
        asset: AssetType,
    ) -> Result<Option<PictureBytes>, StepError> {
        if self.asset(asset).is_some_and(|view| view.is_placeholder) {
            return Ok(None);
        }
        self.picture_or_placeholder(asset).await
    }

    /// A picture of this story, or what stands in for it.
    async fn picture_or_placeholder(
        &self,
        asset: AssetType,
    ) -> Result<Option<PictureBytes>, StepError> {
        if let Some(picture) = self.pictures.lock().await.get(&asset) {
            return Ok(Some(picture.clone()));
        }
        let Some(url) = self.asset(asset).and_then(|view| view.url) else {
            return Ok(None);
        };
        let bytes = self.deps.files.get_by_url(&url).await?;
        let picture =
            PictureBytes::parse(bytes).map_err(|error| StepError::Picture(error.into()))?;
        self.pictures.lock().await.insert(asset, picture.clone());
        Ok(Some(picture))
    }

    /// Percent done, for the next heartbeat; it costs no round trip of its own.
    pub(crate) fn note_progress(&self, job: &LeasedJob, percent: u8) {
        self.progress
            .lock()
            .expect("no holder panics")
            .insert(job.job_id, percent);
    }

    pub(crate) fn noted_progress(&self, job: JobId) -> Option<u8> {
        self.progress
            .lock()
            .expect("no holder panics")
            .get(&job)
            .copied()
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

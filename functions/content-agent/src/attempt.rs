//! One attempt at one asset: what it may touch, what it holds, what it has paid for.

use crate::{
    Deps, asking,
    failure::StepError,
    pace::Pace,
    prompt::{Question, versions_for},
    shown::Shown,
    stand_in_names::HidesNames,
    story_context::StoryContext,
    usage::{self, UsageLedger},
};
use domain::{
    AssetType, FailureCode,
    estimate::documented_seconds,
    story::{Manuscript, UnusableAnswer},
};
use providers::{CallUsage, Hears, TextCall, TextModel, TextModelRole};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};
use store::{AssetVersion, ExtraCalls, FileKind, Fingerprint, LeasedJob, Progress};
use tracing::Span;

/// Shared by the task that works on it, the heartbeat, and whoever records its result.
pub(crate) struct Attempt {
    pub(crate) story: Arc<StoryContext>,
    pub(crate) job: LeasedJob,
    pub(crate) usage: UsageLedger,
    pub(crate) shown: Shown,
    /// What every line about it says of itself: `jobId` and `assetType`, within the story's span.
    pub(crate) span: Span,
    begun: Instant,
    /// How far it is, for the next heartbeat.
    pace: Mutex<Pace>,
    /// Calls beyond those its lease took of the providers' limits, for the next heartbeat.
    extra_calls: Mutex<ExtraCalls>,
}

impl Attempt {
    pub(crate) fn new(story: Arc<StoryContext>, job: LeasedJob) -> Self {
        let span = tracing::error_span!("job", jobId = %job.job_id, assetType = %job.asset_type);
        let usual = job.typical_seconds;
        let usual = usual.unwrap_or_else(|| documented_seconds(job.asset_type));
        let pace = Pace::new(usual, job.progress);
        Self {
            span,
            shown: Shown::new(Arc::clone(&story.news)),
            story,
            job,
            usage: UsageLedger::default(),
            begun: Instant::now(),
            pace: Mutex::new(pace),
            extra_calls: Mutex::default(),
        }
    }

    pub(crate) fn deps(&self) -> &Deps {
        &self.story.deps
    }

    pub(crate) fn asset(&self) -> AssetType {
        self.job.asset_type
    }

    /// The line by which its end is counted.
    pub(crate) fn log_settled(
        &self,
        status: &str,
        code: Option<FailureCode>,
        has_placeholder: bool,
    ) {
        tracing::info!(
            target: "AssetGenerationPipeline",
            code = code.map(FailureCode::code),
            hasPlaceholder = has_placeholder,
            isRetried = self.job.retry_count > 0,
            prompts = versions_for(self.asset()),
            seconds = self.begun.elapsed().as_millis() as f64 / 1000.0,
            status,
            "Asset generation settled"
        );
    }

    /// The version of the asset that it makes.
    pub(crate) fn version(&self) -> AssetVersion {
        AssetVersion::made_by(&self.job)
    }

    /// Where its draft of this number lies. `wish` is of everything that decides how the draft turns out.
    pub(crate) fn draft_key(&self, wish: &Fingerprint, number: u32, kind: FileKind) -> String {
        self.version().draft_key(wish, number, kind)
    }

    /// What an earlier attempt left of the text that it makes.
    pub(crate) fn manuscript(&self) -> Option<Manuscript> {
        let key = format!("manuscript-{}", self.job.asset_version + 1);
        serde_json::from_value(self.job.checkpoint[key].clone()).ok()
    }

    /// An earlier attempt may have left drafts.
    pub(crate) fn is_repeated(&self) -> bool {
        self.job.attempt > 1
    }

    /// Asks a text model and reads the answer as `T`. What it cost is in the ledger whether or not it can be read.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        role: TextModelRole,
        question: Question,
    ) -> Result<T, StepError> {
        let (answer, _) = self.ask_usable(role, question, Ok).await?;
        Ok(answer)
    }

    /// The same, with a look at whether the answer can be used: if not, the model is told once what was wrong. Answers with
    /// the tokens of all answers together.
    pub(crate) async fn ask_usable<T: DeserializeOwned, R>(
        &self,
        role: TextModelRole,
        question: Question,
        usable: impl Fn(T) -> Result<R, UnusableAnswer>,
    ) -> Result<(R, u64), StepError> {
        let call = self.call(role, question);
        let kind = call.name;
        let mut billed = Vec::new();
        let model = self.text_model();
        let answer = asking::ask_until_usable(&model, call, &mut billed, usable).await;
        self.note_extra_calls(0, billed.len().saturating_sub(1));
        let tokens = self.bill(kind, &billed);
        Ok((answer?, tokens))
    }

    /// Asks the model of stories once, and has `hears` told the words of its answer while they come. Answers with the tokens
    /// it took as well, which are in the ledger however it ends.
    pub(crate) async fn ask_aloud(
        &self,
        question: Question,
        correction: Option<String>,
        hears: &mut Hears<'_>,
    ) -> (Result<Value, StepError>, u64) {
        let call = TextCall {
            correction,
            ..self.call(TextModelRole::Story, question)
        };
        let mut billed = Vec::new();
        let model = self.text_model();
        let answer = model.ask_aloud(&call, hears, &mut billed).await;
        let tokens = self.bill(call.name, &billed);
        (answer.map_err(StepError::from), tokens)
    }

    fn text_model(&self) -> HidesNames<'_, dyn TextModel> {
        HidesNames {
            model: self.deps().text.as_ref(),
            names: &self.story.names,
        }
    }

    fn call(&self, role: TextModelRole, question: Question) -> TextCall {
        question.into_call(role, self.story.deadline.instant())
    }

    /// Notes what calls cost; answers their tokens.
    fn bill(&self, kind: &'static str, billed: &[CallUsage]) -> u64 {
        let prices = &self.deps().config.prices;
        let entries = billed.iter().map(|call| usage::text(call, kind, prices));
        self.usage.add(entries);
        let tokens = |call: &CallUsage| call.input_units + call.output_units;
        billed.iter().map(tokens).sum()
    }

    /// Saves the result of a paid step, and what it cost, before the next one, with what the front end shows of it.
    ///
    /// # Errors
    /// When it cannot be saved, or the job is somebody else's by now: nothing more is bought for it then.
    pub(crate) async fn checkpoint(
        &self,
        checkpoint: Value,
        progress: u8,
        metadata: Option<Value>,
    ) -> Result<(), StepError> {
        self.note_progress(progress);
        let beat = self.heartbeat();
        let mut kept = beat.checkpoint.unwrap_or_else(|| json!({}));
        if let (Some(kept), Value::Object(added)) = (kept.as_object_mut(), checkpoint) {
            kept.extend(added);
        }
        let shown = [beat.metadata.as_ref(), metadata.as_ref()];
        let shown = shown.into_iter().flatten().filter_map(Value::as_object);
        let shown: Map<_, _> = shown
            .flatten()
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        self.report(Progress {
            metadata: (!shown.is_empty()).then(|| shown.into()),
            checkpoint: Some(kept),
            usage: self.usage.unrecorded(),
            ..beat
        })
        .await
    }

    /// Tells at once what readers are still to see of it.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub(crate) async fn tell_shown(&self) -> Result<(), StepError> {
        match self.shown.untold() {
            Some(_) => self.report(self.heartbeat()).await,
            None => Ok(()),
        }
    }

    async fn report(&self, report: Progress) -> Result<(), StepError> {
        let reports = [report];
        let (store, lease) = (&self.deps().store, self.deps().config.lease);
        let lost = store.report_progress(&reports, lease).await?;
        reports.iter().for_each(|report| self.forget_told(report));
        if lost.contains(&self.job.job_id) {
            return Err(StepError::LeaseLost);
        }
        Ok(())
    }

    /// The database has what a report told it.
    pub(crate) fn forget_told(&self, report: &Progress) {
        self.usage.forget(&report.usage);
        self.shown.forget(report.metadata.as_ref());
    }

    /// So much is done for certain. The next heartbeat tells it; it costs no round trip of its own.
    pub(crate) fn note_progress(&self, percent: u8) {
        self.span
            .in_scope(|| tracing::debug!(percent, "Asset progresses"));
        let mut pace = self.pace.lock().expect("no holder panics");
        pace.note(self.begun.elapsed(), percent);
    }

    /// So many pictures and texts were, or are about to be, asked for beyond what its lease took of the limits: the next
    /// heartbeat takes them too, so that later leases wait for them.
    pub(crate) fn note_extra_calls(&self, pictures: usize, texts: usize) {
        let more = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let mut extra = self.extra_calls.lock().expect("no holder panics");
        extra.picture = extra.picture.saturating_add(more(pictures));
        extra.text = extra.text.saturating_add(more(texts));
    }

    /// What extends its lease, tells how far it is by now and what was paid for since the last report. What a call brought is
    /// kept no later than its cost is: with the directions of pictures beside it, and nothing of the two assets whose result
    /// is their commit.
    pub(crate) fn heartbeat(&self) -> Progress {
        let pace = *self.pace.lock().expect("no holder panics");
        let asset = self.job.asset_type;
        let usage = match asset {
            AssetType::Content | AssetType::Activities => Vec::new(),
            _ => self.usage.unrecorded(),
        };
        let has_directions = !usage.is_empty() && asset.picture_index().is_some();
        Progress {
            job_id: self.job.job_id,
            lease_token: self.job.lease_token,
            progress: Some(pace.shown(self.begun.elapsed())),
            metadata: self.shown.untold(),
            checkpoint: has_directions.then(|| self.story.art.checkpoint()),
            usage,
            extra_calls: std::mem::take(&mut *self.extra_calls.lock().expect("no holder panics")),
        }
    }
}

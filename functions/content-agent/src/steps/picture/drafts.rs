//! Pictures in the bucket that nobody has accepted yet, and how the tries at them ended.

use super::record::{Finding, validation};
use crate::{attempt::Attempt, config::ImageFallback, failure::StepError, prompt::Wording};
use bytes::Bytes;
use domain::{AssetType, picture_quality::PictureQuality, reason::Reason};
use providers::{OpenOrders, PictureBytes, References};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{error::Error, time::Duration};
use store::{Draft, FileKind, Fingerprint};

/// The pictures of one wish.
pub(super) struct Drafts<'a> {
    attempt: &'a Attempt,
    /// Of everything that decides how the pictures turn out. What follows from answers (plainer words after a refusal, the
    /// feedback of a check) follows for every attempt with the same wish.
    wish: Fingerprint,
    tries: Tries,
    /// Keys of pictures that did not pass their check, of whatever wish: the bucket may have kept one that was deleted.
    rejected_drafts: Vec<String>,
}

/// How the tries at one wish ended, kept with the job: so many pictures are drawn in all (`PICTURE_TRIES`), however many
/// invocations it takes, until somebody asks for the asset again.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tries {
    wish: String,
    rejected: Vec<Rejected>,
    /// Pictures that were paid for and could not be read.
    #[serde(default)]
    unreadable: u32,
    /// What drawing cost so far, US dollars.
    #[serde(default)]
    spent_usd: f64,
    /// How long tries took that brought no picture.
    #[serde(default)]
    failed_seconds: f64,
    /// What refusals led to.
    #[serde(default)]
    wording: Wording,
    /// What was ordered and could not be had in time.
    #[serde(default, skip_serializing_if = "OpenOrders::are_none")]
    orders: OpenOrders,
}

/// A picture that did not pass its check.
#[derive(Debug, Serialize, Deserialize)]
struct Rejected {
    /// Its key, where it is kept for when no other passes.
    kept: Option<String>,
    finding: Finding,
}

/// A try that failed sooner does not count against the time that failing tries have.
const WORTH_NOTING: Duration = Duration::from_secs(1);

/// Of so many rejected pictures the keys are remembered, the newest: more than the bucket keeps for three days.
const REJECTED_DRAFTS_MAX: usize = 60;

impl<'a> Drafts<'a> {
    pub(super) fn of(attempt: &'a Attempt, prompt: String, references: &References) -> Self {
        let config = &attempt.deps().config;
        let models = config.image_models.join(",");
        let mut parts = vec![Bytes::from_static(b"picture"), prompt.into(), models.into()];
        if config.picture_quality != PictureQuality::default() {
            parts.push(Bytes::from_static(config.picture_quality.name().as_bytes()));
        }
        match references {
            References::None => {}
            References::Pictures(pictures) => {
                parts.extend(pictures.iter().map(|picture| picture.bytes().clone()));
            }
            // The cover, whose address carries a digest of it.
            References::Picture(_) => {
                let cover = attempt.story.asset(AssetType::Cover);
                let address = cover.and_then(|cover| cover.url.clone());
                parts.extend(address.map(Bytes::from));
            }
        }
        let wish = Fingerprint::of(parts);
        let checkpoint = &attempt.job.checkpoint;
        let known = Tries::deserialize(&checkpoint["picture"]).ok();
        let tries = known.filter(|tries| tries.wish == wish.to_string());
        Self {
            attempt,
            tries: tries.unwrap_or_else(|| Tries {
                wish: wish.to_string(),
                ..Tries::default()
            }),
            rejected_drafts: Vec::deserialize(&checkpoint["rejectedDrafts"]).unwrap_or_default(),
            wish,
        }
    }

    /// The picture an earlier attempt paid for and could not publish.
    pub(super) async fn find_earlier_picture(
        &self,
    ) -> Result<Option<(PictureBytes, Draft)>, StepError> {
        let attempt = self.attempt;
        if !attempt.is_repeated() {
            return Ok(None);
        }
        let (files, version) = (&attempt.deps().files, attempt.version());
        let mut keys = files.drafts(&version, &self.wish, FileKind::Png).await?;
        keys.retain(|key| !self.rejected_drafts.contains(key));
        let Some(key) = keys.pop() else {
            return Ok(None);
        };
        let (draft, bytes) = files.get_draft(key, FileKind::Png).await?;
        let Ok(picture) = PictureBytes::parse(bytes) else {
            return Ok(None);
        };
        tracing::info!("Picture of an earlier attempt found, not bought again");
        Ok(Some((picture, draft)))
    }

    /// Keeps the picture of try `number`.
    pub(super) async fn store(
        &self,
        number: u32,
        picture: &PictureBytes,
    ) -> Result<Draft, StepError> {
        let key = self.attempt.draft_key(&self.wish, number, FileKind::Png);
        let files = &self.attempt.deps().files;
        let bytes = picture.bytes().clone();
        Ok(files.put_draft(key, FileKind::Png, bytes).await?)
    }

    /// What a picture is asked for in by now: what was refused is not asked for again.
    pub(super) fn wording(&self, wished: Wording) -> Wording {
        self.tries.wording.max(wished)
    }

    /// What was ordered and not fetched: asked after before anything else is bought.
    pub(super) fn orders(&self) -> OpenOrders {
        self.tries.orders.clone()
    }

    /// What may still be paid for drawing, US dollars.
    pub(super) fn left_usd(&self) -> f64 {
        self.attempt.deps().config.picture_budget.usd - self.tries.spent_usd
    }

    /// Notes a picture that an earlier attempt paid for: what it cost at least, for that attempt ended before it said so.
    pub(super) fn note_found(&mut self, cost_usd: f64) {
        self.tries.spent_usd += cost_usd;
    }

    /// Notes what a try cost. Where a refusal taught other words this is remembered at once: the picture will be found by
    /// those who know what it shows.
    pub(super) async fn note_bought(
        &mut self,
        cost_usd: f64,
        wording: Wording,
    ) -> Result<(), StepError> {
        self.tries.spent_usd += cost_usd;
        if self.tries.wording == wording {
            return Ok(());
        }
        self.tries.wording = wording;
        self.remember().await
    }

    /// Notes a try that brought nothing; true when the time for such tries is over.
    ///
    /// # Errors
    /// As [`Attempt::checkpoint`].
    pub(super) async fn note_failed(
        &mut self,
        cost_usd: f64,
        took: Duration,
        wording: Wording,
    ) -> Result<bool, StepError> {
        let is_news = cost_usd > 0.0 || took >= WORTH_NOTING || self.tries.wording != wording;
        self.tries.spent_usd += cost_usd;
        self.tries.failed_seconds += took.as_secs_f64();
        self.tries.wording = wording;
        // A failure that cost neither money nor time is not worth a round trip.
        if is_news {
            self.remember().await?;
        }
        let budget = self.attempt.deps().config.picture_budget.time;
        Ok(self.tries.failed_seconds >= budget.as_secs_f64())
    }

    /// The number of the next try; none when all are used up.
    pub(super) fn next_try(&self) -> Option<u32> {
        let rejected = u32::try_from(self.tries.rejected.len()).unwrap_or(u32::MAX);
        let used = rejected.saturating_add(self.tries.unreadable);
        (used < self.attempt.deps().config.picture_tries).then_some(used + 1)
    }

    /// What the checks so far want changed, as the last lines of a prompt.
    pub(super) fn feedback(&self) -> String {
        let mut wanted: Vec<&str> = Vec::new();
        for finding in self.findings() {
            if !finding.feedback.is_empty() && !wanted.contains(&finding.feedback.as_str()) {
                wanted.push(&finding.feedback);
            }
        }
        match wanted.as_slice() {
            [] => String::new(),
            wanted => format!("\n\nFeedback: {}", wanted.join(" ")),
        }
    }

    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.tries.rejected.iter().map(|rejected| &rejected.finding)
    }

    /// What was found of all pictures, the accepted one last.
    pub(super) fn validation(&self, accepted: Option<&Finding>) -> Value {
        validation(self.findings().chain(accepted))
    }

    /// Whether a picture that did not pass may serve where none does: it lacks only what is wanted, or the best safe one is to.
    fn may_serve(&self, finding: &Finding) -> bool {
        let serves_best = self.attempt.deps().config.image_fallback == ImageFallback::Best;
        finding.lacks_only_what_is_wanted() || finding.safe && serves_best
    }

    /// Of the pictures that were rejected and may serve: one that lacks only what is wanted before others, then the one that
    /// shows most traits, the last of them if several do.
    pub(super) async fn find_best_rejected(
        &self,
    ) -> Result<Option<(PictureBytes, Draft)>, StepError> {
        let rejected = self.tries.rejected.iter();
        let kept = rejected.filter(|one| self.may_serve(&one.finding));
        let kept = kept.filter_map(|Rejected { kept, finding }| {
            let worth = (finding.lacks_only_what_is_wanted(), finding.traits_shown());
            Some((worth, kept.clone()?))
        });
        let Some((_, key)) = kept.max_by_key(|(worth, _)| *worth) else {
            return Ok(None);
        };
        let files = &self.attempt.deps().files;
        let (draft, bytes) = files.get_draft(key, FileKind::Png).await?;
        let picture = PictureBytes::parse(bytes);
        Ok(picture.ok().map(|picture| (picture, draft)))
    }

    /// Why there is no picture after the last try.
    pub(super) fn outcome(&self) -> StepError {
        match self.tries.rejected.as_slice() {
            [] => StepError::NothingReadable,
            _ => StepError::CheckFailed,
        }
    }

    /// Forgets a picture, so that no later attempt finds it, and remembers that there was one. One that may serve at last is
    /// kept among the drafts.
    pub(super) async fn reject(
        &mut self,
        draft: &Draft,
        finding: Finding,
    ) -> Result<(), StepError> {
        let is_kept = self.may_serve(&finding);
        self.attempt.shown.hide_preview();
        if !finding.safe {
            self.attempt.shown.note_reason(Reason::PictureUnsafe);
        }
        self.tries.rejected.push(Rejected {
            kept: is_kept.then(|| draft.key().to_owned()),
            finding,
        });
        if self.next_try().is_some() {
            // The next picture and its check, which the lease did not speak for: they take their place before they are asked.
            self.attempt.note_extra_calls(1, 1);
        }
        let keys = &mut self.rejected_drafts;
        keys.push(draft.key().to_owned());
        keys.drain(..keys.len().saturating_sub(REJECTED_DRAFTS_MAX));
        if is_kept {
            return self.remember().await;
        }
        let files = &self.attempt.deps().files;
        let (discarded, remembered) = tokio::join!(files.discard(draft), self.remember());
        if let Err(error) = discarded {
            tracing::warn!(
                error = runtime::chain(&error),
                "Rejected picture could not be deleted; its key is remembered, and the bucket forgets it with the drafts"
            );
        }
        remembered
    }

    /// Remembers that the picture of try `number` was paid for and cannot be read.
    pub(super) async fn note_unreadable(
        &mut self,
        number: u32,
        error: Box<dyn Error + Send + Sync>,
    ) -> Result<(), StepError> {
        tracing::warn!(
            attempt = number,
            error = runtime::chain(error.as_ref()),
            "Picture cannot be read"
        );
        self.tries.unreadable += 1;
        if self.next_try().is_some() {
            self.attempt.note_extra_calls(1, 0);
        }
        self.remember().await
    }

    async fn remember(&self) -> Result<(), StepError> {
        let known = json!({"picture": self.tries, "rejectedDrafts": self.rejected_drafts});
        let shown = json!({"validation": self.validation(None)});
        self.attempt.checkpoint(known, 70, Some(shown)).await
    }
}

//! Pictures in the bucket that nobody has accepted yet, and how the tries at them ended.

use super::TRIES;
use crate::{
    attempt::Attempt,
    failure::StepError,
    prompt::{self, PictureBrief},
};
use bytes::Bytes;
use domain::AssetType;
use providers::{PictureBytes, References};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::error::Error;
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

/// How the tries at one wish ended, kept with the job: three pictures are drawn in all, however many invocations it takes,
/// until somebody asks for the asset again.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tries {
    wish: String,
    /// Pictures that did not pass their check.
    rejected: u32,
    /// Pictures that were paid for and could not be read.
    #[serde(default)]
    unreadable: u32,
}

/// Of so many rejected pictures the keys are remembered, the newest: more than the bucket keeps for three days.
const REJECTED_DRAFTS_MAX: usize = 60;

impl<'a> Drafts<'a> {
    pub(super) fn of(
        attempt: &'a Attempt,
        brief: &PictureBrief<'_>,
        references: &References,
        plain: bool,
    ) -> Self {
        let prompt = if plain {
            prompt::plain_picture(brief)
        } else {
            prompt::picture(brief)
        };
        let models = attempt.deps().config.image_models.join(",");
        let mut parts = vec![Bytes::from_static(b"picture"), prompt.into(), models.into()];
        match references {
            References::None => {}
            References::Urls(urls) => {
                parts.extend(urls.iter().map(|url| Bytes::from(url.to_string())));
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

    /// The number of the next try; none when all are used up.
    pub(super) fn next_try(&self) -> Option<u32> {
        let used = self.tries.rejected + self.tries.unreadable;
        (used < TRIES).then_some(used + 1)
    }

    /// Why there is no picture after the last try.
    pub(super) fn outcome(&self) -> StepError {
        match self.tries.rejected {
            0 => StepError::NothingReadable,
            _ => StepError::CheckFailed,
        }
    }

    /// Forgets a picture, so that no later attempt finds it, and remembers that there was one.
    pub(super) async fn reject(&mut self, draft: &Draft) -> Result<(), StepError> {
        self.tries.rejected += 1;
        let keys = &mut self.rejected_drafts;
        keys.push(draft.key().to_owned());
        keys.drain(..keys.len().saturating_sub(REJECTED_DRAFTS_MAX));
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
        self.remember().await
    }

    async fn remember(&self) -> Result<(), StepError> {
        let known = json!({"picture": self.tries, "rejectedDrafts": self.rejected_drafts});
        self.attempt.checkpoint(known, 70, None).await
    }
}

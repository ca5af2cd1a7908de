//! Pictures in the bucket that nobody has accepted yet, and how many of them were rejected.

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
use store::{Draft, FileKind, Fingerprint};

/// The pictures of one wish.
pub(super) struct Drafts<'a> {
    attempt: &'a Attempt,
    /// Of everything that decides how the pictures turn out. What follows from answers (plainer words after a refusal, the
    /// feedback of a check) follows for every attempt with the same wish.
    wish: Fingerprint,
}

/// How many pictures of one wish did not pass their check, kept with the job: three are drawn in all, however many
/// invocations it takes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rejections {
    wish: String,
    rejected: u32,
}

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
        Self {
            attempt,
            wish: Fingerprint::of(parts),
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

    /// How many of this wish were rejected by earlier attempts; at least one more may be drawn.
    pub(super) fn rejected_before(&self) -> u32 {
        Rejections::deserialize(&self.attempt.job.checkpoint["picture"])
            .ok()
            .filter(|known| known.wish == self.wish.to_string())
            .map_or(0, |known| known.rejected.min(TRIES - 1))
    }

    /// Forgets the picture of try `number`, so that no later attempt finds it, and remembers that there was one.
    pub(super) async fn reject(&self, number: u32, draft: &Draft) -> Result<(), StepError> {
        let files = &self.attempt.deps().files;
        let known = Rejections {
            wish: self.wish.to_string(),
            // Whoever asks for it again after the last one has three tries again.
            rejected: number % TRIES,
        };
        let remembering = self.attempt.checkpoint(json!({"picture": known}), 70, None);
        let (discarded, remembered) = tokio::join!(files.discard(draft), remembering);
        if let Err(error) = discarded {
            // It is looked at again if an attempt finds it, and never published unseen.
            tracing::warn!(
                error = runtime::chain(&error),
                "Rejected picture could not be deleted; the bucket forgets it with the drafts"
            );
        }
        remembered
    }
}

//! What stands in for a picture that was given up.

use super::palette::{DEFAULT_PALETTE, parse_palette};
use crate::{attempt::Attempt, config::ImageFallback, failure::StepError};
use render::colors::HexColor;
use store::{FileKind, Placeholder, StoredFile};

/// A tasteful stand-in in the colours of the scene, unless the configuration prefers an empty place.
pub(super) async fn draw(attempt: &Attempt) -> Option<Placeholder> {
    if attempt.deps().config.image_fallback == ImageFallback::Fail {
        return None;
    }
    let job = &attempt.job;
    let index = job.asset_type.picture_index()?;
    let palette = attempt
        .story
        .art
        .step(index)
        .and_then(|step| parse_palette(&step.colors))
        .map_or(DEFAULT_PALETTE, |colors| {
            colors.map(HexColor::readable_under_white)
        });
    match publish(attempt, palette).await {
        Ok(file) => {
            tracing::warn!("[preview-images] using generated placeholder for scene {index}");
            Some(Placeholder {
                url: file.url,
                colors: palette.iter().map(HexColor::to_string).collect(),
            })
        }
        Err(error) => {
            tracing::error!(
                code = "placeholder_failed",
                error = runtime::chain(&error),
                "[preview-images] Even placeholder failed for scene {index}"
            );
            None
        }
    }
}

async fn publish(attempt: &Attempt, palette: [HexColor; 3]) -> Result<StoredFile, StepError> {
    let permit = attempt.deps().decode_pool.acquire().await;
    let drawing = move || render::placeholder::placeholder_png(1024, palette);
    let png = permit.run_urgent(drawing).await?;
    let files = &attempt.deps().files;
    Ok(files
        .put_public(&attempt.version(), FileKind::Png, png.into())
        .await?)
}

//! What stands in for a picture that was given up.

use crate::{config::ImageFallback, failure::StepError, studio::Studio};
use domain::story::PaletteStep;
use render::colors::HexColor;
use store::{AssetVersion, FileKind, LeasedJob, Placeholder};

/// A tasteful stand-in in the colours of the scene, unless the configuration prefers an empty place.
pub(super) async fn placeholder(studio: &Studio, job: &LeasedJob) -> Option<Placeholder> {
    if studio.deps.config.image_fallback == ImageFallback::Fail {
        return None;
    }
    let index = job.asset_type.picture_index()?;
    let step = studio.art.step(index).await;
    let palette = step
        .and_then(|step| deep_palette(&step))
        .unwrap_or(DEFAULT_PALETTE);
    let place = studio.deps.darkroom.place().await;
    let drawn = place
        .now(move || render::placeholder::placeholder_png(1024, palette))
        .await;
    let version = AssetVersion::made_by(job);
    let stored = match drawn {
        Ok(png) => studio
            .deps
            .files
            .put_public(&version, FileKind::Png, png.into())
            .await
            .map_err(StepError::from),
        Err(error) => Err(error),
    };
    match stored {
        Ok(file) => {
            tracing::warn!(storyId = %job.story_id, assetType = %job.asset_type, "[preview-images] using generated placeholder for scene {index}");
            Some(Placeholder {
                url: file.url,
                colors: palette.iter().map(HexColor::to_string).collect(),
            })
        }
        Err(error) => {
            tracing::error!(storyId = %job.story_id, assetType = %job.asset_type, code = "placeholder_failed",
                error = runtime::chain(&error), "[preview-images] Even placeholder failed for scene {index}");
            None
        }
    }
}

/// Dusk over hills, for a story whose colours are not known yet.
const DEFAULT_PALETTE: [HexColor; 3] = [
    HexColor::new(0x2b, 0x3a, 0x67),
    HexColor::new(0x6a, 0x3d, 0x5b),
    HexColor::new(0x2f, 0x5d, 0x50),
];

fn deep_palette(step: &PaletteStep) -> Option<[HexColor; 3]> {
    let colors: Vec<HexColor> = step
        .colors
        .iter()
        .filter_map(|color| color.parse().ok())
        .collect();
    <[HexColor; 3]>::try_from(colors)
        .ok()
        .map(|colors| colors.map(HexColor::readable_under_white))
}

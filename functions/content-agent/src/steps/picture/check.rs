//! Whether a picture shows the characters as they are, and what is made of it once it is decoded.

use crate::{attempt::Attempt, failure::StepError, prompt};
use bytes::Bytes;
use domain::character::Character;
use providers::{PictureBytes, TextModelRole};
use render::{
    colors::{HexColor, deep_colors_of},
    picture::{PictureError, RgbImage},
};
use serde::Deserialize;
use store::Draft;

/// Longest side, in pixels, of what is sent to be checked: "low detail" is 512 x 512 (OpenAI, images and vision guide).
const THUMBNAIL_SIDE: u32 = 512;

#[derive(Deserialize)]
pub(super) struct Verdict {
    pub(super) passed: bool,
    /// A child may see it, whatever else is wrong with it.
    pub(super) safe: bool,
    /// What to change.
    pub(super) feedback: String,
    pub(super) checks: Vec<TraitCheck>,
}

/// Whether a trait is shown.
#[derive(Deserialize)]
pub(super) struct TraitCheck {
    /// Its words, as they were asked for.
    #[serde(rename = "trait")]
    pub(super) words: String,
    pub(super) present: bool,
}

/// What is made of a picture for others: its colours, a JPEG that the book is bound from, a lighter one for screens, and a
/// small one, which is what was sent to be checked.
pub(super) struct Developed {
    pub(super) colors: [HexColor; 3],
    pub(super) print: Bytes,
    pub(super) screen: Bytes,
    pub(super) thumbnail: Bytes,
}

/// Asks whether the picture shows these characters as they are (traits that are switched off are not asked for), and does
/// the `storing` and develops it meanwhile.
///
/// # Errors
/// [`StepError::Picture`] when its body holds less than its header promised; nothing is stored or asked then.
pub(super) async fn check_and_develop(
    attempt: &Attempt,
    picture: &PictureBytes,
    characters: &[Character],
    storing: impl Future<Output = Result<Draft, StepError>>,
) -> Result<(Draft, Developed, Verdict), StepError> {
    let unreadable = |error: PictureError| StepError::Picture(error.into());
    let permit = attempt.deps().decode_pool.acquire().await;
    let encoded = picture.clone();
    let (pixels, thumbnail) = permit
        .run_urgent(move || shrink(&encoded))
        .await?
        .map_err(unreadable)?;
    let question = prompt::image_check(
        attempt.asset().name(),
        characters,
        &attempt.deps().config.trait_strictness,
        thumbnail.clone(),
    );
    let developing = async {
        let developing = move || develop(&pixels, thumbnail);
        let developed = permit.run_background(developing).await;
        // The pixels are gone, and the verdict may take a while.
        drop(permit);
        developed
    };
    let checking = attempt.ask::<Verdict>(TextModelRole::Analysis, question);
    let (draft, developed, verdict) = tokio::join!(storing, developing, checking);
    Ok((draft?, developed?.map_err(unreadable)?, verdict?))
}

/// What is made of a picture that has its verdict already.
///
/// # Errors
/// [`StepError::Picture`] when it cannot be read.
pub(super) async fn develop_checked(
    attempt: &Attempt,
    picture: &PictureBytes,
) -> Result<Developed, StepError> {
    let encoded = picture.clone();
    let permit = attempt.deps().decode_pool.acquire().await;
    let developing =
        move || shrink(&encoded).and_then(|(pixels, thumbnail)| develop(&pixels, thumbnail));
    let developed = permit.run_urgent(developing).await?;
    developed.map_err(|error| StepError::Picture(error.into()))
}

/// The pixels, and a small JPEG: the check is asked for at low detail, which is no more than these.
pub(super) fn shrink(picture: &PictureBytes) -> Result<(RgbImage, Bytes), PictureError> {
    let pixels = render::picture::decode(picture.bytes())?;
    let small = render::picture::within(&pixels, THUMBNAIL_SIDE);
    let thumbnail = render::picture::screen_jpeg(&small)?;
    Ok((pixels, thumbnail.into()))
}

fn develop(pixels: &RgbImage, thumbnail: Bytes) -> Result<Developed, PictureError> {
    Ok(Developed {
        colors: deep_colors_of(pixels),
        print: render::picture::jpeg(pixels)?.into(),
        screen: render::picture::screen_jpeg(pixels)?.into(),
        thumbnail,
    })
}

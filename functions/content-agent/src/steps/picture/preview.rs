//! A glimpse of a picture while it is drawn: small, looked at before anybody sees it, and gone once the picture is there.

use super::drawing::Drawing;
use crate::attempt::Attempt;
use bytes::Bytes;
use providers::{CallUsage, PictureBytes, Previews, ProviderError};
use store::FileKind;
use tokio::sync::watch;

/// Longest side, in pixels.
const SIDE: u32 = 384;

/// Draws, and shows what comes of it meanwhile where that is asked for.
pub(super) async fn show_while(
    attempt: &Attempt,
    drawing: &mut Drawing<'_>,
    feedback: &str,
    billed: &mut Vec<CallUsage>,
) -> Result<PictureBytes, ProviderError> {
    if !attempt.deps().config.shows_previews {
        return drawing.draw(feedback, billed).await;
    }
    let (previews, drawn) = Previews::watched();
    drawing.previews = previews;
    let drawing = async move {
        let picture = drawing.draw(feedback, billed).await;
        // Whoever watches hears that nothing more comes.
        drawing.previews = Previews::default();
        picture
    };
    tokio::join!(drawing, show(attempt, drawn)).0
}

/// Shows what comes until the picture is there. What was begun to be stored is stored and told of by then.
async fn show(attempt: &Attempt, mut drawn: watch::Receiver<Option<PictureBytes>>) {
    let mut more = drawn.changed().await;
    while more.is_ok() {
        let Some(preview) = drawn.borrow_and_update().clone() else {
            attempt.shown.hide_preview();
            more = drawn.changed().await;
            continue;
        };
        let looked_at = tokio::select! {
            looked_at = look_at(attempt, preview) => looked_at,
            changed = drawn.changed() => {
                more = changed;
                continue;
            }
        };
        if let Some(small) = looked_at {
            publish(attempt, small).await;
        }
        more = drawn.changed().await;
    }
}

/// What may be seen of it: nothing where it cannot be read, is not for this reader, or nobody is there to look.
async fn look_at(attempt: &Attempt, preview: PictureBytes) -> Option<Bytes> {
    let encoded = preview.bytes().clone();
    let permit = attempt.deps().decode_pool.acquire().await;
    let shrinking = move || {
        let pixels = render::picture::decode(&encoded)?;
        render::picture::screen_jpeg(&render::picture::within(&pixels, SIDE))
    };
    let small = permit.run_background(shrinking).await.ok()?.ok()?;
    drop(permit);
    let age = attempt.story.work.request.reader_age();
    let may_be_seen = attempt
        .deps()
        .moderation
        .lets_picture_pass(age, &small)
        .await;
    if !may_be_seen {
        tracing::info!("Preview did not pass its check, nobody sees it");
    }
    may_be_seen.then(|| small.into())
}

async fn publish(attempt: &Attempt, small: Bytes) {
    let (files, version) = (&attempt.deps().files, attempt.version());
    let stored = files.put_public(&version, FileKind::Preview, small);
    match stored.await {
        Ok(file) => attempt.shown.show_preview(&file.url),
        Err(error) => tracing::warn!(
            error = runtime::chain(&error),
            "Preview could not be stored, nobody sees it"
        ),
    }
}

/// The picture is there. A glimpse that the database was told of goes with its attempt; another is nobody's.
pub(super) async fn end(attempt: &Attempt) {
    let Some(url) = attempt.shown.end_preview() else {
        return;
    };
    let files = &attempt.deps().files;
    let deleted = files.discard_published(attempt.story.work.story_id, &url);
    if let Err(error) = deleted.await {
        tracing::warn!(
            error = runtime::chain(&error),
            "Preview that nobody saw could not be deleted"
        );
    }
}

//! Prepares the pictures that users bring of their characters (S1-239): each is fetched once, looked at, and kept as its pixels
//! alone, so that no provider is ever sent where it came from, or what its camera wrote beside it.

use crate::{ContentAgentError, Deps, Invocation};
use bytes::Bytes;
use domain::{
    CharacterId,
    reference::{ReferenceSource, ReferenceStates, ReferenceStatus},
};
use futures::future::join_all;
use providers::PictureBytes;
use runtime::{Deadline, PublicWebError, chain};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use store::{ClaimedReferences, LeasedReferences, StoreError};

/// What an invocation prepared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreparationReport {
    pub ready: u64,
    /// Of no use, for good.
    pub unused: u64,
    /// What could not be had now and is due again in a while.
    pub pending: u64,
    /// Sheets that were drawn.
    pub sheets: u64,
}

/// Longest file, bytes.
const BYTES_MAX: usize = 10 << 20;
const FETCHED_WITHIN: Duration = Duration::from_secs(10);
/// References being fetched at one moment, each held in memory.
const AT_ONCE: usize = 4;
/// Longer than sixteen of them take, each as long as it may.
const LEASE: Duration = Duration::from_secs(120);
/// Claims after which what cannot be had is given up.
const CLAIMS_MAX: u32 = 3;
/// A picture waits no longer for references that somebody else fetches.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL_PAUSE: Duration = Duration::from_millis(500);
/// Kept free at the end for what was begun.
const MARGIN: Duration = Duration::from_secs(60);

type Outcomes = BTreeMap<ReferenceSource, ReferenceStatus>;

/// Prepares what a character has that nobody has looked at.
pub(crate) async fn prepare(
    deps: &Deps,
    character: CharacterId,
    invocation: &Invocation,
) -> Result<PreparationReport, ContentAgentError> {
    run(deps, Some(character), invocation).await
}

/// Prepares what is due: what nobody was told of, or could not be had before.
pub(crate) async fn prepare_due(
    deps: &Deps,
    invocation: &Invocation,
) -> Result<PreparationReport, ContentAgentError> {
    run(deps, None, invocation).await
}

async fn run(
    deps: &Deps,
    character: Option<CharacterId>,
    invocation: &Invocation,
) -> Result<PreparationReport, ContentAgentError> {
    let deadline = invocation.deadline.earlier_by(MARGIN);
    let mut report = PreparationReport::default();
    for number in 0_u32.. {
        if invocation.shutdown.is_asked() || deadline.left().is_zero() {
            break;
        }
        let owner = format!("{}/references-{number}", invocation.owner);
        let claimed = claim(deps, &owner, character.as_slice()).await;
        let claimed = claimed.map_err(ContentAgentError::PrepareReferences)?;
        let mut more = claimed.more;
        for leased in &claimed.leased {
            let prepared = take_up(deps, leased).await;
            let (outcomes, others) = prepared.map_err(ContentAgentError::PrepareReferences)?;
            report.count(&outcomes);
            more |= others;
        }
        if claimed.leased.is_empty() || !more {
            break;
        }
    }
    if report != PreparationReport::default() {
        tracing::info!(
            ready = report.ready,
            unused = report.unused,
            pending = report.pending,
            "References prepared"
        );
    }
    Ok(report)
}

impl PreparationReport {
    fn count(&mut self, outcomes: &Outcomes) {
        for status in outcomes.values() {
            *match status {
                ReferenceStatus::Ready => &mut self.ready,
                ReferenceStatus::Pending => &mut self.pending,
                ReferenceStatus::Refused | ReferenceStatus::Unreadable => &mut self.unused,
            } += 1;
        }
    }
}

/// How the references of these characters turned out. Those that nobody fetches are prepared here; for others it is waited
/// a while.
pub(crate) async fn ensure(
    deps: &Deps,
    characters: &[CharacterId],
    deadline: Deadline,
) -> Result<BTreeMap<CharacterId, ReferenceStates>, StoreError> {
    let until = deadline.instant().min(Instant::now() + PATIENCE);
    loop {
        let owner = format!("picture/{}", uuid::Uuid::new_v4());
        let ClaimedReferences {
            leased, mut states, ..
        } = claim(deps, &owner, characters).await?;
        for leased in &leased {
            let (outcomes, _) = take_up(deps, leased).await?;
            let known = states.entry(leased.character_id).or_default();
            known.extend(outcomes);
        }
        let is_ours = |character: &CharacterId| {
            let mut leased = leased.iter();
            leased.any(|leased| leased.character_id == *character)
        };
        // What could not be had here now would not be had in a moment.
        let waits = states
            .iter()
            .any(|(character, states)| states.any_is_pending() && !is_ours(character));
        if !waits || Instant::now() >= until {
            return Ok(states);
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
}

/// Of these characters, or of those that are due where none is named.
async fn claim(
    deps: &Deps,
    owner: &str,
    characters: &[CharacterId],
) -> Result<ClaimedReferences, StoreError> {
    let named = (!characters.is_empty()).then_some(characters);
    deps.store.claim_references(owner, named, LEASE).await
}

/// Fetches what was leased and says how it turned out; and whether there is more of this character by now.
async fn take_up(deps: &Deps, leased: &LeasedReferences) -> Result<(Outcomes, bool), StoreError> {
    let mut outcomes = Outcomes::new();
    for sources in leased.sources.chunks(AT_ONCE) {
        let looking = sources.iter().map(|source| outcome(deps, leased, source));
        outcomes.extend(sources.iter().cloned().zip(join_all(looking).await));
    }
    let noted = deps.store.note_references(leased, &outcomes).await?;
    if noted.accepted {
        for (source, status) in &outcomes {
            if let ReferenceSource::Upload(upload) = source
                && *status != ReferenceStatus::Pending
                && let Err(error) = deps
                    .files
                    .discard_upload(leased.character_id, *upload)
                    .await
            {
                tracing::warn!(
                    error = chain(&error),
                    "An upload could not be deleted; the bucket forgets it in a day"
                );
            }
        }
    }
    Ok((outcomes, noted.more))
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("it could not be fetched")]
    Fetch(#[from] PublicWebError),
    #[error("nothing was sent, or too much")]
    NotSent,
    #[error("it is no PNG, JPEG or WebP of 256 to 4096 pixels a side")]
    NotAPicture(#[from] providers::NotAPicture),
    #[error("it cannot be decoded")]
    Decode(#[from] render::picture::PictureError),
    #[error("decoding it ended in an unexpected way")]
    Panicked,
    #[error("it shows {0}")]
    Unsafe(&'static str),
    #[error("it could not be kept")]
    Store(#[from] StoreError),
}

async fn outcome(
    deps: &Deps,
    leased: &LeasedReferences,
    source: &ReferenceSource,
) -> ReferenceStatus {
    let Err(problem) = keep(deps, leased.character_id, source).await else {
        return ReferenceStatus::Ready;
    };
    // The address is its user's; of what it led to the cause tells enough.
    tracing::warn!(
        characterId = %leased.character_id,
        attempt = leased.attempts,
        error = chain(&problem),
        "Reference is of no use"
    );
    match problem {
        Problem::Unsafe(_) => ReferenceStatus::Refused,
        Problem::Store(_) => ReferenceStatus::Pending,
        Problem::Fetch(error) if error.is_passing() && leased.attempts < CLAIMS_MAX => {
            ReferenceStatus::Pending
        }
        _ => ReferenceStatus::Unreadable,
    }
}

async fn keep(
    deps: &Deps,
    character: CharacterId,
    source: &ReferenceSource,
) -> Result<(), Problem> {
    let bytes = match source {
        ReferenceSource::Web(url) => deps.web.fetch(url, BYTES_MAX, FETCHED_WITHIN).await?,
        ReferenceSource::Upload(upload) => {
            let sent = deps.files.get_upload(character, *upload, BYTES_MAX).await?;
            sent.ok_or(Problem::NotSent)?
        }
    };
    let picture = PictureBytes::parse(bytes)?;
    let permit = deps.decode_pool.acquire_all().await;
    let decoding = permit.run_urgent(move || render::picture::reference(picture.bytes()));
    let jpeg: Bytes = decoding.await.map_err(|_| Problem::Panicked)??.into();
    drop(permit);
    // Its reader may be anybody, so the limits are those for the smallest.
    if let Some(concern) = deps.moderation.find_unsafe_picture(None, &jpeg).await {
        return Err(Problem::Unsafe(concern.words));
    }
    Ok(deps.files.put_reference(character, source, jpeg).await?)
}

#[cfg(test)]
mod tests;

//! Sheets of characters that were asked for: each is leased to one who draws it, and kept once it has passed its check.

use crate::{ContentAgentError, Deps, Invocation, failure::StepError, steps::sheet};
use domain::{AssetType, CharacterId};
use runtime::{Deadline, chain};
use std::time::Duration;
use store::{LeasedSheet, SheetOutcome, StoreError};

/// Longer than anything is drawn and checked under it.
const LEASE: Duration = Duration::from_secs(240);
/// What two pictures and two looks at them may take.
const DRAWN_WITHIN: Duration = Duration::from_secs(200);
/// With less time than this left none is begun.
const TIME_FOR_ONE: Duration = Duration::from_secs(100);
/// Kept free at the end to say how it went.
const MARGIN: Duration = Duration::from_secs(15);

/// Draws the sheet of this character, or what is due: what nobody was told of, or could not be had before. Answers how many
/// turned out.
pub(crate) async fn draw(
    deps: &Deps,
    character: Option<CharacterId>,
    invocation: &Invocation,
) -> Result<u64, ContentAgentError> {
    let last_begin = invocation.deadline.earlier_by(TIME_FOR_ONE);
    let mut drawn = 0;
    for number in 0_u32.. {
        if invocation.shutdown.is_asked() || last_begin.left().is_zero() {
            break;
        }
        let owner = format!("{}/sheet-{number}", invocation.owner);
        let claimed = deps.store.claim_sheet(&owner, character, LEASE).await;
        let claimed = claimed.map_err(ContentAgentError::DrawSheets)?;
        let Some(leased) = claimed.leased else {
            break;
        };
        let left = invocation.deadline.earlier_by(MARGIN).left();
        let outcome = take_up(deps, &leased, Deadline::after(left.min(DRAWN_WITHIN))).await;
        let outcome = outcome.map_err(ContentAgentError::DrawSheets)?;
        drawn += u64::from(outcome == Some(SheetOutcome::Ready));
        tracing::info!(characterId = %leased.hero.id, ?outcome, "Character sheet");
        if !claimed.more {
            break;
        }
    }
    Ok(drawn)
}

/// Draws what was leased and says how it turned out; nothing where the lease is somebody else's by now.
async fn take_up(
    deps: &Deps,
    leased: &LeasedSheet,
    deadline: Deadline,
) -> Result<Option<SheetOutcome>, StoreError> {
    let outcome = match keep(deps, leased, deadline).await {
        Ok(()) => SheetOutcome::Ready,
        Err(StepError::LeaseLost) => return Ok(None),
        Err(error) => {
            tracing::warn!(characterId = %leased.hero.id, error = chain(&error), "Character sheet was not drawn");
            let failure = error.into_failure(AssetType::Cover);
            let reason = failure.code;
            match failure.retryable {
                true => SheetOutcome::Pending { reason },
                false => SheetOutcome::Failed { reason },
            }
        }
    };
    let accepted = deps.store.note_sheet(leased, &[], Some(outcome)).await?;
    Ok(accepted.then_some(outcome))
}

async fn keep(deps: &Deps, leased: &LeasedSheet, deadline: Deadline) -> Result<(), StepError> {
    let (hero, looks) = (leased.hero.id, &leased.looks);
    // Kept by one who could not say so any more.
    if deps.files.get_sheet(hero, looks).await?.is_some() {
        return Ok(());
    }
    let png = sheet::draw(deps, leased, deadline).await?;
    Ok(deps.files.put_sheet(hero, looks, png).await?)
}

#[cfg(test)]
mod tests;

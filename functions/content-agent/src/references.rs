//! Reference pictures of a story, users' own and sheets: fetched from our bucket once for an invocation, and which of users'
//! were of no use, which is learnt once for all its pictures and told to the user, who may send others.

use crate::{Deps, failure::StepError, preparation};
use domain::{
    CharacterId,
    character::Character,
    reference::{ReferenceSource, ReferenceStates, ReferenceStatus},
};
use futures::future::try_join_all;
use providers::PictureBytes;
use runtime::Deadline;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use store::StoryWork;

/// Reference pictures a provider takes in one edit.
const REFERENCES_MAX: usize = 16;

/// A picture that a user brought of a character.
#[derive(Debug)]
pub(crate) struct UserReference {
    character: CharacterId,
    /// Its place among those of its character.
    index: usize,
    /// Or why there is none.
    picture: Result<PictureBytes, ReferenceStatus>,
}

/// Fetches those of a story's characters from our bucket. What nobody has looked at yet is prepared before.
///
/// # Errors
/// When the bucket or the database cannot be reached: a hero drawn without would be another one.
pub(crate) async fn of_story(
    deps: &Deps,
    work: &StoryWork,
    deadline: Deadline,
) -> Result<Vec<UserReference>, StepError> {
    of_characters(deps, &work.characters, work.references.clone(), deadline).await
}

/// The same, of characters whose references turned out like this so far.
pub(crate) async fn of_characters(
    deps: &Deps,
    characters: &[Character],
    mut states: BTreeMap<CharacterId, ReferenceStates>,
    deadline: Deadline,
) -> Result<Vec<UserReference>, StepError> {
    let all = characters.iter().flat_map(|character| {
        let sources = character.reference_images.iter().enumerate();
        sources.map(|(index, source)| (character.id, index, source))
    });
    let all: Vec<_> = all.take(REFERENCES_MAX).collect();
    let pending = states.iter().filter(|(_, states)| states.any_is_pending());
    let pending: Vec<_> = pending.map(|(character, _)| *character).collect();
    if !all.is_empty() && !pending.is_empty() {
        states.extend(preparation::ensure(deps, &pending, deadline).await?);
    }
    let fetching = all.into_iter().map(|(character, index, source)| {
        let status = states.get(&character).and_then(|states| states.get(source));
        fetch(deps, character, index, source, status)
    });
    try_join_all(fetching).await
}

async fn fetch(
    deps: &Deps,
    character: CharacterId,
    index: usize,
    source: &ReferenceSource,
    status: Option<ReferenceStatus>,
) -> Result<UserReference, StepError> {
    let picture = match status {
        Some(ReferenceStatus::Ready) => {
            let kept = deps.files.get_reference(character, source).await?;
            kept.and_then(|bytes| PictureBytes::parse(bytes).ok())
                .ok_or(ReferenceStatus::Unreadable)
        }
        Some(ReferenceStatus::Refused) => Err(ReferenceStatus::Refused),
        // What nobody tells of any more was taken away since the story was asked for.
        Some(ReferenceStatus::Pending | ReferenceStatus::Unreadable) | None => {
            Err(ReferenceStatus::Unreadable)
        }
    };
    Ok(UserReference {
        character,
        index,
        picture,
    })
}

/// What a story's pictures of its characters are drawn from: their sheets, and then what users brought of them.
///
/// # Errors
/// As [`of_story`].
pub(crate) async fn with_sheets(
    deps: &Deps,
    work: &StoryWork,
    brought: &[UserReference],
) -> Result<Vec<PictureBytes>, StepError> {
    let heroes = work.characters.iter();
    let sheets = heroes.filter_map(|hero| Some((hero.id, work.sheets.get(&hero.id)?)));
    let sheets = sheets.map(|(hero, looks)| deps.files.get_sheet(hero, looks));
    let sheets = try_join_all(sheets).await?.into_iter().flatten();
    let sheets = sheets.filter_map(|bytes| PictureBytes::parse(bytes).ok());
    Ok(sheets
        .chain(pictures(brought))
        .take(REFERENCES_MAX)
        .collect())
}

/// Those that can be drawn from.
pub(crate) fn pictures(references: &[UserReference]) -> Vec<PictureBytes> {
    let pictures = references.iter();
    pictures
        .filter_map(|reference| reference.picture.clone().ok())
        .collect()
}

/// What is known so far of pictures that could be drawn from.
#[derive(Debug, Default)]
pub(crate) struct UnusedReferences(Mutex<Vec<(PictureBytes, ReferenceStatus)>>);

impl UnusedReferences {
    fn known(&self) -> MutexGuard<'_, Vec<(PictureBytes, ReferenceStatus)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn leave_out<'a>(
        &self,
        pictures: impl IntoIterator<Item = &'a PictureBytes>,
        reason: ReferenceStatus,
    ) {
        let mut known = self.known();
        for picture in pictures {
            if !known.iter().any(|(other, _)| other == picture) {
                known.push((picture.clone(), reason));
            }
        }
    }

    /// Those of `pictures` nothing is held against.
    pub(crate) fn usable(&self, pictures: &[PictureBytes]) -> Vec<PictureBytes> {
        let known = self.known();
        let is_usable = |picture: &&PictureBytes| !known.iter().any(|(other, _)| other == *picture);
        pictures.iter().filter(is_usable).cloned().collect()
    }

    /// Whether a safety filter refused any of them.
    pub(crate) fn any_was_refused(&self) -> bool {
        let known = self.known();
        known
            .iter()
            .any(|(_, reason)| *reason == ReferenceStatus::Refused)
    }

    /// For the asset's metadata: each by its character and its place among that one's references, never by its address.
    /// `None` when all were used.
    pub(crate) fn describe(&self, references: &[UserReference]) -> Option<Value> {
        let known = self.known();
        let reason_of = |reference: &UserReference| match &reference.picture {
            Err(status) => status.reason(),
            Ok(picture) => {
                let mut known = known.iter();
                let found = known.find(|(other, _)| other == picture);
                found.and_then(|(_, status)| status.reason())
            }
        };
        let unused: Vec<Value> = references
            .iter()
            .filter_map(|reference| {
                let reason = reason_of(reference)?;
                Some(json!({"characterId": reference.character, "index": reference.index, "reason": reason}))
            })
            .collect();
        (!unused.is_empty()).then_some(Value::Array(unused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_services::picture;

    #[test]
    fn a_reference_that_was_not_used_is_named_by_its_character_and_its_place() {
        let character = "00000000-0000-0000-0000-000000000001";
        let of = |index, picture| UserReference {
            character: character.parse().expect("an id"),
            index,
            picture,
        };
        let [good, bad] =
            [1, 2].map(|number| PictureBytes::parse(picture(number)).expect("a picture"));
        let all = [of(0, Ok(good.clone())), of(1, Ok(bad.clone()))];
        let unused = UnusedReferences::default();
        assert_eq!(unused.describe(&all), None);
        unused.leave_out([&bad, &bad], ReferenceStatus::Unreadable);
        assert_eq!(
            unused.describe(&all),
            Some(json!([{"characterId": character, "index": 1, "reason": "UNREADABLE_REFERENCE"}]))
        );
        assert_eq!(unused.usable(&pictures(&all)), [good]);
        assert!(!unused.any_was_refused());
        let lost = [of(3, Err(ReferenceStatus::Refused))];
        assert_eq!(
            unused.describe(&lost),
            Some(json!([{"characterId": character, "index": 3, "reason": "REFUSED_REFERENCE"}]))
        );
    }
}

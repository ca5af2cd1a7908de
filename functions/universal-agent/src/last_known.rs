//! What this process was last told of each story, for moments in which the database does not answer.

use domain::{StoryId, UserId};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use store::{JobRow, StoryStatusRow};

/// Stories that are remembered; then the one that was asked for longest ago is forgotten.
const STORIES_MAX: usize = 500;

/// How a story stood, and its jobs where somebody asked for them.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) story: StoryStatusRow,
    pub(crate) jobs: Option<Vec<JobRow>>,
}

/// The last state of each story, under the user who may see it; asked for last stands last.
#[derive(Debug, Default)]
pub(crate) struct LastKnown(Mutex<VecDeque<(UserId, StoryId, Known)>>);

impl LastKnown {
    pub(crate) fn note(&self, user: UserId, story: StoryId, known: Known) {
        let mut stories = self.stories();
        stories.retain(|(whose, id, _)| (*whose, *id) != (user, story));
        if stories.len() == STORIES_MAX {
            stories.pop_front();
        }
        stories.push_back((user, story, known));
    }

    pub(crate) fn forget(&self, user: UserId, story: StoryId) {
        self.stories()
            .retain(|(whose, id, _)| (*whose, *id) != (user, story));
    }

    pub(crate) fn of(&self, user: UserId, story: StoryId) -> Option<Known> {
        let stories = self.stories();
        let mut found = stories.iter();
        let found = found.find(|(whose, id, _)| (*whose, *id) == (user, story));
        found.map(|(_, _, known)| known.clone())
    }

    fn stories(&self) -> MutexGuard<'_, VecDeque<(UserId, StoryId, Known)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_api::{STORY, USER, story_row};
    use serde_json::json;
    use uuid::Uuid;

    fn known(version: u64) -> Known {
        let mut row = story_row("ready", json!({}));
        row["version"] = version.into();
        Known {
            story: serde_json::from_value(row).unwrap(),
            jobs: None,
        }
    }

    #[test]
    fn the_newest_state_is_told_to_its_user_alone_and_the_oldest_story_makes_room() {
        let (last, user, story) = (
            LastKnown::default(),
            USER.parse().unwrap(),
            STORY.parse().unwrap(),
        );
        last.note(user, story, known(1));
        last.note(user, story, known(2));
        assert_eq!(last.of(user, story).unwrap().story.version, 2);
        let stranger = Uuid::new_v4().to_string().parse().unwrap();
        assert!(last.of(stranger, story).is_none());
        for _ in 0..STORIES_MAX - 1 {
            last.note(user, Uuid::new_v4().to_string().parse().unwrap(), known(1));
        }
        assert!(last.of(user, story).is_some());
        last.note(user, Uuid::new_v4().to_string().parse().unwrap(), known(1));
        assert!(last.of(user, story).is_none());
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let (last, user, story) = (
            LastKnown::default(),
            USER.parse().unwrap(),
            STORY.parse().unwrap(),
        );
        last.note(user, story, known(1));
        last.forget(user, story);
        assert!(last.of(user, story).is_none());
    }
}

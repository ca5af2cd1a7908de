//! What of a text can be measured: whether its reader can read it, and whether it is in the language that was asked for.

use domain::{reading_level::ReadingLevel, request::NewStory, story::Beat};
use render::language::other_language_of;
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// How the beats of a story are measured.
pub(super) struct Measure {
    level: ReadingLevel,
    /// ISO 639-1; none where nobody wished for one.
    language: Option<String>,
    /// Beats that are as they should be: each is heard again with every word that follows it.
    good: Mutex<HashSet<String>>,
}

impl Measure {
    pub(super) fn of(request: &NewStory) -> Self {
        Self::new(request.reader_age(), request.language())
    }

    pub(super) fn new(reader_age: Option<u32>, language: Option<&str>) -> Self {
        Self {
            level: ReadingLevel::for_age(reader_age),
            language: language.map(str::to_owned),
            good: Mutex::default(),
        }
    }

    /// What a beat is not that was asked for, in words for whoever wrote it.
    pub(super) fn problem_of(&self, beat: &Beat) -> Option<String> {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.contains(&beat.text) {
            return None;
        }
        let in_other = || {
            let wished = self.language.as_deref()?;
            let found = other_language_of(&beat.text, wished)?;
            Some(format!(
                "a beat was written in the language `{found}`, and `{wished}` was asked for"
            ))
        };
        let problem = in_other().or_else(|| self.level.problem_of(&beat.text));
        if problem.is_none() {
            good.insert(beat.text.clone());
        }
        problem
    }
}

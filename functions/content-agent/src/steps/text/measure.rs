//! What of a text can be measured: whether its reader can read it, and whether it is in the language that was asked for.

use domain::{reading_level::ReadingLevel, request::NewStory, story::Beat};
use render::language::other_language_of;

/// How the beats of a story are measured.
pub(super) struct Measure {
    pub(super) level: ReadingLevel,
    /// ISO 639-1; none where nobody wished for one.
    pub(super) language: Option<String>,
}

impl Measure {
    pub(super) fn of(request: &NewStory) -> Self {
        Self {
            level: ReadingLevel::for_age(request.reader_age()),
            language: request.language().map(str::to_owned),
        }
    }

    /// What a beat is not that was asked for, in words for whoever wrote it.
    pub(super) fn problem_of(&self, beat: &Beat) -> Option<String> {
        let in_other = || {
            let wished = self.language.as_deref()?;
            let found = other_language_of(&beat.text, wished)?;
            Some(format!(
                "a beat was written in the language `{found}`, and `{wished}` was asked for"
            ))
        };
        in_other().or_else(|| self.level.problem_of(&beat.text))
    }
}

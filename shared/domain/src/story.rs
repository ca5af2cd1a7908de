//! What the models make: the text with its four beats, the palette journey, the scene analyses, the activities.

use crate::words::{shorten, words};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Beats of a story, and scenes: one picture each.
pub const BEATS: usize = 4;
/// Steps of a palette journey: the cover and one per beat.
pub const PALETTE_STEPS: usize = 5;
/// Longest title and heading, in characters.
const TITLE_CHARS_MAX: usize = 255;
/// Fewest words of a beat.
const BEAT_WORDS_MIN: usize = 10;
/// Longest beat, in characters.
const BEAT_CHARS_MAX: usize = 2_400;
/// Longest stand-in for a missing description of a scene, in characters.
const SCENE_CHARS_MAX: usize = 400;
/// Fewest questions about a story.
const QUESTIONS_MIN: usize = 3;

/// A finished text, as `stories.content` holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryText {
    #[serde(default, deserialize_with = "lenient_text")]
    pub title: String,
    pub beats: Vec<Beat>,
    /// What one may take away, in one sentence.
    #[serde(default, deserialize_with = "lenient_text")]
    pub moral: String,
}

/// A quarter of the story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Beat {
    #[serde(default, deserialize_with = "lenient_text")]
    pub heading: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub text: String,
    #[serde(default, deserialize_with = "lenient_list")]
    pub dialogue: Vec<Dialogue>,
    /// What its picture shows.
    #[serde(default, deserialize_with = "lenient_text")]
    pub scene_description: String,
}

/// What a story is about, before it is told: a model plans first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outline {
    /// Who it is about.
    #[serde(deserialize_with = "lenient_text")]
    pub hero: String,
    #[serde(deserialize_with = "lenient_text")]
    pub want: String,
    #[serde(deserialize_with = "lenient_text")]
    pub obstacle: String,
    #[serde(deserialize_with = "lenient_text")]
    pub turn: String,
    #[serde(deserialize_with = "lenient_text")]
    pub ending: String,
    #[serde(deserialize_with = "lenient_text")]
    pub title: String,
    /// What the cover shows.
    #[serde(deserialize_with = "lenient_text")]
    pub cover_scene: String,
}

/// A text as far as it is written: its outline, and its first beats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manuscript {
    pub outline: Outline,
    #[serde(default)]
    pub beats: Vec<Beat>,
}

/// One spoken line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dialogue {
    #[serde(default, deserialize_with = "lenient_text")]
    pub speaker: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub line: String,
}

/// Pass 1 of the pictures: a motif and five colour moods (S1-106).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaletteJourney {
    #[serde(default, deserialize_with = "lenient_text")]
    pub motif: String,
    pub steps: Vec<PaletteStep>,
}

/// One mood: a name such as "Bright sunrise warmth" and three `#RRGGBB` colours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaletteStep {
    #[serde(default, deserialize_with = "lenient_text")]
    pub name: String,
    pub colors: Vec<String>,
}

/// Pass 2 of the pictures: one scene as a camera would see it (S1-107).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SceneAnalysis {
    #[serde(default, deserialize_with = "lenient_text")]
    pub action: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub camera_angle: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub depth: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub atmosphere: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub pose: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub description: String,
}

/// Questions, words and something to do, for reader and child.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activities {
    pub questions: Vec<Question>,
    #[serde(default, deserialize_with = "lenient_list")]
    pub vocabulary: Vec<VocabularyEntry>,
    #[serde(default)]
    pub activity: Activity,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    #[serde(default, deserialize_with = "lenient_text")]
    pub question: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub answer: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub skill: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VocabularyEntry {
    #[serde(default, deserialize_with = "lenient_text")]
    pub word: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub meaning: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    #[serde(default, deserialize_with = "lenient_text")]
    pub title: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub instructions: String,
}

/// The text does not have the promised form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model's answer is not usable: {0}")]
pub struct UnusableAnswer(pub String);

fn require(holds: bool, problem: &str) -> Result<(), UnusableAnswer> {
    if holds {
        Ok(())
    } else {
        Err(UnusableAnswer(problem.to_owned()))
    }
}

/// A text, though the model gave a number for it, nothing, or its lines one by one.
fn lenient_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let lines = |items: &[Value]| {
        let lines: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        lines.map(|lines| lines.join("\n"))
    };
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(items) => {
            lines(&items).ok_or_else(|| serde::de::Error::custom("expected a text, found a list"))
        }
        _ => Err(serde::de::Error::custom("expected a text")),
    }
}

/// A list that may be missing; what is nothing in it is left out.
fn lenient_list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let items = Option::<Vec<Option<T>>>::deserialize(deserializer)?;
    Ok(items.into_iter().flatten().flatten().collect())
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Trimmed, so that what is stored is what was checked.
fn trim(texts: &mut [&mut String]) {
    for text in texts {
        if text.trim().len() < text.len() {
            **text = text.trim().to_owned();
        }
    }
}

impl Outline {
    /// Trimmed, its title cut to what its column holds.
    ///
    /// # Errors
    /// When it has no title, or says neither what the cover shows nor what the hero wants.
    pub fn usable(mut self) -> Result<Self, UnusableAnswer> {
        trim(&mut [
            &mut self.hero,
            &mut self.want,
            &mut self.obstacle,
            &mut self.turn,
            &mut self.ending,
            &mut self.cover_scene,
        ]);
        self.title = shorten(&self.title, TITLE_CHARS_MAX).to_owned();
        require(!is_blank(&self.title), "a title has 1 to 255 characters")?;
        require(
            !is_blank(&self.cover_scene) || !is_blank(&self.want),
            "an outline says what the cover shows",
        )?;
        Ok(self)
    }
}

impl Beat {
    /// The beat as it is stored: trimmed, its heading cut to what its column holds. A missing description of its scene is
    /// taken from its text.
    ///
    /// # Errors
    /// When it says too little or too much.
    pub fn usable(mut self) -> Result<Self, UnusableAnswer> {
        trim(&mut [&mut self.text, &mut self.scene_description]);
        self.heading = shorten(&self.heading, TITLE_CHARS_MAX).to_owned();
        if is_blank(&self.scene_description) {
            self.scene_description = shorten(&self.text, SCENE_CHARS_MAX).to_owned();
        }
        self.dialogue.retain(|spoken| !is_blank(&spoken.line));
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), UnusableAnswer> {
        require(
            words(&self.text).nth(BEAT_WORDS_MIN - 1).is_some(),
            "a beat has at least ten words",
        )?;
        require(
            self.text.chars().count() <= BEAT_CHARS_MAX,
            "a beat has at most 2,400 characters",
        )
    }
}

impl StoryText {
    /// The text as it is stored: trimmed, its title and headings cut to what their columns hold. A missing title is taken
    /// from the first heading, a missing description of a scene from its text.
    ///
    /// # Errors
    /// When it is not what [`Self::check`] wants.
    pub fn usable(mut self) -> Result<Self, UnusableAnswer> {
        trim(&mut [&mut self.title, &mut self.moral]);
        let beats = self.beats.into_iter().map(Beat::usable);
        self.beats = beats.collect::<Result<_, _>>()?;
        if is_blank(&self.title) {
            let mut headings = self.beats.iter().map(|beat| &beat.heading);
            self.title = headings
                .find(|heading| !is_blank(heading))
                .cloned()
                .unwrap_or_default();
        }
        self.title = shorten(&self.title, TITLE_CHARS_MAX).to_owned();
        self.check()?;
        Ok(self)
    }

    /// What a schema cannot promise: four beats that say something, a title that fits its column.
    ///
    /// # Errors
    /// With the first promise that is not kept.
    pub fn check(&self) -> Result<(), UnusableAnswer> {
        require(self.beats.len() == BEATS, "a story has four beats")?;
        require(
            !is_blank(&self.title) && self.title.chars().count() <= TITLE_CHARS_MAX,
            "a title has 1 to 255 characters",
        )?;
        self.beats.iter().try_for_each(Beat::check)
    }
}

impl PaletteJourney {
    /// What a schema cannot promise: five steps and a motif.
    ///
    /// # Errors
    /// With the first promise that is not kept.
    pub fn check(&self) -> Result<(), UnusableAnswer> {
        require(
            self.steps.len() == PALETTE_STEPS,
            "a palette journey has five steps",
        )?;
        require(!is_blank(&self.motif), "a palette journey has a motif")
    }
}

impl SceneAnalysis {
    /// What a schema cannot promise: that a picture can be drawn from it.
    ///
    /// # Errors
    /// When it says neither what happens nor what is seen.
    pub fn check(&self) -> Result<(), UnusableAnswer> {
        require(
            !is_blank(&self.action) || !is_blank(&self.description),
            "a scene shows something",
        )
    }
}

impl Activities {
    /// Without questions that ask nothing and words that are none.
    ///
    /// # Errors
    /// When fewer than three questions remain.
    pub fn usable(mut self) -> Result<Self, UnusableAnswer> {
        self.questions.retain(|one| !is_blank(&one.question));
        self.vocabulary.retain(|one| !is_blank(&one.word));
        require(
            self.questions.len() >= QUESTIONS_MIN,
            "activities have at least three questions",
        )?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests;

//! What the models make: the text with its four beats, the palette journey, the scene analyses, the activities.

use serde::{Deserialize, Serialize};

/// Beats of a story, and scenes: one picture each.
pub const BEATS: usize = 4;
/// Steps of a palette journey: the cover and one per beat.
pub const PALETTE_STEPS: usize = 5;

/// A finished text, as `stories.content` holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryText {
    pub title: String,
    pub beats: Vec<Beat>,
    /// What one may take away, in one sentence.
    pub moral: String,
}

/// A quarter of the story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Beat {
    pub heading: String,
    pub text: String,
    #[serde(default)]
    pub dialogue: Vec<Dialogue>,
    /// What its picture shows.
    pub scene_description: String,
}

/// One spoken line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dialogue {
    pub speaker: String,
    pub line: String,
}

/// Pass 1 of the pictures: a motif and five colour moods (S1-106).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaletteJourney {
    pub motif: String,
    pub steps: Vec<PaletteStep>,
}

/// One mood: a name such as "Bright sunrise warmth" and three `#RRGGBB` colours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaletteStep {
    pub name: String,
    pub colors: Vec<String>,
}

/// Pass 2 of the pictures: one scene as a camera would see it (S1-107).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SceneAnalysis {
    pub action: String,
    pub camera_angle: String,
    pub depth: String,
    pub atmosphere: String,
    pub pose: String,
    pub description: String,
}

/// Questions, words and something to do, for reader and child.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activities {
    pub questions: Vec<Question>,
    pub vocabulary: Vec<VocabularyEntry>,
    pub activity: Activity,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub question: String,
    pub answer: String,
    pub skill: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VocabularyEntry {
    pub word: String,
    pub meaning: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    pub title: String,
    pub instructions: String,
}

/// The text does not have the promised form.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the model's answer is not usable: {0}")]
pub struct UnusableAnswer(pub String);

fn require(holds: bool, problem: &str) -> Result<(), UnusableAnswer> {
    if holds {
        Ok(())
    } else {
        Err(UnusableAnswer(problem.to_owned()))
    }
}

impl StoryText {
    /// What a schema cannot promise: four beats that say something, a title that fits its column.
    pub fn check(&self) -> Result<(), UnusableAnswer> {
        require(self.beats.len() == BEATS, "a story has four beats")?;
        require(
            (1..=255).contains(&self.title.trim().chars().count()),
            "a title has 1 to 255 characters",
        )?;
        for beat in &self.beats {
            require(
                beat.text.split_whitespace().count() >= 10,
                "a beat has at least ten words",
            )?;
            require(
                beat.text.chars().count() <= 2_400,
                "a beat has at most 2,400 characters",
            )?;
        }
        Ok(())
    }
}

impl PaletteJourney {
    pub fn check(&self) -> Result<(), UnusableAnswer> {
        require(
            self.steps.len() == PALETTE_STEPS,
            "a palette journey has five steps",
        )?;
        require(
            !self.motif.trim().is_empty(),
            "a palette journey has a motif",
        )
    }
}

impl Activities {
    pub fn check(&self) -> Result<(), UnusableAnswer> {
        require(
            self.questions.len() >= 3,
            "activities have at least three questions",
        )
    }
}

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
mod tests {
    use super::*;
    use serde_json::json;

    const JAPANESE: &str = "小さな竜は、はじめて夜の森を歩きました。木の葉がさわさわと鳴り、足もとは暗くて見えません。それでも、遠くの小さな灯りを見つめて、一歩ずつ前へ進みました。やがて友だちの声が聞こえて、竜はにっこり笑いました。";
    const CHINESE: &str = "小龙第一次走进夜晚的森林。树叶沙沙作响，脚下黑得什么也看不见。可是它望着远处的小灯，一步一步向前走。终于，它听见了朋友的声音，开心地笑了。";
    const THAI: &str = "มังกรน้อยเดินเข้าไปในป่ายามค่ำคืนเป็นครั้งแรก ใบไม้ไหวเบาๆและมองไม่เห็นทางเดิน แต่มันมองแสงไฟเล็กๆที่อยู่ไกลแล้วก้าวไปทีละก้าว";

    fn story(title: &str, text: &str) -> StoryText {
        let beat = json!({"heading": "Night", "text": text, "dialogue": [], "sceneDescription": "A dragon walks to a lamp."});
        let story = json!({"title": title, "moral": "Small lights help.", "beats": [beat, beat, beat, beat]});
        StoryText::deserialize(story).unwrap()
    }

    #[test]
    fn a_story_in_a_script_without_spaces_is_long_enough() {
        let khmer = "នាគតូចដើរចូលទៅក្នុងព្រៃនៅពេលយប់ជាលើកដំបូង។ ស្លឹកឈើរញ្ជួយតិចៗហើយវាមើលមិនឃើញផ្លូវ។";
        for text in [JAPANESE, CHINESE, THAI, khmer] {
            assert_eq!(story("The Small Lamp", text).check(), Ok(()), "{text}");
        }
        let korean = "작은 용은 처음으로 밤의 숲을 걸었습니다. 나뭇잎이 바스락거리고 발밑은 어두웠지만 멀리 작은 불빛이 보였습니다.";
        assert_eq!(story("작은 등불", korean).check(), Ok(()));
    }

    #[test]
    fn a_beat_of_a_few_words_is_refused_in_every_script() {
        for text in [
            "短い。",
            "The dragon slept.",
            "มังกรน้อย",
            "。。。。。。。。。。。。",
        ] {
            assert!(story("The Small Lamp", text).check().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_stored_is_what_was_checked() {
        let padded = format!("  The Small Lamp{}", " ".repeat(300));
        assert_eq!(
            story(&padded, JAPANESE).usable().unwrap().title,
            "The Small Lamp"
        );

        let long = "The Very Long Road ".repeat(20);
        let title = story(&long, JAPANESE).usable().unwrap().title;
        assert!(title.ends_with(['e', 'y', 'g', 'd']) && title.chars().count() <= 255);

        let title = story(&"🐉".repeat(300), JAPANESE).usable().unwrap().title;
        assert_eq!(title.chars().count(), 255);
    }

    #[test]
    fn what_is_missing_but_can_be_told_from_the_rest_costs_no_second_answer() {
        let mut sparse = story(" ", JAPANESE);
        sparse.moral.clear();
        sparse.beats[0].heading.clear();
        sparse.beats[1].scene_description.clear();
        sparse.beats[1].heading = "Morning".to_owned();
        let usable = sparse.usable().unwrap();
        assert_eq!(usable.title, "Morning");
        assert_eq!(usable.beats[1].scene_description, JAPANESE);

        let mut untitled = story("", JAPANESE);
        untitled
            .beats
            .iter_mut()
            .for_each(|beat| beat.heading.clear());
        assert!(untitled.usable().is_err());
    }

    #[test]
    fn members_of_another_type_are_read_where_they_can_be() {
        let activities = json!({
            "questions": [{"question": "Why?", "answer": 3, "skill": null}, {"question": ""}, {"question": "Who?"}, {"question": "How?"}],
            "vocabulary": [null, {"word": "lamp", "meaning": "a light"}],
            "activity": {"title": "Draw", "instructions": ["Take a pen.", "Draw."]},
        });
        let usable = Activities::deserialize(activities)
            .unwrap()
            .usable()
            .unwrap();
        assert_eq!(usable.questions.len(), 3);
        assert_eq!(usable.questions[0].answer, "3");
        assert_eq!(usable.vocabulary.len(), 1);
        assert_eq!(usable.activity.instructions, "Take a pen.\nDraw.");

        let beat = json!({"heading": 1, "text": JAPANESE, "dialogue": null, "sceneDescription": "A lamp."});
        let story = json!({"title": "Lamp", "beats": [beat], "moral": null});
        assert_eq!(StoryText::deserialize(story).unwrap().beats[0].heading, "1");
    }

    #[test]
    fn a_scene_that_shows_nothing_is_refused() {
        let empty = SceneAnalysis::deserialize(json!({"cameraAngle": "low"})).unwrap();
        assert!(empty.check().is_err());
    }
}

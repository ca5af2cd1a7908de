//! What each model of OpenAI takes: limits and parameters, by the beginning of its id.
//! Wire facts: the provider's OpenAPI document and the docstrings of its Python SDK.

use domain::picture_quality::PictureQuality;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What a picture model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PictureLimits {
    /// Longest prompt, in characters.
    pub(crate) prompt_chars_max: usize,
    /// What it calls the qualities: medium, high.
    qualities: [&'static str; 2],
    /// Reference pictures in one edit; 0 where a model draws from words alone.
    pub(crate) references_max: usize,
    /// Parameter and value that ask for PNG bytes in the answer.
    pub(crate) format: (&'static str, &'static str),
    /// Whether it shows a picture while it draws: `stream`, `partial_images`.
    pub(crate) shows_previews: bool,
}

/// What a text model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextLimits {
    /// Largest `max_completion_tokens`.
    pub(crate) tokens_max: u64,
    /// Whether `reasoning_effort: low` is understood.
    pub(crate) takes_low_effort: bool,
}

impl PictureLimits {
    /// What a page of a book is asked for in.
    pub(crate) fn quality(&self, wanted: PictureQuality) -> &'static str {
        let [medium, high] = self.qualities;
        match wanted {
            PictureQuality::Medium => medium,
            PictureQuality::High => high,
        }
    }
}

const GPT_IMAGE: PictureLimits = PictureLimits {
    prompt_chars_max: 32_000,
    qualities: ["medium", "high"],
    references_max: 16,
    format: ("output_format", "png"),
    shows_previews: true,
};

/// The first row whose beginning fits; a model that is in none is taken for one of the newest family.
const PICTURE_MODELS: [(&str, PictureLimits); 3] = [
    (
        "dall-e-2",
        PictureLimits {
            prompt_chars_max: 1_000,
            qualities: ["standard", "standard"],
            references_max: 0,
            format: ("response_format", "b64_json"),
            shows_previews: false,
        },
    ),
    (
        "dall-e-3",
        PictureLimits {
            prompt_chars_max: 4_000,
            qualities: ["standard", "hd"],
            references_max: 0,
            format: ("response_format", "b64_json"),
            shows_previews: false,
        },
    ),
    ("gpt-image", GPT_IMAGE),
];

const fn text(tokens_max: u64, takes_low_effort: bool) -> TextLimits {
    TextLimits {
        tokens_max,
        takes_low_effort,
    }
}

/// As above. A model that is in none is asked for nothing that older ones would refuse.
const TEXT_MODELS: [(&str, TextLimits); 14] = [
    ("gpt-4o", text(16_384, false)),
    ("gpt-4.1", text(32_768, false)),
    ("gpt-5-chat", text(16_384, false)),
    ("gpt-5.1-chat", text(16_384, false)),
    ("gpt-5.2-chat", text(16_384, false)),
    ("gpt-5.3-chat", text(16_384, false)),
    // The most thorough ones know no low effort.
    ("gpt-5-pro", text(128_000, false)),
    ("gpt-5.2-pro", text(128_000, false)),
    ("gpt-5.4-pro", text(128_000, false)),
    ("gpt-5", text(128_000, true)),
    ("gpt-6", text(128_000, true)),
    ("o1", text(100_000, true)),
    ("o3", text(100_000, true)),
    ("o4", text(100_000, true)),
];
const UNKNOWN_TEXT: TextLimits = text(16_384, false);

fn row<T: Copy>(rows: &[(&str, T)], model: &str) -> Option<T> {
    let row = rows.iter().find(|(start, _)| model.starts_with(start))?;
    Some(row.1)
}

pub(crate) fn picture_limits(model: &str) -> PictureLimits {
    row(&PICTURE_MODELS, model).unwrap_or(GPT_IMAGE)
}

pub(crate) fn text_limits(model: &str) -> TextLimits {
    row(&TEXT_MODELS, model).unwrap_or(UNKNOWN_TEXT)
}

/// Room for an answer of a text model, growing with each answer that was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// `max_completion_tokens`; reasoning counts too.
    pub(crate) tokens: u64,
    /// `reasoning_effort`, where it differs from the model's own choice.
    pub(crate) effort: Option<&'static str>,
}

/// Enough for every text here with a usual amount of reasoning.
const USUAL_TOKENS: u64 = 8_000;
/// How often the room is doubled at most.
const STEPS_MAX: u32 = 2;

impl TextLimits {
    /// The room at a step of growth: twice as much each time, and less reasoning from the first on.
    pub(crate) fn room(&self, step: u32) -> Room {
        Room {
            tokens: (USUAL_TOKENS << step.min(STEPS_MAX)).min(self.tokens_max),
            effort: (step > 0 && self.takes_low_effort).then_some("low"),
        }
    }

    /// The step after this one, if it gives more room.
    pub(crate) fn next_step(&self, step: u32) -> Option<u32> {
        (step < STEPS_MAX && self.room(step + 1) != self.room(step)).then_some(step + 1)
    }
}

/// For so long every question of a kind is given the room that one of them needed.
const ROOM_KEPT_FOR: Duration = Duration::from_secs(600);

/// The steps that answers cut short led to, by model and kind of question.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<HashMap<(String, &'static str), Step>>);

#[derive(Clone, Copy, Debug)]
struct Step {
    step: u32,
    since: Instant,
}

impl Rooms {
    /// The step to begin with.
    pub(crate) fn known(&self, model: &str, question: &'static str) -> u32 {
        let rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = rooms.get(&(model.to_owned(), question));
        known
            .filter(|known| known.since.elapsed() < ROOM_KEPT_FOR)
            .map_or(0, |known| known.step)
    }

    pub(crate) fn remember(&self, model: &str, question: &'static str, step: u32) {
        let since = Instant::now();
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.insert((model.to_owned(), question), Step { step, since });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_cut_short_gets_twice_the_room_and_less_reasoning_as_far_as_the_model_goes()
     {
        let limits = text_limits("gpt-5.2-2025-12-11");
        let room = |step| (limits.room(step).tokens, limits.room(step).effort);
        assert_eq!(
            [0, 1, 2].map(room),
            [(8_000, None), (16_000, Some("low")), (32_000, Some("low"))]
        );
        assert_eq!(limits.next_step(2), None);

        let limits = text_limits("gpt-4o-mini");
        assert_eq!(
            limits.room(1),
            Room {
                tokens: 16_000,
                effort: None
            }
        );
        assert_eq!(limits.room(2).tokens, 16_384);
        assert_eq!(text_limits("gpt-5.2-chat-latest").room(1).effort, None);
        assert_eq!(text_limits("a-model-of-tomorrow").room(1).effort, None);
    }

    #[test]
    fn every_picture_model_of_one_family_takes_the_same() {
        for model in [
            "gpt-image-2.5-sunburst",
            "gpt-image-2",
            "gpt-image-1-mini",
            "tomorrow",
        ] {
            assert_eq!(picture_limits(model), GPT_IMAGE);
        }
        assert_eq!(picture_limits("dall-e-3").prompt_chars_max, 4_000);
    }
}

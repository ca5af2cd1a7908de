//! What is known of each speech model.
//!
//! Limits: the provider's help page "API - Error Code 400 or 401" and its page of models (`maximum_text_length_per_request`
//! of `GET /v1/models`). `eleven_v3` refuses `previous_text` (pipecat-ai/pipecat#4925), and its times drift away from the
//! sound (elevenlabs/elevenlabs-python#772).

/// What a model takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModelFacts {
    /// Characters of one call at most.
    pub(super) characters_max: usize,
    /// It takes `previous_text` and `next_text`.
    pub(super) takes_context: bool,
    /// Times that end well after the sound do not mean that the sound was cut short.
    pub(super) times_drift: bool,
}

/// A model nobody has told us of is given no more than the smallest limit there was.
const UNKNOWN: ModelFacts = ModelFacts {
    characters_max: 3_000,
    takes_context: false,
    times_drift: false,
};

pub(super) fn facts_of(model: &str) -> ModelFacts {
    let known = |characters_max, takes_context| ModelFacts {
        characters_max,
        takes_context,
        times_drift: false,
    };
    match model {
        "eleven_multilingual_v2" | "eleven_multilingual_v1" | "eleven_monolingual_v1" => {
            known(10_000, true)
        }
        "eleven_flash_v2_5" | "eleven_turbo_v2_5" => known(40_000, true),
        "eleven_flash_v2" | "eleven_turbo_v2" => known(30_000, true),
        "eleven_v4_turbo" => known(10_000, false),
        "eleven_v3" => ModelFacts {
            times_drift: true,
            ..known(5_000, false)
        },
        _ => UNKNOWN,
    }
}

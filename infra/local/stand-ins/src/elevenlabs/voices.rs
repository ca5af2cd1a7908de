//! The voices of the stand-in: premade ones of the real service, by their real ids.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::ApiError;
use crate::config::StandInConfig;

struct Voice {
    id: &'static str,
    name: &'static str,
    accent: &'static str,
    age: &'static str,
    gender: &'static str,
    description: &'static str,
}

const fn voice(
    id: &'static str,
    name: &'static str,
    accent: &'static str,
    age: &'static str,
    gender: &'static str,
    description: &'static str,
) -> Voice {
    Voice {
        id,
        name,
        accent,
        age,
        gender,
        description,
    }
}

const VOICES: &[Voice] = &[
    voice(
        "21m00Tcm4TlvDq8ikWAM",
        "Rachel",
        "american",
        "young",
        "female",
        "calm and warm",
    ),
    voice(
        "EXAVITQu4vr4xnSDxMaL",
        "Sarah",
        "american",
        "young",
        "female",
        "soft",
    ),
    voice(
        "FGY2WhTYpPnrIDTdsKH5",
        "Laura",
        "american",
        "young",
        "female",
        "lively",
    ),
    voice(
        "XB0fDUnXU5powFXDhCwa",
        "Charlotte",
        "swedish",
        "young",
        "female",
        "gentle",
    ),
    voice(
        "Xb7hH8MSUJpSbSDYk0k2",
        "Alice",
        "british",
        "middle_aged",
        "female",
        "clear",
    ),
    voice(
        "XrExE9yKIg1WjnnlVkGX",
        "Matilda",
        "american",
        "middle_aged",
        "female",
        "friendly",
    ),
    voice(
        "pFZP5JQG7iQjIQuC4Bku",
        "Lily",
        "british",
        "middle_aged",
        "female",
        "warm storyteller",
    ),
    voice(
        "9BWtsMINqrJLrRacOk9x",
        "Aria",
        "american",
        "middle_aged",
        "female",
        "expressive",
    ),
    voice(
        "CwhRBWXzGAHq8TQ4Fs17",
        "Roger",
        "american",
        "middle_aged",
        "male",
        "confident",
    ),
    voice(
        "IKne3meq5aSn9XLyUdCD",
        "Charlie",
        "australian",
        "young",
        "male",
        "natural",
    ),
    voice(
        "JBFqnCBsd6RMkjVDRZzb",
        "George",
        "british",
        "middle_aged",
        "male",
        "warm storyteller",
    ),
    voice(
        "N2lVS1w4EtoT3dr4eOWO",
        "Callum",
        "transatlantic",
        "middle_aged",
        "male",
        "husky",
    ),
    voice(
        "TX3LPaxmHKxFdv7VOQHJ",
        "Liam",
        "american",
        "young",
        "male",
        "bright",
    ),
    voice(
        "bIHbv24MWmeRgasZH58o",
        "Will",
        "american",
        "young",
        "male",
        "friendly",
    ),
    voice(
        "cgSgspJ2msm6clMCkdW9",
        "Jessica",
        "american",
        "young",
        "female",
        "playful",
    ),
    voice(
        "onwK4e9ZLuTAKqWW03F9",
        "Daniel",
        "british",
        "middle_aged",
        "male",
        "steady",
    ),
    voice(
        "pNInz6obpgDQGcFmaJgB",
        "Adam",
        "american",
        "middle_aged",
        "male",
        "deep",
    ),
    voice(
        "pqHfZKP75CvOlQylNhV4",
        "Bill",
        "american",
        "old",
        "male",
        "grandfatherly",
    ),
];

impl Voice {
    fn describe(&self) -> Value {
        json!({
            "voice_id": self.id, "name": self.name, "category": "premade",
            "labels": { "accent": self.accent, "age": self.age, "gender": self.gender, "description": self.description,
                        "use_case": "narration" },
            "description": self.description, "available_for_tiers": [],
            "high_quality_base_model_ids": ["eleven_multilingual_v2", "eleven_flash_v2_5"],
            "preview_url": format!("https://example.com/preview/{}.mp3", self.id),
            "settings": null, "samples": null, "verified_languages": null, "is_legacy": false, "is_owner": false,
        })
    }
}

/// # Errors
/// 404 `voice_not_found`.
pub(crate) fn check(config: &StandInConfig, id: &str) -> Result<(), ApiError> {
    find(config, id).map(|_| ())
}

fn of_account(config: &StandInConfig) -> impl Iterator<Item = &'static Voice> {
    VOICES.iter().filter(|voice| config.has_voice(voice.id))
}

fn find(config: &StandInConfig, id: &str) -> Result<&'static Voice, ApiError> {
    of_account(config)
        .find(|voice| voice.id == id)
        .ok_or_else(|| ApiError::unknown_voice(id))
}

/// `GET /v1/voices`: everything, without pages.
pub(crate) async fn list(State(config): State<StandInConfig>) -> Json<Value> {
    Json(json!({ "voices": of_account(&config).map(Voice::describe).collect::<Vec<_>>() }))
}

/// `GET /v1/voices/{voice_id}`
pub(crate) async fn one(
    State(config): State<StandInConfig>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    find(&config, &id).map(|voice| Json(voice.describe()))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    page_size: Option<usize>,
    next_page_token: Option<usize>,
    search: Option<String>,
    category: Option<String>,
}

/// `GET /v2/voices`: a page of those that match; the page token is the offset.
pub(crate) async fn search(
    State(config): State<StandInConfig>,
    Query(search): Query<Search>,
) -> Result<Json<Value>, ApiError> {
    let page_size = search.page_size.unwrap_or(10);
    if !(1..=100).contains(&page_size) {
        return Err(ApiError::schema(
            "page_size",
            "Input should be from 1 to 100",
            "value_error",
        ));
    }
    let wanted = search.search.unwrap_or_default().to_lowercase();
    let premade = search.category.is_none_or(|category| category == "premade");
    let matching: Vec<&Voice> = of_account(&config)
        .filter(|voice| {
            premade
                && voice
                    .describe()
                    .to_string()
                    .to_lowercase()
                    .contains(&wanted)
        })
        .collect();
    let start = search.next_page_token.unwrap_or(0).min(matching.len());
    let end = (start + page_size).min(matching.len());
    let has_more = end < matching.len();
    Ok(Json(json!({
        "voices": matching[start..end].iter().map(|voice| voice.describe()).collect::<Vec<_>>(),
        "has_more": has_more, "total_count": matching.len(),
        "next_page_token": has_more.then(|| end.to_string()),
    })))
}

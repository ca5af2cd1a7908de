//! The voice of a story: which there are, and reading it anew.

use crate::{
    answer::Answer,
    error::ApiError,
    incoming::{Checked, Posted, SignedIn, StoryInPath},
    router::AppState,
    routes::{
        assets::{Outcome, Verb},
        stories::check_voice,
    },
    voices::{Voice, built_in},
};
use axum::{
    extract::State,
    http::{HeaderName, header},
};
use domain::{AssetType, request::InvalidField, voice::DEFAULT_VOICE};
use serde::{Deserialize, Serialize};
use store::SteeringOptions;

/// `{"voiceId": …?, "regenerate": …?}`
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Narration {
    voice_id: Option<String>,
    #[serde(default)]
    regenerate: bool,
}

impl Checked for Narration {
    type Form = Self;

    fn check(form: Self) -> Result<Self, InvalidField> {
        check_voice(form.voice_id.as_deref())?;
        Ok(form)
    }
}

/// `POST /stories/{id}/audio`: makes a narration where there is none or the last one failed; with `regenerate`, a new one
/// in place of the one that is there. Without it a narration that is there stays, with whatever voice: the answer says so
/// under `unchanged`, and a repeated request stays harmless.
pub(crate) async fn narrate(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    StoryInPath(story): StoryInPath,
    Posted { body, idempotency }: Posted<Narration>,
) -> Result<Answer<Outcome>, ApiError> {
    const AUDIO: &[AssetType] = &[AssetType::Audio];
    let options = SteeringOptions {
        voice_id: body.voice_id,
        ..SteeringOptions::default()
    };
    let (store, user) = (&deps.store, caller.user_id);
    let again = if body.regenerate {
        store
            .regenerate_assets(user, story, AUDIO, &options, &idempotency)
            .await?
    } else {
        store
            .retry_assets(user, story, Some(AUDIO), &options, false, &idempotency)
            .await?
    };
    let steered = if again.asset_types.is_empty() {
        store
            .generate_assets(user, story, AUDIO, &options, &idempotency)
            .await?
    } else {
        again
    };
    Ok(Outcome::of(&deps, Verb::Narrate, Some(AUDIO), steered).await)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VoiceList {
    voices: Vec<Voice>,
    default_voice_id: &'static str,
    /// `elevenlabs`, or `built-in` while the provider does not answer.
    source: &'static str,
}

/// `GET /audio/voices`
pub(crate) async fn voices(
    State(deps): State<AppState>,
    SignedIn(_): SignedIn,
) -> ([(HeaderName, &'static str); 1], Answer<VoiceList>) {
    let (voices, source) = match deps.voices.list().await {
        Ok(voices) => (voices, "elevenlabs"),
        Err(error) => {
            tracing::warn!(
                error = runtime::chain(&error),
                "Answering the built-in voices"
            );
            (built_in(), "built-in")
        }
    };
    let list = VoiceList {
        voices,
        default_voice_id: DEFAULT_VOICE,
        source,
    };
    (
        [(header::CACHE_CONTROL, "private, max-age=60")],
        Answer::ok(list),
    )
}

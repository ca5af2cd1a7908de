//! The voice of a story: which there are, and reading it anew.

use crate::{
    answer::{Answer, Caching, Tagged},
    deps::AppState,
    error::ApiError,
    extract::{Checked, Held, PathStoryId, Posted, SignedIn},
    routes::assets::Outcome,
    voices::{self, Voice},
};
use axum::extract::State;
use domain::{AssetType, request::InvalidField, voice::VoiceId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{AssetCommand, AssetOptions};

/// `{"voiceId": …?, "regenerate": …?}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NarrationForm {
    voice_id: Option<String>,
    #[serde(default)]
    regenerate: bool,
}

/// The body of `POST …/audio`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Narration {
    voice_id: Option<VoiceId>,
    regenerate: bool,
}

impl Checked for Narration {
    type Form = NarrationForm;

    fn check(form: NarrationForm) -> Result<Self, InvalidField> {
        let voice_id = form.voice_id.map(|voice| voice.parse::<VoiceId>());
        Ok(Self {
            voice_id: voice_id.transpose()?,
            regenerate: form.regenerate,
        })
    }
}

/// `POST /stories/{id}/audio`: makes a narration where there is none or the last one failed; with `regenerate`, a new one
/// in place of the one that is there. Without it a narration that is there stays, with whatever voice: the answer says so
/// under `unchanged`, and a repeated request stays harmless.
pub(crate) async fn narrate(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(story): PathStoryId,
    Posted { body, idempotency }: Posted<Narration>,
) -> Result<Answer<Outcome>, ApiError> {
    let assets = vec![AssetType::Audio];
    let options = AssetOptions {
        voice_id: voices::resolve(&*deps.voices, body.voice_id).await?,
        ..AssetOptions::default()
    };
    let again = if body.regenerate {
        AssetCommand::Regenerate {
            assets: assets.clone(),
            options: options.clone(),
            cascade: true,
        }
    } else {
        AssetCommand::Retry {
            assets: Some(assets.clone()),
            options: options.clone(),
            force: false,
            cascade: true,
        }
    };
    let generate = AssetCommand::Generate { assets, options };
    let (store, user) = (&deps.store, caller.user_id);
    let mut result = store
        .command_assets(user, story, &again, &idempotency)
        .await?;
    // Nothing there to make again: then it is made for the first time.
    if result.asset_types.is_empty() {
        result = store
            .command_assets(user, story, &generate, &idempotency)
            .await?;
    }
    Ok(Outcome::announce(&deps, "narrate", &generate, result).await)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VoiceList {
    voices: Vec<Voice>,
    /// The one of them that is the default.
    default_voice_id: String,
    /// `elevenlabs`, or `built-in` while the provider does not answer.
    source: &'static str,
}

/// Longest the page of voices waits for the provider.
const LIST_PATIENCE: Duration = Duration::from_secs(5);

/// `GET /audio/voices`
pub(crate) async fn voices(
    State(deps): State<AppState>,
    SignedIn(_): SignedIn,
    held: Held,
) -> Tagged<VoiceList> {
    let (voices, source) = match deps.voices.list(LIST_PATIENCE).await {
        Ok(voices) => (voices, "elevenlabs"),
        Err(error) => {
            tracing::warn!(
                error = runtime::chain(&error),
                "Answering the built-in voices"
            );
            (deps.voices.built_in(), "built-in")
        }
    };
    let default = voices.iter().find(|voice| voice.is_default);
    let list = VoiceList {
        default_voice_id: default.map(|voice| voice.id.clone()).unwrap_or_default(),
        voices,
        source,
    };
    Tagged {
        answer: Answer::ok(list),
        held,
        caching: Caching::Private("private, max-age=60"),
    }
}

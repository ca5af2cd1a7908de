//! The account as a whole, against a server that answers as a test tells it.

use super::*;
use axum::{
    Json, Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::voice::DEFAULT_VOICE;
use std::sync::Mutex;

const HOUSE: &str = "AAAAAAAAAAAAAAAAAAAA";
const PREMIUM: &str = "BBBBBBBBBBBBBBBBBBBB";

type Answering = fn(&str, &Value) -> (u16, Value);

/// What was asked: path and body.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

struct Provider {
    account: ElevenLabs,
    asked: Asked,
}

async fn answer(
    State((answering, asked)): State<(Answering, Asked)>,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), usize::MAX)
        .await
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (status, answer) = answering(&path, &body);
    asked.lock().unwrap().push((path, body));
    (StatusCode::from_u16(status).unwrap(), Json(answer)).into_response()
}

impl Provider {
    async fn that_answers(answering: Answering) -> Self {
        Self::configured(answering, "eleven_multilingual_v2", None).await
    }

    async fn configured(answering: Answering, model: &str, default_voice: Option<&str>) -> Self {
        let asked = Asked::default();
        let router = Router::new()
            .fallback(answer)
            .with_state((answering, Arc::clone(&asked)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let config = ElevenLabsConfig {
            base_url: base_url.parse().unwrap(),
            api_key: "key".into(),
            models: model.split(',').map(str::to_owned).collect(),
            default_voice: default_voice.map(|id| id.parse().unwrap()),
            timeouts: CallTimeouts::default(),
        };
        Self {
            account: ElevenLabs::new(config, reqwest::Client::new()),
            asked,
        }
    }

    async fn speak(&self, voice_id: &str, text: &str) -> Result<Speech, ProviderError> {
        let call = SpeechCall {
            model: self.account.facts().model,
            voice_id: voice_id.to_owned(),
            text: text.to_owned(),
            previous_text: Some("Before.".to_owned()),
            next_text: None,
            deadline: soon(),
        };
        self.account.speak(&call, &mut Vec::new()).await
    }

    async fn default_voice(&self) -> Result<String, ProviderError> {
        self.account.default_voice(soon()).await
    }

    /// Reads with the default voice, and the next one for as long as it is the voice that is refused.
    async fn speak_by_default(&self) -> Result<String, ProviderError> {
        loop {
            let voice = self.default_voice().await?;
            match self.speak(&voice, "Hi.").await {
                Ok(_) => return Ok(voice),
                Err(error) if error.is_about_the_voice() => continue,
                Err(error) => return Err(error),
            }
        }
    }

    fn paths(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(path, _)| path.clone()).collect()
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn spoken() -> (u16, Value) {
    (200, json!({"audio_base64": "SUQzBAAAAAAA"}))
}

fn kind(result: Result<impl fmt::Debug, ProviderError>) -> ErrorKind {
    result.expect_err("refused").kind
}

fn voice_gone() -> (u16, Value) {
    (
        404,
        json!({"detail": {"status": "voice_not_found", "message": "no such voice"}}),
    )
}

#[tokio::test]
async fn a_default_voice_the_account_lacks_gives_way_to_one_it_has() {
    let provider = Provider::that_answers(|path, _| match path {
        "/v1/voices" => (
            200,
            json!({"voices": [{"voice_id": HOUSE, "name": "House voice"}, {"name": null}]}),
        ),
        _ if path.contains(HOUSE) => spoken(),
        _ => voice_gone(),
    })
    .await;
    assert_eq!(provider.speak_by_default().await.unwrap(), HOUSE);
    assert_eq!(provider.speak_by_default().await.unwrap(), HOUSE);
    let house = format!("/v1/text-to-speech/{HOUSE}/with-timestamps");
    let gone = format!("/v1/text-to-speech/{DEFAULT_VOICE}/with-timestamps");
    // Neither the missing voice nor the list is asked for a second time.
    assert_eq!(
        provider.paths(),
        [gone.as_str(), "/v1/voices", &house, &house]
    );
}

#[tokio::test]
async fn the_configured_voice_goes_first_and_costs_no_further_call() {
    let provider =
        Provider::configured(|_, _| spoken(), "eleven_multilingual_v2", Some(HOUSE)).await;
    assert_eq!(provider.speak_by_default().await.unwrap(), HOUSE);
    assert_eq!(provider.paths().len(), 1);
}

#[tokio::test]
async fn a_configured_voice_outside_the_plan_gives_way_to_the_built_in_one() {
    fn answering(path: &str, _: &Value) -> (u16, Value) {
        match path.contains(PREMIUM) {
            true => (402, json!({"detail": {"code": "paid_plan_required"}})),
            false => spoken(),
        }
    }
    let provider = Provider::configured(answering, "eleven_multilingual_v2", Some(PREMIUM)).await;
    assert_eq!(provider.speak_by_default().await.unwrap(), DEFAULT_VOICE);
}

#[tokio::test]
async fn a_voice_outside_the_plan_stops_nobody_else() {
    let provider = Provider::that_answers(|path, _| match path.contains(PREMIUM) {
        true => (
            402,
            json!({"detail": {"type": "payment_required", "code": "paid_plan_required", "status": "payment_required",
                "message": "plan"}}),
        ),
        false => spoken(),
    })
    .await;
    let refused = provider.speak(PREMIUM, "Hi.").await;
    assert_eq!(kind(refused), ErrorKind::VoiceNotInPlan);
    provider.speak(DEFAULT_VOICE, "Hi.").await.expect("served");
}

#[tokio::test]
async fn an_account_without_credits_is_left_alone() {
    for answering in [
        (|_, _| (401, json!({"detail": {"status": "quota_exceeded"}}))) as Answering,
        |_, _| (402, json!({"detail": {"code": "insufficient_credits"}})),
    ] {
        let provider = Provider::that_answers(answering).await;
        for _ in 0..3 {
            let refused = provider.speak(DEFAULT_VOICE, "Hi.").await;
            assert_eq!(kind(refused), ErrorKind::OutOfCredits);
        }
        assert_eq!(provider.paths().len(), 1, "asked once");
    }
}

#[tokio::test]
async fn an_account_whose_every_voice_is_refused_for_money_has_none() {
    let provider = Provider::that_answers(|path, _| match path {
        "/v1/voices" => (
            200,
            json!({"voices": [{"voice_id": DEFAULT_VOICE, "name": "Rachel"}, {"voice_id": HOUSE, "name": "House voice"}]}),
        ),
        _ => (402, json!({"detail": {"code": "invoice_overdue"}})),
    })
    .await;
    let refused = provider.speak_by_default().await;
    assert_eq!(kind(refused), ErrorKind::OutOfCredits);
}

#[tokio::test]
async fn a_list_that_may_not_be_read_ends_the_search_and_one_that_is_away_is_worth_a_retry() {
    let provider = Provider::that_answers(|path, _| match path {
        "/v1/voices" => (401, json!({"detail": {"status": "missing_permissions"}})),
        _ => voice_gone(),
    })
    .await;
    assert_eq!(
        kind(provider.speak_by_default().await),
        ErrorKind::VoiceNotFound
    );
    // A chosen voice is still asked for: the key that may not list may speak.
    assert_eq!(
        kind(provider.speak(HOUSE, "Hi.").await),
        ErrorKind::VoiceNotFound
    );

    let provider = Provider::that_answers(|path, _| match path {
        "/v1/voices" => (429, json!({"detail": {"code": "system_busy"}})),
        _ => voice_gone(),
    })
    .await;
    assert!(
        provider
            .speak_by_default()
            .await
            .unwrap_err()
            .is_retryable()
    );
}

#[tokio::test]
async fn the_sound_is_kept_whatever_stands_in_place_of_its_times() {
    fn answering(_: &str, body: &Value) -> (u16, Value) {
        let times = match body["text"].as_str().unwrap() {
            "null" => json!(null),
            "text" => json!("soon"),
            _ => {
                json!({"characters": ["H"], "character_start_times_seconds": [null], "character_end_times_seconds": [0.1]})
            }
        };
        (
            200,
            json!({"audio_base64": "SUQzBAAAAAAA", "alignment": times}),
        )
    }
    let provider = Provider::that_answers(answering).await;
    for text in ["null", "text", "holes"] {
        let speech = provider.speak(HOUSE, text).await.expect("a sound");
        assert_eq!((speech.audio.len(), speech.alignment), (9, None), "{text}");
    }
}

#[tokio::test]
async fn each_model_has_its_limit_and_a_text_that_was_too_long_makes_it_smaller() {
    fn answering(_: &str, body: &Value) -> (u16, Value) {
        match body["text"].as_str().unwrap().len() > 800 {
            true => (
                400,
                json!({"detail": {"status": "max_character_limit_exceeded", "message": "too long"}}),
            ),
            false => spoken(),
        }
    }
    let provider = Provider::configured(answering, "eleven_v3", None).await;
    assert_eq!(provider.account.facts().characters_max, 5_000);
    let refused = provider.speak(HOUSE, &"a".repeat(1_000)).await;
    assert_eq!(kind(refused), ErrorKind::TextTooLong);
    assert_eq!(provider.account.facts().characters_max, 500);
    provider.speak(HOUSE, "Short.").await.expect("served");
}

#[tokio::test]
async fn only_models_that_take_it_are_told_what_was_read_before() {
    for (model, is_told) in [
        ("eleven_multilingual_v2", true),
        ("eleven_v3", false),
        ("eleven_v9_unknown", false),
    ] {
        let provider = Provider::configured(|_, _| spoken(), model, None).await;
        provider.speak(HOUSE, "Hi.").await.expect("served");
        let asked = provider.asked.lock().unwrap();
        assert_eq!(
            asked[0].1.get("previous_text").is_some(),
            is_told,
            "{model}"
        );
        assert!(asked[0].1.get("next_text").is_none());
    }
}

#[tokio::test]
async fn a_model_that_cannot_read_gives_way_to_the_next_one_and_a_passing_outage_does_not() {
    let models = "eleven_v4_turbo,eleven_flash_v2_5";
    let retired: Answering = |_, body| match body["model_id"].as_str() {
        Some("eleven_v4_turbo") => (
            404,
            json!({"detail": {"type": "not_found", "code": "model_not_found", "status": "model_not_found", "message": "x"}}),
        ),
        _ => (200, json!({"audio_base64": "AAAA"})),
    };
    let provider = Provider::configured(retired, models, None).await;
    assert_eq!(provider.account.facts().characters_max, 10_000);
    let failed = provider.speak(HOUSE, "Hi.").await;
    assert_eq!(failed.expect_err("no sound").kind, ErrorKind::ModelGone);
    assert_eq!(provider.account.facts().model, "eleven_flash_v2_5");
    assert!(provider.speak(HOUSE, "Hi.").await.is_ok());

    let useless: Answering = |_, _| (200, json!({"audio_base64": ""}));
    let provider = Provider::configured(useless, models, None).await;
    for model in ["eleven_v4_turbo", "eleven_v4_turbo", "eleven_flash_v2_5"] {
        assert_eq!(provider.account.facts().model, model);
        let failed = provider.speak(HOUSE, "Hi.").await;
        assert_eq!(failed.expect_err("no sound").kind, ErrorKind::Malformed);
    }
}

#[tokio::test]
async fn where_the_text_s_own_times_are_missing_those_of_the_text_as_read_serve_if_it_is_the_same()
{
    fn times(characters: &[&str]) -> Value {
        let at = |number: usize| number as f64 / 10.0;
        let starts: Vec<f64> = (0..characters.len()).map(at).collect();
        let ends: Vec<f64> = (1..=characters.len()).map(at).collect();
        json!({"characters": characters, "character_start_times_seconds": starts, "character_end_times_seconds": ends})
    }
    for (own, as_read, count) in [
        (
            times(&["H", "i", "."]),
            times(&[" ", "H", "i", ".", " "]),
            Some(3),
        ),
        (Value::Null, times(&[" ", "H", "i", ".", " "]), Some(5)),
        (Value::Null, times(&["h", "e", "y"]), None),
        (Value::Null, Value::Null, None),
        (json!("none"), json!(7), None),
    ] {
        let found = times_of(own, as_read, "Hi.");
        assert_eq!(found.map(|times| times.characters.len()), count);
    }
}

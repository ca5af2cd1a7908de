//! Whether the account that reads aloud has the models and the voice that are configured.

use super::{Variables, fetch};
use crate::doctor::{Finding, listed};
use domain::voice::{ConfiguredVoice, DEFAULT_VOICE};
use serde_json::Value;

pub(super) async fn look_at_all(variables: Variables<'_>) -> [Finding; 2] {
    let base = variables.address("ELEVENLABS_BASE_URL");
    let key = [("xi-api-key", variables.get("ELEVENLABS_API_KEY"))];
    let (voices, models) = (format!("{base}/v1/voices"), format!("{base}/v1/models"));
    let (voices, models) = tokio::join!(fetch(&voices, &key), fetch(&models, &key));
    [voice(variables, voices), model(variables, models)]
}

fn voice(variables: Variables<'_>, voices: Result<Value, String>) -> Finding {
    let what = "ElevenLabs responding, the voice that reads by default there";
    let voices = match voices {
        Ok(voices) => voices,
        Err(problem) => return Finding::new(what, Err(problem)),
    };
    let has = |id: &str| {
        let mut all = voices["voices"].as_array().into_iter().flatten();
        all.any(|voice| voice["voice_id"] == id)
    };
    match variables.get("ELEVENLABS_DEFAULT_VOICE") {
        "" if has(DEFAULT_VOICE) => Finding::new(what, Ok(())),
        "" => Finding::note(what, "the account has no Rachel: its first voice reads"),
        configured => {
            let voice = configured.parse::<ConfiguredVoice>();
            let found = voice
                .map_err(str::to_owned)
                .and_then(|voice| match has(voice.id()) {
                    true => Ok(()),
                    false => Err(format!("the account has no voice {}", voice.id())),
                });
            Finding::new(what, found)
        }
    }
}

fn model(variables: Variables<'_>, models: Result<Value, String>) -> Finding {
    let known = models.map(|models| {
        let mut wanted: Vec<_> = listed(variables.get("ELEVENLABS_MODEL")).collect();
        let all = models.as_array().into_iter().flatten();
        let all: Vec<_> = all.filter_map(|one| one["model_id"].as_str()).collect();
        wanted.retain(|model| !all.contains(model));
        wanted.join(", ")
    });
    let found = known.and_then(|missing| match missing.as_str() {
        "" => Ok(()),
        missing => Err(format!("unknown or retired: {missing}")),
    });
    Finding::new("models of the voice alive", found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn a_voice_or_a_model_that_the_account_has_not_is_a_problem() {
        let set = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let voices = |id: &str| Ok(json!({"voices": [{"voice_id": id}]}));
        let nothing = BTreeMap::new();
        let default = |voices| voice(Variables(&nothing), voices).verdict;
        assert_eq!(default(voices(DEFAULT_VOICE)), Verdict::Fine);
        assert!(matches!(default(voices("another")), Verdict::Note(_)));
        assert!(matches!(
            default(Err("HTTP 401".to_owned())),
            Verdict::Problem(_)
        ));
        let configured = set("ELEVENLABS_DEFAULT_VOICE", "EXAVITQu4vr4xnSDxMaL");
        let chosen = |voices| voice(Variables(&configured), voices).verdict;
        assert_eq!(chosen(voices("EXAVITQu4vr4xnSDxMaL")), Verdict::Fine);
        assert!(matches!(chosen(voices(DEFAULT_VOICE)), Verdict::Problem(_)));

        let models = || Ok(json!([{"model_id": "eleven_multilingual_v2"}]));
        assert_eq!(model(Variables(&nothing), models()).verdict, Verdict::Fine);
        let retired = set("ELEVENLABS_MODEL", "eleven_multilingual_v2,eleven_v1");
        let problem = Verdict::Problem("unknown or retired: eleven_v1".to_owned());
        assert_eq!(model(Variables(&retired), models()).verdict, problem);
    }
}

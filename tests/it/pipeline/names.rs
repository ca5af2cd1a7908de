//! With `STAND_IN_NAMES` a hero's name is known to the family and to the voice alone.

use super::{asset, demo};
use crate::stack::own;
use serde_json::{Value, json};
use stand_ins::{CallKind, Outcome, Scripted};

const NAME: &str = "Ottilie";

#[test]
fn a_heros_name_is_sent_to_nobody_but_the_voice_and_stands_in_everything_the_family_gets() {
    let shared = own("names", |options| {
        let setting = ("STAND_IN_NAMES".to_owned(), "true".to_owned());
        options.overrides.extend([setting]);
    });
    shared.run(async {
        let user = demo(&shared);
        let stand_ins = shared.stack().stand_ins();
        // Whatever holds the name meets a fault that would be noted with its call.
        let traps = [CallKind::Text, CallKind::Image, CallKind::Moderation].map(|kind| Scripted {
            contains: Some(NAME.to_owned()),
            times: u32::MAX,
            ..Scripted::next_of(kind, Outcome::ServerError)
        });
        stand_ins.script(traps);
        let hero = json!({"name": NAME, "species": "dragon"});
        let hero = user.api.create_character(&hero).await.expect("a character");
        let wish = json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": ["courage"],
            "idea": "Ottilie's lamp goes out and OTTILIE is brave"});
        let id = user.api.create_story(&wish).await.expect("a story");
        let id = id["id"].as_str().expect("an id").to_owned();
        let story = user.settled(&id).await;

        let status = &story["asset_generation_status"];
        assert_eq!(status["overall"], "ready", "{status}");
        let calls = stand_ins.calls();
        let trapped: Vec<_> = calls.iter().filter(|call| call.fault.is_some()).collect();
        assert!(trapped.is_empty(), "{trapped:?}");
        assert!(calls.iter().any(|call| call.kind == CallKind::Moderation));
        assert!(calls.iter().any(|call| call.kind == CallKind::Speech));

        let beats = story["content"]["beats"].to_string();
        assert!(beats.contains(NAME), "{beats}");
        let words = story["audio_words"].as_array().expect("words");
        let is_name = |word: &Value| word["txt"].as_str().is_some_and(|text| text.contains(NAME));
        assert!(words.iter().any(is_name), "the voice reads the name");
        let everything = story.to_string();
        assert!(!everything.contains("Robin"), "nobody meets who stood in");
        assert!(!asset(&story, "activities")["data"].is_null());

        // The wish is looked at without the name, and before anything is paid for.
        let before = stand_ins.calls().len();
        let wish = json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": ["courage"],
            "idea": "Ottilie and the murder in the lane"});
        let id = user.api.create_story(&wish).await.expect("a story");
        let id = id["id"].as_str().expect("an id").to_owned();
        let story = user.settled(&id).await;
        assert_eq!(asset(&story, "content")["code"], "CONTENT_POLICY_VIOLATION");
        let paid = stand_ins.calls().into_iter().skip(before).filter(|call| call.paid);
        assert!(paid.into_iter().all(|call| call.kind == CallKind::Moderation));
    });
}

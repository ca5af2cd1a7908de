//! A whole story on the wire of its providers: every request and every answer as their documents say.

use super::demo;
use crate::{
    proxy::{Rule, Spoil, own_with_proxy},
    wire::find_deviations,
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

#[test]
fn a_whole_story_is_asked_for_and_answered_as_the_providers_documents_say() {
    let (shared, proxy) = own_with_proxy("wire", |options| {
        options
            .overrides
            .insert("BFL_API_KEY".to_owned(), "local".to_owned());
    });
    shared.run(async {
        let user = demo(&shared);
        // One scene is drawn by the second provider, from the cover that the first one drew.
        let third = "Scene number: 3";
        proxy.listen_for(third);
        let busy = json!({"error": {"message": "Overloaded", "type": "service_unavailable_error", "param": null, "code": "server_is_overloaded"}});
        proxy.spoil(Rule {
            about: Some(third.to_owned()),
            kind: "picture".to_owned(),
            times: u32::MAX,
            spoil: Spoil::json(503, busy),
        });
        let story = user.settled(&user.ask_for_story().await).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        // Where heroes may come with pictures from elsewhere.
        let photo = json!({"name": "Ember", "species": "dragon", "referenceImages": ["https://img.example.com/ember.png"]});
        if let Ok(hero) = user.api.create_character(&photo).await {
            let wish = json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": ["courage"], "assetTypes": ["cover"]});
            let story = user.api.create_story(&wish).await.expect("a story");
            user.settled(story["id"].as_str().expect("an id")).await;
        }
        let look = json!({"action": "check_models"}).to_string();
        let emulator = shared.stack().emulator();
        emulator.invoke_event("content-agent", look.into()).expect("accepted");
        let seen = async || {
            let exchanges = proxy.exchanges();
            let of = exchanges.iter().map(|one| (one.provider, one.kind.clone()));
            let of: BTreeSet<_> = of.collect();
            (exchanges, of)
        };
        let (exchanges, of) = loop {
            let (exchanges, of) = seen().await;
            let is_done = exchanges.iter().all(|one| one.status > 0);
            if is_done && of.contains(&("elevenlabs", "voices".to_owned())) {
                break (exchanges, of);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        for known in ["story", "palette_journey", "scene_analysis", "image_check", "activities", "moderation", "picture", "models"] {
            assert!(of.contains(&("openai", known.to_owned())), "{of:?}");
        }
        for known in [("bfl", "order"), ("bfl", "standing"), ("elevenlabs", "speech")] {
            assert!(of.contains(&(known.0, known.1.to_owned())), "{of:?}");
        }
        let mut stories = exchanges.iter().filter(|one| one.kind == "story");
        assert!(stories.all(|one| one.received.starts_with(b"data: ")), "streamed");
        // The picture of an order comes from an address of its own, which no document describes.
        let documented = exchanges.iter().filter(|one| one.kind != "picture_file");
        let deviations: BTreeSet<_> = documented.flat_map(find_deviations).collect();
        assert!(deviations.is_empty(), "{deviations:#?}");
    });
}

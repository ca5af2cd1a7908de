//! A story made again from what was kept of it.

use super::{asset, demo};
use crate::stack::own;
use operate::replay::{Kept, Match, ReplayServer, character_form, story_form};
use serde_json::Value;
use stack::environment::BUCKET;
use stand_ins::{CallKind, Outcome, Scripted};
use std::{path::Path, time::Duration};

const PICTURES: [&str; 5] = ["cover", "scene_1", "scene_2", "scene_3", "scene_4"];

/// The digest that stands in a file's address.
fn digest(story: &Value, name: &str) -> String {
    let url = asset(story, name)["url"].as_str().unwrap_or_default();
    let stem = url.rsplit_once('.').map_or(url, |(stem, _)| stem);
    stem.rsplit('-').next().unwrap_or_default().to_owned()
}

#[test]
fn a_story_is_made_again_from_the_answers_that_were_kept_and_nobody_else_is_asked() {
    let first = own("replay-kept", |_| {});
    let (story, kept, server) = first.run(async {
        let user = demo(&first);
        let stand_ins = first.stack().stand_ins();
        stand_ins.script([
            // What went wrong belongs to the story: a text that broke off, a picture that was drawn twice, a busy voice.
            Scripted::next_of(CallKind::Text, Outcome::Cut),
            Scripted {
                contains: Some("image_check".to_owned()),
                ..Scripted::next_of(CallKind::Text, Outcome::CheckFails)
            },
            Scripted::next_of(CallKind::Speech, Outcome::Overloaded),
        ]);
        let id = user.ask_for_story_about("Ottilie").await;
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        let files = first.stack().home().join("files").join(BUCKET);
        let folder = files.join("exchanges/stories").join(&id);
        let kept = whole(&folder).await;
        let server = ReplayServer::start(&kept).await.expect("a port");
        (story, kept, server)
    });
    assert!(kept.outcomes.values().all(|outcome| outcome == "ready"));

    let second = own("replay", |options| {
        options.overrides.extend(server.variables());
    });
    let again = second.run(async {
        let user = demo(&second);
        let hero = character_form(&kept.characters[0]);
        let hero = user.api.create_character(&hero).await.expect("a hero");
        let wish = story_form(&kept.request, &[hero]);
        let id = user.api.create_story(&wish).await.expect("a story");
        user.settled(id["id"].as_str().expect("an id")).await
    });

    assert_eq!(again["asset_generation_status"]["overall"], "ready");
    assert_eq!(again["content"], story["content"]);
    assert_eq!(again["audio_words"], story["audio_words"]);
    for picture in PICTURES {
        assert_eq!(
            digest(&again, picture),
            digest(&story, picture),
            "{picture}"
        );
    }
    let asked = second.stack().stand_ins().calls();
    assert!(asked.is_empty(), "{asked:?}");
    let replayed = server.replayed();
    let others: Vec<_> = replayed
        .iter()
        .filter(|one| one.how != Match::Same)
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    let pictures = replayed.iter().filter(|one| one.what == "picture").count();
    assert_eq!(pictures, PICTURES.len() + 1, "one is drawn twice again");
    let prompts = replayed.iter().filter_map(|one| one.prompt.as_deref());
    assert_eq!(
        prompts
            .filter(|prompt| prompt.starts_with("story-"))
            .count(),
        2
    );
}

/// What was kept, once the invocations that made the story have ended.
async fn whole(folder: &Path) -> Kept {
    loop {
        if let Ok(kept) = Kept::read(folder)
            && kept.outcomes.len() == 9
        {
            return kept;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

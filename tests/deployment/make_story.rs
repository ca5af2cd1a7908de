//! Makes a story with the client that openapi-nexus generates of openapi.json: `make_story API TOKEN`. `test_clients.py` puts it
//! beside what was generated.

use std::{error::Error, sync::Arc, thread, time::Duration};
use storytailor::{
    apis::{AssetsApi, CharactersApi, GetStoryError, StoriesApi},
    models::{NewCharacter, NewStory, Overall},
    runtime::{auth::BearerAuth, client::Client},
};

fn main() -> Result<(), Box<dyn Error>> {
    let [api, token] = <[String; 2]>::try_from(std::env::args().skip(1).collect::<Vec<_>>())
        .map_err(|_| "make_story API TOKEN")?;
    let client = Client::new(&api).with_auth(Arc::new(BearerAuth::new(token)));
    let stories = StoriesApi::new(&client);

    let hero: NewCharacter =
        serde_json::from_value(serde_json::json!({"name": "Ember", "species": "dragon"}))?;
    let made = CharactersApi::new(&client).create_character(&None, &hero)?;
    let hero = made.created.ok_or("no character")?.data;
    let wish: NewStory = serde_json::from_value(
        serde_json::json!({"character_ids": [hero.id], "story_type": "adventure", "themes": ["courage"]}),
    )?;
    let key = Some("once".to_owned());
    let accepted = stories
        .create_story(&key, &wish)?
        .created
        .ok_or("no story")?
        .data;
    let again = stories
        .create_story(&key, &wish)?
        .created
        .ok_or("no story")?
        .data;
    assert_eq!(accepted.id, again.id, "the same key, the same story");

    loop {
        let status = AssetsApi::new(&client).get_asset_status(&accepted.id, None, &None)?;
        let status = status.data.ok_or("no status")?.data;
        if status.overall != Overall::Generating {
            assert_eq!(status.overall, Overall::Ready);
            break;
        }
        thread::sleep(Duration::from_millis(200));
    }
    let fields = Some(vec!["title".to_owned(), "content".to_owned()]);
    let story = stories.get_story(&accepted.id, &fields, &None)?;
    println!("{}", serde_json::to_string(&story.data.ok_or("no story")?.data)?);

    // A refusal is as typed as an answer.
    let nobody = "00000000-0000-4000-8000-00000000dead";
    let refused = stories.get_story(nobody, &None, &None);
    assert!(matches!(
        refused,
        Err(GetStoryError::NotFound(_))
    ));
    Ok(())
}

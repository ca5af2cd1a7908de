//! What a request for a story may hold.

use super::*;

fn parse(json: serde_json::Value) -> Result<NewStory, InvalidField> {
    serde_json::from_value::<StoryForm>(json)
        .unwrap()
        .try_into()
}

#[test]
fn the_documented_request_is_accepted_and_leaves_the_assets_to_the_plan() {
    let story = parse(serde_json::json!({
        "character_ids": ["0190a5a0-0000-7000-8000-000000000001"], "story_type": "adventure",
        "themes": ["courage", "friendship"], "generateAssets": true
    }))
    .unwrap();
    assert_eq!(story.asset_types, None);
}

#[test]
fn assets_are_named_once_each_and_the_text_is_made_anyway() {
    let named = |more: serde_json::Value| {
        let mut wish = serde_json::json!({"character_ids": ["0190a5a0-0000-7000-8000-000000000001"],
            "story_type": "adventure", "themes": []});
        let more = more.as_object().unwrap().clone();
        wish.as_object_mut().unwrap().extend(more);
        parse(wish).map(|story| story.asset_types)
    };
    let assets = |names: serde_json::Value| named(serde_json::json!({"assetTypes": names}));
    assert_eq!(
        assets(serde_json::json!(["audio", "cover", "audio", "text"])),
        Ok(Some(vec![AssetType::Cover, AssetType::Audio]))
    );
    assert_eq!(assets(serde_json::json!(["content"])), Ok(Some(vec![])));
    assert_eq!(
        named(serde_json::json!({"generateAssets": false})),
        Ok(Some(vec![]))
    );
    let both = serde_json::json!({"generateAssets": false, "assetTypes": ["cover"]});
    for refused in [assets(serde_json::json!([])), named(both)] {
        assert_eq!(refused.unwrap_err().field, "assetTypes");
    }
}

#[test]
fn a_wish_typed_in_a_windows_form_is_accepted() {
    let story = parse(serde_json::json!({
        "character_ids": ["0190a5a0-0000-7000-8000-000000000001"], "story_type": "adventure",
        "themes": ["courage\r\n"], "title": "The\r\nsoup", "idea": "A dragon.\r\nHe likes soup.\tA lot."
    }))
    .unwrap();
    assert_eq!(
        story.idea.as_deref(),
        Some("A dragon.\nHe likes soup. A lot.")
    );
    assert_eq!(story.title.as_deref(), Some("The soup"));
    assert_eq!(story.themes, ["courage"]);
}

#[test]
fn what_was_stored_is_read_back_through_the_same_checks() {
    let wish = serde_json::json!({
        "character_ids": ["0190a5a0-0000-7000-8000-000000000001"], "story_type": "adventure",
        "themes": ["courage"], "voiceId": "alloy"
    });
    let story = parse(wish).unwrap();
    let mut stored = serde_json::to_value(&story).unwrap();
    assert_eq!(
        serde_json::from_value::<NewStory>(stored.clone()).unwrap(),
        story
    );
    stored["character_ids"] = serde_json::json!([]);
    assert!(serde_json::from_value::<NewStory>(stored).is_err());
}

#[test]
fn language_and_style_are_kept_as_wished_and_refused_by_name() {
    let wish = |language: &str, style: &str| {
        parse(serde_json::json!({
            "character_ids": ["0190a5a0-0000-7000-8000-000000000001"], "story_type": "adventure", "themes": [],
            "language": language, "style": style
        }))
    };
    let story = wish("de", " ink\nand wash ").unwrap();
    assert_eq!(
        (story.language(), story.style()),
        (Some("de"), Some("ink and wash"))
    );
    for (language, style, field) in [
        ("German", "ink", "language"),
        ("DE", "ink", "language"),
        ("d1", "ink", "language"),
        ("de", " ", "style"),
        ("de", &"x".repeat(61), "style"),
    ] {
        assert_eq!(wish(language, style).unwrap_err().field, field);
    }
}

#[test]
fn a_request_without_heroes_is_refused_by_name() {
    let problem = parse(serde_json::json!({"character_ids": [], "story_type": "a", "themes": []}))
        .unwrap_err();
    assert_eq!(problem.field, "character_ids");
}

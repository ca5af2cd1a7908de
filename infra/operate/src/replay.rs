//! A story made again from what was kept of it: its request, and what providers were asked and answered.

mod again;
mod answers;
mod kept;
mod server;

pub use again::{Asker, compare, make_again};
pub use answers::Match;
pub use kept::{Bucket, Kept, fetch};
pub use server::{AnswersAnew, ReplayServer, Replayed};

use serde_json::{Map, Value};

/// The character as it may be posted: without its id, without what it does not have, and without pictures that somebody brought,
/// which would have to be fetched again.
pub fn character_form(kept: &Value) -> Value {
    without_empty(kept, &["id", "reference_images"])
}

/// The request as it may be posted, for these heroes.
pub fn story_form(kept: &Value, heroes: &[Value]) -> Value {
    let mut form = without_empty(kept, &["character_ids", "library_id"]);
    form["character_ids"] = heroes.iter().map(|hero| hero["id"].clone()).collect();
    form
}

fn without_empty(kept: &Value, left_out: &[&str]) -> Value {
    let members = kept.as_object().into_iter().flatten();
    let wanted = members.filter(|(name, value)| {
        let is_empty = match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        // Text alone was asked for by an empty list.
        let says_much = name.as_str() == "asset_types" && !value.is_null();
        (!is_empty || says_much) && !left_out.contains(&name.as_str())
    });
    let form = wanted.map(|(name, value)| (name.clone(), value.clone()));
    let mut form: Map<_, _> = form.collect();
    if form.get("asset_types") == Some(&Value::Array(Vec::new())) {
        form.remove("asset_types");
        form.insert("generateAssets".to_owned(), false.into());
    }
    form.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_kept_is_posted_without_what_the_api_gives_itself() {
        let hero = json!({"id": "h", "name": "Ember", "age": null, "traits": [], "appearance": {"eyes": "amber"},
            "reference_images": ["https://img.example.com/a.png"]});
        let form = character_form(&hero);
        assert_eq!(
            form,
            json!({"name": "Ember", "appearance": {"eyes": "amber"}})
        );
        let wish = json!({"character_ids": ["h"], "story_type": "adventure", "themes": ["courage"], "idea": "a lamp",
            "priority": "normal", "library_id": "l"});
        let form = story_form(&wish, &[json!({"id": "new"})]);
        assert_eq!(
            form,
            json!({"character_ids": ["new"], "story_type": "adventure", "themes": ["courage"], "idea": "a lamp",
                "priority": "normal"})
        );
        let text_alone = story_form(&json!({"asset_types": []}), &[]);
        assert_eq!(text_alone["generateAssets"], false);
    }
}

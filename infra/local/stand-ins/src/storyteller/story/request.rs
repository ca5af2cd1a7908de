//! Reading what a prompt asks for: the JSON object in the message, and the free-text idea in it.

use serde_json::Value;

use super::hero::hero_of;
use super::idea::Idea;
use super::languages::{self, Language};

/// The data of a request, as far as it was given.
#[derive(Debug, Clone, Default)]
pub(super) struct StoryRequest {
    pub(super) data: Value,
    pub(super) characters: Vec<Person>,
    pub(super) story_type: String,
    pub(super) themes: Vec<String>,
    pub(super) idea: Idea,
    pub(super) title: Option<String>,
}

/// One character of the request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) species: String,
    pub(super) traits: Vec<String>,
    pub(super) personality: Vec<String>,
    pub(super) hair: Option<String>,
    pub(super) eyes: Option<String>,
    pub(super) clothes: Option<String>,
}

impl Person {
    /// `dragon`, or `child` for a person.
    pub(super) fn kind(&self) -> &str {
        let words = ["human", "child", "boy", "girl", "kid", "person"];
        let is_human = words.iter().any(|word| self.species.contains(word));
        if is_human || self.species.is_empty() {
            "child"
        } else {
            &self.species
        }
    }
}

impl StoryRequest {
    pub(super) fn read(asked: &str) -> Self {
        let data = find_object(asked).unwrap_or_default();
        let text = |name: &str| {
            let text = data.get(name).and_then(Value::as_str).map(str::trim);
            text.filter(|text| !text.is_empty())
        };
        let mut names = ["idea", "prompt", "characterPrompt", "premise"].iter();
        let idea = if data.is_null() {
            Some(asked.trim())
        } else {
            names.find_map(|name| text(name))
        };
        let characters = data.get("characters").and_then(Value::as_array);
        StoryRequest {
            characters: characters.into_iter().flatten().map(person).collect(),
            story_type: text("storyType").unwrap_or_default().to_lowercase(),
            themes: strings(data.get("themes")),
            idea: idea.map(Idea::read).unwrap_or_default(),
            title: text("title").map(str::to_owned),
            data,
        }
    }

    /// How a story was asked for of which a part is told already: the rest of it comes from the same choices. `None` for a
    /// story that begins.
    pub(super) fn asked_at_first(&self) -> Option<String> {
        let mut data = self.data.clone();
        data.as_object_mut()?.remove("outline")?;
        data.as_object_mut()?.remove("beatsSoFar");
        let escaped = data.to_string().replace('<', "\\u003c");
        Some(format!("<request>\n{escaped}\n</request>"))
    }

    /// What it is told in, where a file of its own tells that: as given, else as the idea is written.
    pub(super) fn language(&self) -> Option<&'static Language> {
        let found = match self.text("language") {
            "" => languages::language_of(self.idea.whole.as_deref().unwrap_or_default()),
            code => languages::named(code),
        };
        let young = || languages::named("en").filter(|_| self.is_for_young());
        found.filter(|told| told.code != "en").or_else(young)
    }

    /// Whether its reader wants short sentences.
    pub(super) fn is_for_young(&self) -> bool {
        self.data["readerAge"].as_u64().is_some_and(|age| age <= 6)
    }

    /// A text member of the request.
    pub(super) fn text(&self, name: &str) -> &str {
        self.data[name].as_str().unwrap_or_default()
    }

    /// The story's texts, if it came along: one for each beat.
    pub(super) fn beats(&self) -> Vec<String> {
        let texts = self.data["beats"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    /// The story's plan in one text, if it came along.
    pub(super) fn outline(&self) -> String {
        let members = self.data["outline"].as_object().into_iter().flatten();
        let texts = members.filter_map(|(_, text)| text.as_str());
        texts.collect::<Vec<_>>().join(" ")
    }

    /// The hero, or the one of the idea when the request names nobody.
    pub(super) fn hero(&self) -> Person {
        self.characters.first().cloned().unwrap_or_else(|| {
            let hero = hero_of(self.idea.whole.as_deref().unwrap_or("a shy dragon"));
            Person {
                name: hero.name,
                species: hero.species,
                ..Person::default()
            }
        })
    }
}

/// The JSON object of a message: the whole of it, within `<request>`, or the outermost braces.
fn find_object(asked: &str) -> Option<Value> {
    let tagged = asked
        .split_once("<request>")
        .and_then(|(_, rest)| rest.split_once("</request>"));
    let braced = asked.find('{').zip(asked.rfind('}'));
    let braced = braced.and_then(|(start, end)| asked.get(start..=end));
    let places = [tagged.map(|(inner, _)| inner), Some(asked), braced];
    places.into_iter().flatten().find_map(|text| {
        let value = serde_json::from_str(text.trim()).ok();
        value.filter(Value::is_object)
    })
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    let texts = items.filter_map(Value::as_str);
    texts.map(|text| text.replace(['_', '-'], " ")).collect()
}

fn person(value: &Value) -> Person {
    let text = |pointer: &str| {
        let text = value
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned);
        text.filter(|text| !text.is_empty())
    };
    Person {
        name: text("/name").unwrap_or_else(|| "Ember".into()),
        species: text("/species").unwrap_or_default().to_lowercase(),
        traits: strings(value.get("traits")),
        personality: strings(value.get("personality")),
        hair: text("/appearance/hair"),
        eyes: text("/appearance/eyes"),
        clothes: text("/appearance/clothes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_found_whole_tagged_or_inside_prose() {
        let object = r#"{"characters":[{"name":"Maya","traits":["uses_wheelchair"]}],"themes":["kindness"]}"#;
        for message in [
            object.to_owned(),
            format!("Write.\n<request>{object}</request>\nThanks"),
            format!("Data: {object}"),
        ] {
            let request = StoryRequest::read(&message);
            assert_eq!(request.hero().name, "Maya");
            assert_eq!(request.hero().traits, ["uses wheelchair"]);
        }
    }
}

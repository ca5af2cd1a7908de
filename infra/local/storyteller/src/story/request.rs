//! Reading what a prompt asks for: the JSON object in the message, and the free-text idea in it.

use serde_json::Value;

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
    pub(super) age: Option<u64>,
    pub(super) traits: Vec<String>,
    pub(super) personality: Vec<String>,
    pub(super) hair: Option<String>,
    pub(super) eyes: Option<String>,
    pub(super) clothes: Option<String>,
    pub(super) skin: Option<String>,
}

impl Person {
    pub(super) fn is_human(&self) -> bool {
        let species = self.species.to_lowercase();
        let words = ["human", "child", "boy", "girl", "kid", "person"];
        species.is_empty() || words.iter().any(|word| species.contains(word))
    }

    /// `dragon`, or `child` for a person.
    pub(super) fn kind(&self) -> &str {
        if self.is_human() {
            "child"
        } else {
            &self.species
        }
    }
}

/// What a free-text idea says, e.g. "a shy dragon who is afraid of the dark".
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Idea {
    pub(super) whole: Option<String>,
    pub(super) mood: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) fear: Option<String>,
    pub(super) wish: Option<String>,
}

impl StoryRequest {
    pub(super) fn read(asked: &str) -> Self {
        let data = find_object(asked).unwrap_or_default();
        let text = |name: &str| {
            data.get(name)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        let idea = ["idea", "prompt", "characterPrompt", "premise"]
            .iter()
            .find_map(|name| text(name));
        let free_text = if data.is_null() {
            Some(asked.trim())
        } else {
            idea
        };
        StoryRequest {
            characters: data
                .get("characters")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(person)
                .collect(),
            story_type: text("storyType").unwrap_or_default().to_lowercase(),
            themes: strings(data.get("themes")),
            idea: free_text.map(read_idea).unwrap_or_default(),
            title: text("title").map(str::to_owned),
            data,
        }
    }

    /// A text member of the request.
    pub(super) fn text(&self, name: &str) -> &str {
        self.data
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The story's texts, if it came along: one for each beat.
    pub(super) fn beats(&self) -> Vec<String> {
        let beat = |beat: &Value| match beat {
            Value::String(text) => text.clone(),
            other => ["text", "content", "heading", "summary"]
                .iter()
                .find_map(|name| other.get(name)?.as_str())
                .unwrap_or_default()
                .to_owned(),
        };
        self.data
            .get("beats")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(beat)
            .collect()
    }

    /// The hero, or one who fits the idea when the request names nobody.
    pub(super) fn hero(&self) -> Person {
        self.characters.first().cloned().unwrap_or_else(|| Person {
            name: "Ember".into(),
            species: self.idea.kind.clone().unwrap_or_else(|| "dragon".into()),
            ..Person::default()
        })
    }
}

/// The JSON object of a message: the whole of it, within `<request>`, or the outermost braces.
fn find_object(asked: &str) -> Option<Value> {
    let tagged = asked
        .split_once("<request>")
        .and_then(|(_, rest)| rest.split_once("</request>"))
        .map(|(inner, _)| inner);
    let braced = asked
        .find('{')
        .zip(asked.rfind('}'))
        .and_then(|(start, end)| asked.get(start..=end));
    [tagged, Some(asked), braced]
        .into_iter()
        .flatten()
        .find_map(|text| {
            serde_json::from_str(text.trim())
                .ok()
                .filter(Value::is_object)
        })
}

fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| {
                item.as_str().or_else(|| {
                    ["label", "name", "code"]
                        .iter()
                        .find_map(|name| item.get(name)?.as_str())
                })
            })
            .map(|text| text.replace(['_', '-'], " "))
            .collect(),
        _ => Vec::new(),
    }
}

fn person(value: &Value) -> Person {
    let text = |pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .filter(|text| !text.is_empty())
    };
    Person {
        name: text("/name").unwrap_or_else(|| "Ember".into()),
        species: text("/species").unwrap_or_default().to_lowercase(),
        age: value.get("age").and_then(Value::as_u64),
        traits: strings(value.get("traits")),
        personality: strings(value.get("personality")),
        hair: text("/appearance/hair"),
        eyes: text("/appearance/eyes"),
        clothes: text("/appearance/clothes"),
        skin: text("/appearance/skin"),
    }
}

fn read_idea(idea: &str) -> Idea {
    let lower = idea.to_lowercase();
    let after = |markers: &[&str]| {
        let (at, length) = markers
            .iter()
            .find_map(|marker| Some((lower.find(marker)?, marker.len())))?;
        let rest = lower.get(at + length..)?;
        let phrase = rest.split(['.', ',', ';', '!', '?']).next()?;
        let phrase = phrase
            .split(" and ")
            .next()?
            .split(" but ")
            .next()?
            .split(" who ")
            .next()?
            .trim();
        (!phrase.is_empty() && phrase.split_whitespace().count() <= 9).then(|| phrase.to_owned())
    };
    let fear = after(&[
        "afraid of ",
        "scared of ",
        "frightened of ",
        "terrified of ",
        "who fears ",
        "fears ",
        "fear of ",
    ]);
    let wish = after(&[
        "wants to ",
        "want to ",
        "wishes to ",
        "longs to ",
        "learns to ",
        "tries to ",
        "dreams of learning to ",
        "hopes to ",
    ]);
    let opening: Vec<&str> = lower
        .split([',', '.'])
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .take_while(|word| {
            ![
                "who", "that", "which", "with", "named", "called", "and", "is", "in", "on",
            ]
            .contains(word)
        })
        .collect();
    let described =
        matches!(opening.first(), Some(&("a" | "an" | "the"))) && (2..=5).contains(&opening.len());
    let skip = usize::from(opening.get(1) == Some(&"story"));
    Idea {
        whole: Some(idea.trim().trim_end_matches('.').to_owned()),
        mood: (described && skip == 0 && opening.len() >= 3).then(|| opening[1].to_owned()),
        kind: (described && skip == 0).then(|| opening[opening.len() - 1].to_owned()),
        fear,
        wish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idea_gives_mood_kind_and_fear() {
        let idea = read_idea("A shy dragon who is afraid of the dark.");
        assert_eq!(
            (
                idea.mood.as_deref(),
                idea.kind.as_deref(),
                idea.fear.as_deref()
            ),
            (Some("shy"), Some("dragon"), Some("the dark"))
        );
        assert_eq!(
            read_idea("a shy dragon who fears the dark").fear.as_deref(),
            Some("the dark")
        );
        assert_eq!(
            read_idea("A little robot who wants to paint the moon")
                .wish
                .as_deref(),
            Some("paint the moon")
        );
    }

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

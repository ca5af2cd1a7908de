//! Reading what a prompt asks for: the JSON object in the message, and the free-text idea in it.

use serde_json::Value;

use super::hero::hero_of;

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

/// What a free-text idea says, e.g. "a shy dragon who is afraid of the dark".
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Idea {
    pub(super) whole: Option<String>,
    pub(super) name: Option<String>,
    pub(super) mood: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) fear: Option<String>,
    pub(super) wish: Option<String>,
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
            idea: idea.map(read_idea).unwrap_or_default(),
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
        let beats = self.data.get("beats").and_then(Value::as_array);
        let texts = beats.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
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

/// What follows the first of these phrases, up to the end of its clause; at most nine words.
fn after(text: &str, phrases: &[&str]) -> Option<String> {
    let find = |phrase: &&str| text.find(*phrase).map(|at| &text[at + phrase.len()..]);
    let rest = phrases.iter().find_map(find)?;
    let mut clause = rest.split(['.', ',', ';', '!', '?']).next()?;
    for joint in [" and ", " but ", " who "] {
        clause = clause.split(joint).next()?.trim();
    }
    (!clause.is_empty() && clause.split_whitespace().count() <= 9).then(|| clause.to_owned())
}

pub(super) fn read_idea(idea: &str) -> Idea {
    const FEARS: [&str; 7] = [
        "afraid of ",
        "scared of ",
        "frightened of ",
        "terrified of ",
        "who fears ",
        "fears ",
        "fear of ",
    ];
    const WISHES: [&str; 8] = [
        "dreams of learning to ",
        "wants to ",
        "want to ",
        "wishes to ",
        "longs to ",
        "learns to ",
        "tries to ",
        "hopes to ",
    ];
    // The hero's phrase ends where something is told of the hero, or of where and when.
    const ENDS: [&str; 24] = [
        "who", "that", "which", "with", "named", "called", "and", "is", "in", "on", "at", "by",
        "to", "of", "for", "from", "about", "looks", "wants", "goes", "finds", "learns", "lives",
        "has",
    ];
    const TOLD_OF: [&str; 9] = [
        "who", "that", "which", "with", "named", "called", "and", "is", "wants",
    ];
    let lower = idea.to_lowercase();
    let clause = lower.split([',', '.', '!', '?']).next().unwrap_or_default();
    let words: Vec<&str> = clause.split_whitespace().collect();
    let length = words
        .iter()
        .position(|word| ENDS.contains(word))
        .unwrap_or(words.len());
    let opening = &words[..length];
    // "A little trip to the moon" is not about a hero called trip.
    let is_hero = words.get(length).is_none_or(|next| TOLD_OF.contains(next));
    let has_article = matches!(opening.first(), Some(&("a" | "an" | "the")));
    let described = has_article && (2..=6).contains(&length) && opening[1] != "story";
    let named = ["named ", "called "].iter().find_map(|word| {
        let name = idea[lower.find(word)? + word.len()..]
            .split(|c: char| !c.is_alphanumeric())
            .next()?;
        (!name.is_empty()).then(|| name[..1].to_uppercase() + &name[1..])
    });
    let mood = (described && is_hero && length >= 3).then(|| opening[1..length - 1].join(" "));
    Idea {
        whole: Some(idea.trim().trim_end_matches('.').to_owned()),
        name: named,
        mood,
        kind: described.then(|| opening[length - 1].to_owned()),
        fear: after(&lower, &FEARS),
        wish: after(&lower, &WISHES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idea_gives_mood_kind_fear_and_wish() {
        let idea = read_idea("A shy dragon who is afraid of the dark.");
        let read = [
            idea.mood.as_deref(),
            idea.kind.as_deref(),
            idea.fear.as_deref(),
        ];
        assert_eq!(read, [Some("shy"), Some("dragon"), Some("the dark")]);
        assert_eq!(
            read_idea("a shy dragon who fears the dark").fear.as_deref(),
            Some("the dark")
        );
        let robot = read_idea("A little robot who wants to paint the moon");
        assert_eq!(robot.wish.as_deref(), Some("paint the moon"));
        let boat = read_idea("a brave little tugboat");
        assert_eq!(
            (boat.mood.as_deref(), boat.kind.as_deref()),
            (Some("brave little"), Some("tugboat"))
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

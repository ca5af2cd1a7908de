//! Tells a story: chooses an arc, a friend and a theme, picks among the sentences, fills in names.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::request::{Person, StoryRequest};
use super::themes::{self, Theme};
use super::{adventure, bedtime, friendship, mystery};
use crate::seeded::Seeded;

/// A kind of story in four beats.
pub(super) struct Arc {
    /// Story types it is told for.
    pub(super) words: &'static [&'static str],
    pub(super) titles: &'static [&'static str],
    /// What the hero may want when the idea does not say.
    pub(super) wishes: &'static [&'static str],
    pub(super) beats: [BeatPlan; 4],
}

/// One beat: in every slot one of the sentences is chosen.
///
/// `?fear:` and `?wish:` open sentences for heroes with a fear or without; `@hero|line|tag` is
/// speech, and more text between bars goes on speaking after the tag. A slot whose first sentence
/// begins with `~` is left out, last ones first, when the beat would become too long.
pub(super) struct BeatPlan {
    pub(super) heading: &'static [&'static str],
    pub(super) slots: &'static [&'static [&'static str]],
    pub(super) scene: &'static str,
}

const ARCS: [&Arc; 4] = [&adventure::ARC, &bedtime::ARC, &friendship::ARC, &mystery::ARC];

const FRIENDS: &[(&str, &str)] = &[
    ("Pip", "firefly"),
    ("Juniper", "hedgehog"),
    ("Bramble", "mouse"),
    ("Otto", "owl"),
    ("Tansy", "rabbit"),
    ("Fennel", "fox"),
];

/// Names and phrases of one story.
struct Cast {
    hero: Person,
    friend: String,
    friend_kind: String,
    a_hero: String,
    look: Option<String>,
    trait_sentence: Option<String>,
    fear: Option<String>,
    wish: String,
    theme: &'static Theme,
}

/// The answer to a `story` request: title, four beats, moral.
pub(super) fn tell(request: &StoryRequest, seeded: &mut Seeded) -> Value {
    let arc = choose_arc(&request.story_type, seeded);
    let cast = cast(request, arc, seeded);
    let title = request.title.clone().unwrap_or_else(|| cast.fill(seeded.pick(arc.titles)));
    let mut told = HashSet::new();
    let beats: Vec<Value> = arc.beats.iter().map(|plan| beat(plan, &cast, &mut told, seeded)).collect();
    json!({ "title": title, "beats": beats, "moral": moral(request, &cast) })
}

fn choose_arc(story_type: &str, seeded: &mut Seeded) -> &'static Arc {
    let named = ARCS.iter().find(|arc| arc.words.iter().any(|word| story_type.contains(word)));
    named.copied().unwrap_or_else(|| ARCS[seeded.below(ARCS.len())])
}

fn moral(request: &StoryRequest, cast: &Cast) -> String {
    match request.themes.first() {
        Some(theme) if themes::find(theme).is_none() => {
            format!("A little {} goes a long way when you take a friend along.", theme.to_lowercase())
        }
        _ => cast.theme.moral.to_owned(),
    }
}

fn cast(request: &StoryRequest, arc: &Arc, seeded: &mut Seeded) -> Cast {
    let hero = request.hero();
    let (friend, friend_kind) = match request.characters.get(1) {
        Some(second) => (second.name.clone(), second.kind().to_owned()),
        None => {
            let suits = |(name, kind): &&(&str, &str)| *name != hero.name && *kind != hero.species;
            let choices: Vec<_> = FRIENDS.iter().filter(suits).collect();
            let (name, kind) = choices[seeded.below(choices.len())];
            ((*name).to_owned(), (*kind).to_owned())
        }
    };
    let mood = request.idea.mood.clone().or_else(|| hero.personality.first().cloned()).unwrap_or_else(|| "gentle".into());
    let theme = request.themes.iter().find_map(|theme| themes::find(theme)).unwrap_or_else(|| {
        if request.idea.fear.is_some() { themes::default_theme() } else { idea_theme(request).unwrap_or_else(themes::default_theme) }
    });
    Cast {
        a_hero: with_article(&format!("{} {}", mood.to_lowercase(), hero.kind())),
        look: look(&hero),
        trait_sentence: hero.traits.iter().find_map(|name| trait_sentence(name)),
        fear: request.idea.fear.clone(),
        wish: request.idea.wish.clone().unwrap_or_else(|| seeded.pick(arc.wishes).to_owned()),
        friend,
        friend_kind,
        theme,
        hero,
    }
}

fn idea_theme(request: &StoryRequest) -> Option<&'static Theme> {
    themes::find(request.idea.whole.as_deref()?)
}

fn with_article(phrase: &str) -> String {
    let article = if phrase.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {phrase}")
}

/// One sentence on how the hero looks, from what the request says.
fn look(hero: &Person) -> Option<String> {
    let of = |text: &Option<String>, noun: &str| {
        let text = text.as_deref()?.trim().trim_end_matches('.').to_lowercase();
        let has_noun = text.split_whitespace().any(|word| word.trim_end_matches('s').starts_with(noun.trim_end_matches('s')));
        Some(if has_noun || text.contains(' ') && noun == "clothes" { text } else { format!("{text} {noun}") })
    };
    match (of(&hero.eyes, "eyes"), of(&hero.clothes, "clothes"), of(&hero.hair, "hair")) {
        (Some(eyes), Some(clothes), _) => Some(format!("Anybody could tell it was {{hero}} by the {eyes} and the {clothes}.")),
        (None, Some(clothes), _) => Some(format!("Nobody else in the whole wide world wore {clothes} quite so proudly.")),
        (Some(eyes), None, _) => Some(format!("Those {eyes} missed nothing, not even an ant with a crumb.")),
        (None, None, Some(hair)) => Some(format!("With that {hair}, {{hero}} was easy to spot from very far away.")),
        _ => None,
    }
}

fn trait_sentence(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    let known = [
        ("wheelchair", "{hero}'s wheelchair hummed along happily, its wheels ticking over every pebble like a friendly clock."),
        ("hearing", "{hero} turned up both hearing aids, so as not to miss a single rustle."),
        ("cochlear", "{hero}'s cochlear implant caught sounds as small as a snail's sigh."),
        ("deaf", "{hero} signed the best words with both hands, so that they seemed to dance in the air."),
        ("cane", "{hero}'s cane went tap, tap, tap, and told of every bump before it came."),
        ("blind", "{hero} listened to the echoes, which told as much as any picture."),
        ("prosthetic", "{hero}'s shiny new leg gave a cheerful click at every step."),
        ("glasses", "{hero} polished those round glasses, and the whole world came up sparkling."),
        ("crutch", "{hero}'s crutches swung in rhythm, left and right, like a song with good shoes on."),
        ("headphone", "{hero} put on soft headphones for a while, until the world was just the right loudness."),
        ("autis", "{hero} counted the stripes on every stone, because patterns made everything feel right."),
    ];
    known.iter().find(|(word, _)| name.contains(word)).map(|(_, sentence)| (*sentence).to_owned())
}

impl Cast {
    fn fill(&self, sentence: &str) -> String {
        let look = self.look.clone().unwrap_or_default();
        sentence
            .replace("{look}", &look)
            .replace("{trait}", self.trait_sentence.as_deref().unwrap_or_default())
            .replace("{deed}", self.theme.deed)
            .replace("{wisdom}", self.theme.wisdom)
            .replace("{change}", self.theme.change)
            .replace("{fear}", self.fear.as_deref().unwrap_or_default())
            .replace("{wish}", &self.wish)
            .replace("{a_hero}", &self.a_hero)
            .replace("{friend_kind}", &self.friend_kind)
            .replace("{friend}", &self.friend)
            .replace("{hero}", &self.hero.name)
    }

    /// The sentences of a slot that suit this hero, without their marks.
    fn suitable<'a>(&self, slot: &[&'a str]) -> Vec<&'a str> {
        slot.iter()
            .map(|sentence| sentence.trim_start_matches('~'))
            .filter_map(|sentence| match (sentence.strip_prefix("?fear:"), sentence.strip_prefix("?wish:")) {
                (Some(rest), _) => self.fear.is_some().then_some(rest),
                (_, Some(rest)) => self.fear.is_none().then_some(rest),
                _ => Some(sentence),
            })
            .collect()
    }
}

/// About 45 seconds of reading aloud.
const BEAT_WORDS_MAX: usize = 120;

struct Told {
    sentence: String,
    spoken: Option<Value>,
    can_be_left_out: bool,
}

fn beat(plan: &BeatPlan, cast: &Cast, told: &mut HashSet<String>, seeded: &mut Seeded) -> Value {
    let mut all: Vec<Told> = plan.slots.iter().filter_map(|slot| tell_slot(slot, cast, seeded)).collect();
    all.retain(|one| told.insert(one.sentence.clone()));
    let words = |all: &[Told]| all.iter().map(|one| one.sentence.split_whitespace().count()).sum::<usize>();
    while words(&all) > BEAT_WORDS_MAX
        && let Some(last) = all.iter().rposition(|one| one.can_be_left_out)
    {
        all.remove(last);
    }
    let sentences: Vec<&str> = all.iter().map(|one| one.sentence.as_str()).collect();
    let dialogue: Vec<&Value> = all.iter().filter_map(|one| one.spoken.as_ref()).collect();
    json!({
        "heading": cast.fill(seeded.pick(plan.heading)),
        "text": sentences.join(" "),
        "dialogue": dialogue,
        "sceneDescription": cast.fill(plan.scene),
    })
}

fn tell_slot(slot: &[&str], cast: &Cast, seeded: &mut Seeded) -> Option<Told> {
    let can_be_left_out = slot.first().is_some_and(|first| first.starts_with('~'));
    let choices = cast.suitable(slot);
    if choices.is_empty() {
        return None;
    }
    let chosen = seeded.pick(&choices);
    let (sentence, spoken) = if chosen.starts_with('@') { speech(chosen, cast) } else { (cast.fill(chosen), None) };
    (!sentence.is_empty()).then_some(Told { sentence, spoken, can_be_left_out })
}

/// `@hero|line|, said {hero}.` as a sentence, and as an entry of the dialogue list.
fn speech(slot: &str, cast: &Cast) -> (String, Option<Value>) {
    let mut parts = slot.trim_end().split('|').map(|part| cast.fill(part));
    let speaker = match parts.next().as_deref() {
        Some("@friend") => cast.friend.clone(),
        _ => cast.hero.name.clone(),
    };
    let line = parts.next().unwrap_or_default();
    let tag = parts.next().unwrap_or_default();
    let more = parts.next();
    // The comma of the tag belongs inside the quotation marks.
    let (comma, tag) = match tag.strip_prefix(", ") {
        Some(rest) => (",", rest.to_owned()),
        None => ("", tag.trim_start().to_owned()),
    };
    // A line of two sentences may bring its own question mark.
    let asks = line.starts_with("If ") && line.ends_with("who would be like you");
    let comma = if asks { "?" } else { comma };
    let mut sentence = format!("\"{line}{comma}\" {tag}");
    let mut whole = line.clone();
    if let Some(more) = more {
        sentence = format!("{} \"{}\"", sentence.trim_end(), more.trim());
        whole = format!("{whole}, {}", more.trim().trim_end_matches('.'));
    }
    let closed = if asks { format!("{whole}?") } else if whole.ends_with(['?', '!', '.']) { whole } else { format!("{whole}.") };
    (sentence.trim().to_owned(), Some(json!({ "speaker": speaker, "line": closed })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: Value) -> StoryRequest {
        StoryRequest::read(&json.to_string())
    }

    fn stories() -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for story_type in ["adventure", "bedtime", "friendship", "mystery", "anything"] {
            for theme in ["courage", "friendship", "kindness", "curiosity", "honesty", "sharing", "nature", "family", "bees"] {
                for idea in [None, Some("a shy dragon who is afraid of the dark"), Some("a robot who wants to paint the moon")] {
                    for (species, traits, appearance) in [
                        ("dragon", json!([]), json!({})),
                        ("human", json!(["wheelchair", "glasses"]), json!({"eyes": "brown", "clothes": "a yellow raincoat"})),
                    ] {
                        let data = json!({"characters":[{"name":"Ember","species":species,"traits":traits,"appearance":appearance}],
                            "storyType":story_type,"themes":[theme],"idea":idea});
                        let name = data.to_string();
                        let told = tell(&request(data), &mut Seeded::from_text(&name));
                        all.push((name, told));
                    }
                }
            }
        }
        all
    }

    #[test]
    fn every_beat_can_be_read_aloud_in_under_a_minute() {
        for (name, story) in stories() {
            for beat in story["beats"].as_array().unwrap() {
                let words = beat["text"].as_str().unwrap().split_whitespace().count();
                assert!((70..=126).contains(&words), "{words} words in {} of {name}", beat["text"]);
            }
        }
    }

    #[test]
    fn every_story_names_its_hero_and_lets_somebody_speak_in_each_beat() {
        for (name, story) in stories() {
            for beat in story["beats"].as_array().unwrap() {
                assert!(beat["text"].as_str().unwrap().contains("Ember"), "{name}");
                assert!(!beat["dialogue"].as_array().unwrap().is_empty(), "{name}");
                assert!(!beat["text"].as_str().unwrap().contains(['{', '|', '@', '}']), "{}", beat["text"]);
            }
        }
    }

    #[test]
    fn no_sentence_is_told_twice_in_one_story() {
        for (name, story) in stories() {
            let whole: String = story["beats"].as_array().unwrap().iter().map(|beat| beat["text"].as_str().unwrap()).collect();
            let mut seen = HashSet::new();
            for sentence in whole.split(['.', '!']).map(str::trim).filter(|sentence| sentence.split_whitespace().count() > 3) {
                assert!(seen.insert(sentence), "`{sentence}` twice in {name}");
            }
        }
    }

    #[test]
    fn the_idea_the_theme_and_the_traits_are_in_the_story() {
        let story = tell(
            &request(json!({"characters":[{"name":"Maya","species":"human","traits":["wheelchair"]}],"storyType":"adventure",
                "themes":["courage"],"idea":"a shy child who is afraid of the dark"})),
            &mut Seeded::from_text("1"),
        )
        .to_string();
        for part in ["a shy child called Maya", "the dark", "wheelchair", "brave"] {
            assert!(story.contains(part), "{part} is missing from {story}");
        }
    }
}

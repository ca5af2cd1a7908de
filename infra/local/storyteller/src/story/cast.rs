//! Who is in a story: the hero, a friend, and the phrases that belong to them.

use super::request::{Person, StoryRequest};
use super::teller::Arc;
use super::themes::{self, Theme};
use crate::seeded::Seeded;

const FRIENDS: &[(&str, &str)] = &[
    ("Pip", "firefly"),
    ("Juniper", "hedgehog"),
    ("Bramble", "mouse"),
    ("Otto", "owl"),
    ("Tansy", "rabbit"),
    ("Fennel", "fox"),
];

/// Names and phrases of one story.
pub(super) struct Cast {
    pub(super) hero: Person,
    pub(super) friend: String,
    friend_kind: String,
    a_hero: String,
    look: Option<String>,
    trait_sentence: Option<String>,
    fear: Option<String>,
    wish: String,
    pub(super) theme: &'static Theme,
}

pub(super) fn cast(request: &StoryRequest, arc: &Arc, seeded: &mut Seeded) -> Cast {
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
    let mood = request
        .idea
        .mood
        .clone()
        .or_else(|| hero.personality.first().cloned())
        .unwrap_or_else(|| "gentle".into());
    let theme = request
        .themes
        .iter()
        .find_map(|theme| themes::find(theme))
        .unwrap_or_else(|| {
            if request.idea.fear.is_some() {
                themes::default_theme()
            } else {
                idea_theme(request).unwrap_or_else(themes::default_theme)
            }
        });
    Cast {
        a_hero: with_article(&format!("{} {}", mood.to_lowercase(), hero.kind())),
        look: look(&hero),
        trait_sentence: hero.traits.iter().find_map(|name| trait_sentence(name)),
        fear: request.idea.fear.clone(),
        wish: request
            .idea
            .wish
            .clone()
            .unwrap_or_else(|| seeded.pick(arc.wishes).to_owned()),
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
    let article = if phrase.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {phrase}")
}

/// One sentence on how the hero looks, from what the request says.
fn look(hero: &Person) -> Option<String> {
    let of = |text: &Option<String>, noun: &str| {
        let text = text.as_deref()?.trim().trim_end_matches('.').to_lowercase();
        let text = ["a ", "an ", "the "]
            .iter()
            .find_map(|article| text.strip_prefix(article))
            .unwrap_or(&text)
            .to_owned();
        let has_noun = text.split_whitespace().any(|word| {
            word.trim_end_matches('s')
                .starts_with(noun.trim_end_matches('s'))
        });
        Some(if has_noun || text.contains(' ') && noun == "clothes" {
            text
        } else {
            format!("{text} {noun}")
        })
    };
    match (
        of(&hero.eyes, "eyes"),
        of(&hero.clothes, "clothes"),
        of(&hero.hair, "hair"),
    ) {
        (Some(eyes), Some(clothes), _) => Some(format!(
            "Anybody could tell it was {{hero}} by the {eyes} and the {clothes}."
        )),
        (None, Some(clothes), _) => Some(format!(
            "Nobody else in the whole wide world wore clothes like these quite so proudly: {clothes}."
        )),
        (Some(eyes), None, _) => Some(format!(
            "Those {eyes} missed nothing, not even an ant with a crumb."
        )),
        (None, None, Some(hair)) => Some(format!(
            "With that {hair}, {{hero}} was easy to spot from very far away."
        )),
        _ => None,
    }
}

fn trait_sentence(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    let known = [
        (
            "wheelchair",
            "{hero}'s wheelchair hummed along happily, its wheels ticking over every pebble like a friendly clock.",
        ),
        (
            "hearing",
            "{hero} turned up both hearing aids, so as not to miss a single rustle.",
        ),
        (
            "cochlear",
            "{hero}'s cochlear implant caught sounds as small as a snail's sigh.",
        ),
        (
            "deaf",
            "{hero} signed the best words with both hands, so that they seemed to dance in the air.",
        ),
        (
            "cane",
            "{hero}'s cane went tap, tap, tap, and told of every bump before it came.",
        ),
        (
            "blind",
            "{hero} listened to the echoes, which told as much as any picture.",
        ),
        (
            "prosthetic",
            "{hero}'s shiny new leg gave a cheerful click at every step.",
        ),
        (
            "glasses",
            "{hero} polished those round glasses, and the whole world came up sparkling.",
        ),
        (
            "crutch",
            "{hero}'s crutches swung in rhythm, left and right, like a song with good shoes on.",
        ),
        (
            "headphone",
            "{hero} put on soft headphones for a while, until the world was just the right loudness.",
        ),
        (
            "autis",
            "{hero} counted the stripes on every stone, because patterns made everything feel right.",
        ),
    ];
    known
        .iter()
        .find(|(word, _)| name.contains(word))
        .map(|(_, sentence)| (*sentence).to_owned())
}

impl Cast {
    pub(super) fn fill(&self, sentence: &str) -> String {
        let look = self.look.clone().unwrap_or_default();
        sentence
            .replace("{look}", &look)
            .replace(
                "{trait}",
                self.trait_sentence.as_deref().unwrap_or_default(),
            )
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
    pub(super) fn suitable<'a>(&self, slot: &[&'a str]) -> Vec<&'a str> {
        slot.iter()
            .map(|sentence| sentence.trim_start_matches('~'))
            .filter_map(|sentence| {
                match (
                    sentence.strip_prefix("?fear:"),
                    sentence.strip_prefix("?wish:"),
                ) {
                    (Some(rest), _) => self.fear.is_some().then_some(rest),
                    (_, Some(rest)) => self.fear.is_none().then_some(rest),
                    _ => Some(sentence),
                }
            })
            .collect()
    }
}

//! Who is in a story: the hero, a friend, a theme, and the phrases that belong to them.

use super::request::{Person, StoryRequest};
use crate::storyteller::data::{self, Section};
use crate::storyteller::seeded::Seeded;

const CAST: &str = include_str!("../../../stories/cast.txt");
const THEMES: &str = include_str!("../../../stories/themes.txt");

/// Names and phrases of one story.
pub(super) struct Cast {
    pub(super) hero: Person,
    pub(super) friend: String,
    friend_kind: String,
    a_hero: String,
    look: String,
    trait_sentence: &'static str,
    fear: Option<String>,
    wish: String,
    theme: Section,
    is_young: bool,
}

impl Cast {
    pub(super) fn choose(
        request: &StoryRequest,
        wishes: &[&'static str],
        seeded: &mut Seeded,
    ) -> Cast {
        let hero = request.hero();
        let (friend, friend_kind) = match request.characters.get(1) {
            Some(second) => (second.name.clone(), second.kind().to_owned()),
            None => {
                let friends = data::rows(CAST, "friends");
                let suits = |[name, kind]: &[&str; 2]| *name != hero.name && *kind != hero.species;
                let choices: Vec<[&str; 2]> = friends.filter(suits).collect();
                let [name, kind] = choices[seeded.below(choices.len())];
                (name.to_owned(), kind.to_owned())
            }
        };
        let idea = &request.idea;
        let mood = idea.mood.as_ref().or(hero.personality.first());
        let mood = mood.map_or("gentle", String::as_str).to_lowercase();
        let wanted = request.themes.iter().map(String::as_str);
        // A fear asks for courage by itself; any other idea may name its theme.
        let of_idea = idea.whole.as_deref().filter(|_| idea.fear.is_none());
        let theme = wanted.chain(of_idea).find_map(theme);
        let told_in = request.language().map_or(CAST, |language| language.file);
        let mut traits = data::rows(told_in, "traits");
        let helps = |[word, _]: &[&str; 2]| hero.traits.iter().any(|name| name.contains(word));
        Cast {
            a_hero: with_article(&format!("{mood} {}", hero.kind())),
            look: look(&hero).unwrap_or_default(),
            trait_sentence: traits.find(helps).unwrap_or_default()[1],
            fear: idea.fear.clone(),
            wish: idea
                .wish
                .clone()
                .unwrap_or_else(|| seeded.pick(wishes).to_owned()),
            theme: theme.unwrap_or_else(|| data::sections(THEMES).swap_remove(0)),
            is_young: request.is_for_young(),
            friend,
            friend_kind,
            hero,
        }
    }

    /// What one may take away.
    pub(super) fn moral(&self, request: &StoryRequest) -> String {
        if let Some(language) = request.language() {
            let fit = |[words, _]: &[&str; 2]| data::count(words, &request.themes.join(" "));
            let [_, moral] = data::rows(language.file, "morals")
                .max_by_key(fit)
                .unwrap_or_default();
            return moral.to_owned();
        }
        match request.themes.first() {
            Some(unknown) if theme(unknown).is_none() => {
                let unknown = unknown.to_lowercase();
                format!("A little {unknown} goes a long way when you take a friend along.")
            }
            _ => self.of_theme("moral").to_owned(),
        }
    }

    fn of_theme(&self, name: &str) -> &'static str {
        let line = |line: &&'static str| line.strip_prefix(name)?.strip_prefix(": ");
        self.theme.lines.iter().find_map(line).unwrap_or_default()
    }

    /// The sentence with all names and phrases in their places.
    pub(super) fn fill(&self, sentence: &str) -> String {
        sentence
            .replace("{look}", &self.look)
            .replace("{trait}", self.trait_sentence)
            .replace("{deed}", self.of_theme("deed"))
            .replace("{wisdom}", self.of_theme("wisdom"))
            .replace("{change}", self.of_theme("change"))
            .replace("{fear}", self.fear.as_deref().unwrap_or_default())
            .replace("{wish}", &self.wish)
            .replace("{a_hero}", &self.a_hero)
            .replace("{friend_kind}", &self.friend_kind)
            .replace("{friend}", &self.friend)
            .replace("{hero}", &self.hero.name)
    }

    /// The sentences of a slot that suit this hero, without their marks.
    pub(super) fn suitable(&self, slot: &[&'static str]) -> Vec<&'static str> {
        let suits = |sentence: &&'static str| {
            let sentence = sentence.trim_start_matches('~');
            let marked = sentence.strip_prefix('?');
            let Some((mark, rest)) = marked.and_then(|marked| marked.split_once(':')) else {
                return Some(sentence);
            };
            let suits = match mark {
                "fear" => self.fear.is_some(),
                "wish" => self.fear.is_none(),
                "young" => self.is_young,
                _ => !self.is_young,
            };
            suits.then_some(rest)
        };
        slot.iter().filter_map(suits).collect()
    }
}

/// The theme that a word or phrase means; None when no sentence of ours speaks of it.
fn theme(wanted: &str) -> Option<Section> {
    let wanted = wanted.to_lowercase();
    let has = |exactly: bool| {
        let means = |word: &str| {
            if exactly {
                word == wanted
            } else {
                wanted.contains(word)
            }
        };
        let mut themes = data::sections(THEMES).into_iter();
        themes.find(|theme| theme.title.split(", ").any(means))
    };
    has(true).or_else(|| has(false))
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
        let mut articles = ["a ", "an ", "the "].iter();
        let bare = articles
            .find_map(|article| text.strip_prefix(article))
            .unwrap_or(&text);
        let has_noun = bare
            .split_whitespace()
            .any(|word| word.starts_with(noun.trim_end_matches('s')));
        let whole = has_noun || noun == "clothes" && bare.contains(' ');
        Some(if whole {
            bare.to_owned()
        } else {
            format!("{bare} {noun}")
        })
    };
    let (eyes, clothes) = (of(&hero.eyes, "eyes"), of(&hero.clothes, "clothes"));
    match (eyes, clothes, of(&hero.hair, "hair")) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_found_by_any_of_its_words_and_says_all_four_things() {
        let moral = |theme: Section| theme.lines[3].to_owned();
        assert!(moral(theme("Overcoming Fear").unwrap()).contains("Courage"));
        assert!(moral(theme("kindness").unwrap()).contains("Kindness"));
        assert!(theme("spreadsheets").is_none());
        for theme in data::sections(THEMES) {
            let names = ["deed: ", "wisdom: ", "change: ", "moral: "];
            assert!(
                theme
                    .lines
                    .iter()
                    .zip(names)
                    .all(|(line, name)| line.starts_with(name)),
                "{theme:?}"
            );
        }
    }
}

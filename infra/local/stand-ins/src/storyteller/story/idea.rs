//! What a free-text wish says: who it is about, in which mood, what that one fears or wants.

use crate::storyteller::data;

const IDEAS: &str = include_str!("../../../stories/ideas.txt");

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

/// What follows the first phrase of that list, up to the end of its clause; at most nine words.
fn after(text: &str, list: &str) -> Option<String> {
    let phrases = data::section(IDEAS, list).into_iter();
    let mut found = phrases.filter_map(|phrase| text.split_once(&format!("{phrase} ")));
    let (_, rest) = found.next()?;
    let mut clause = rest.split(['.', ',', ';', '!', '?']).next()?;
    for joint in [" and ", " but ", " who "] {
        clause = clause.split(joint).next()?.trim();
    }
    (!clause.is_empty() && clause.split_whitespace().count() <= 9).then(|| clause.to_owned())
}

impl Idea {
    pub(super) fn read(idea: &str) -> Idea {
        let told_of = data::section(IDEAS, "told of the hero");
        let elsewhere = data::section(IDEAS, "where and when");
        let lower = idea.to_lowercase();
        let clause = lower.split([',', '.', '!', '?']).next().unwrap_or_default();
        let words: Vec<&str> = clause.split_whitespace().collect();
        let length = words
            .iter()
            .position(|word| told_of.contains(word) || elsewhere.contains(word))
            .unwrap_or(words.len());
        let opening = &words[..length];
        // "A little trip to the moon" is not about a hero called trip.
        let is_hero = words.get(length).is_none_or(|next| told_of.contains(next));
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
            fear: after(&lower, "fears"),
            wish: after(&lower, "wishes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idea_gives_mood_kind_fear_and_wish() {
        let idea = Idea::read("A shy dragon who is afraid of the dark.");
        let read = [
            idea.mood.as_deref(),
            idea.kind.as_deref(),
            idea.fear.as_deref(),
        ];
        assert_eq!(read, [Some("shy"), Some("dragon"), Some("the dark")]);
        assert_eq!(
            Idea::read("a shy dragon who fears the dark")
                .fear
                .as_deref(),
            Some("the dark")
        );
        let robot = Idea::read("A little robot who wants to paint the moon");
        assert_eq!(robot.wish.as_deref(), Some("paint the moon"));
        let boat = Idea::read("a brave little tugboat");
        assert_eq!(
            (boat.mood.as_deref(), boat.kind.as_deref()),
            (Some("brave little"), Some("tugboat"))
        );
    }
}

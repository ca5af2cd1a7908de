//! What a free-text wish says: who it is about, in which mood, what that one fears or wants.

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

impl Idea {
    pub(super) fn read(idea: &str) -> Idea {
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
            "to", "of", "for", "from", "about", "looks", "wants", "goes", "finds", "learns",
            "lives", "has",
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

//! What each theme adds to a story: a deed, a word of wisdom, a change of heart, a moral.

/// Sentences of one theme; `{hero}` and `{friend}` are filled in by the teller.
pub(super) struct Theme {
    words: &'static [&'static str],
    /// A small deed in the second beat.
    pub(super) deed: &'static str,
    /// What the friend says in the third beat.
    pub(super) wisdom: &'static str,
    /// What the hero has found in the fourth beat.
    pub(super) change: &'static str,
    pub(super) moral: &'static str,
}

const THEMES: &[Theme] = &[
    Theme {
        words: &[
            "courage",
            "brave",
            "bravery",
            "fear",
            "confidence",
            "overcoming",
        ],
        deed: "{hero} took one small step, and then another, because small steps were the only kind that fit.",
        wisdom: "Being brave doesn't mean your knees stop shaking. It means you bring your shaky knees along",
        change: "The shaky feeling had not gone away, but it had grown small enough to carry in a pocket.",
        moral: "Courage is taking the next small step, even with shaky knees.",
    },
    Theme {
        words: &[
            "friend",
            "friendship",
            "companionship",
            "loneliness",
            "together",
        ],
        deed: "When {friend} grew tired, {hero} slowed down, and the path felt shorter for two.",
        wisdom: "A friend is somebody who stays for the boring bits and the scary bits too",
        change: "There were still only two of them, yet it felt as if the whole world had come to sit beside them.",
        moral: "A true friend stays close, in the easy parts and in the hard ones.",
    },
    Theme {
        words: &[
            "kind",
            "kindness",
            "empathy",
            "compassion",
            "caring",
            "gentle",
        ],
        deed: "Along the way a beetle lay on its back, so {hero} stopped to turn it over and wish it a good morning.",
        wisdom: "Kindness is like a lamp. You can share the light and never have any less of it",
        change: "Every kind thing they had done that day seemed to come back and sit around them like a ring of candles.",
        moral: "Kindness shared is never used up.",
    },
    Theme {
        words: &[
            "curious",
            "curiosity",
            "learning",
            "wonder",
            "discovery",
            "science",
            "exploration",
            "education",
        ],
        deed: "{hero} asked so many questions that even the stones seemed to lean in and think.",
        wisdom: "Every question is a little door, and you have never been afraid of knocking",
        change: "One answer had turned into seven new questions, which was exactly the right number.",
        moral: "Every good question opens a door.",
    },
    Theme {
        words: &[
            "perseverance",
            "persistence",
            "resilience",
            "never give up",
            "patience",
            "effort",
            "growth",
        ],
        deed: "The first try went wrong, and so did the second, so {hero} took a breath and began the third.",
        wisdom: "You are not failing. You are practicing, and practice always looks a bit wobbly",
        change: "It had taken more tries than anyone could count, and every one of them had been worth it.",
        moral: "Wobbly practice is how strong things grow.",
    },
    Theme {
        words: &["honest", "honesty", "truth", "trust", "responsibility"],
        deed: "{hero} had to admit that the plums were gone, and felt lighter the moment the truth was out.",
        wisdom: "The truth may be heavy to lift, but it's the only thing that never breaks when you lean on it",
        change: "Nothing needed hiding any more, and that made room for a great deal of laughing.",
        moral: "The truth is something you can always lean on.",
    },
    Theme {
        words: &[
            "share",
            "sharing",
            "generosity",
            "giving",
            "gratitude",
            "thankfulness",
        ],
        deed: "They divided the last plum in two, and somehow it tasted twice as sweet.",
        wisdom: "When you share a thing, you get to watch it shine in two places at once",
        change: "{hero} had given away nearly everything from the pack and had never felt so rich.",
        moral: "What we share shines in two places at once.",
    },
    Theme {
        words: &[
            "teamwork",
            "cooperation",
            "helping",
            "community",
            "belonging",
        ],
        deed: "{hero} held the lantern, {friend} read the signs, and between them they missed nothing.",
        wisdom: "You bring your part and I bring mine, and look how nicely they fit",
        change: "Neither of them could have done it alone, and neither of them minded that one bit.",
        moral: "Different parts fit together into something strong.",
    },
    Theme {
        words: &[
            "different",
            "diversity",
            "self acceptance",
            "acceptance",
            "identity",
            "being yourself",
            "self",
            "inclusion",
            "unique",
        ],
        deed: "{hero} did things a little differently from everyone else, and today that turned out to be the clever way.",
        wisdom: "If you were like everybody else, who would be like you",
        change: "For the first time, {hero} did not wish to be anyone else at all.",
        moral: "The world needs you exactly as you are.",
    },
    Theme {
        words: &[
            "nature",
            "environment",
            "animals",
            "earth",
            "garden",
            "seasons",
            "ocean",
        ],
        deed: "They walked softly, so that not one mushroom lost its hat.",
        wisdom: "Listen well. The whole wood is talking, and it never once raises its voice",
        change: "Around them every leaf seemed to nod, the way old friends do.",
        moral: "The earth speaks softly to those who walk softly.",
    },
    Theme {
        words: &[
            "family",
            "love",
            "home",
            "grandparents",
            "siblings",
            "parents",
        ],
        deed: "{hero} thought of everyone at home and hummed the song they always sang together.",
        wisdom: "Love has a very long string. However far you go, it still reaches",
        change: "Home felt near, as though somebody had tugged gently at the other end of a string.",
        moral: "Love reaches as far as you need to go.",
    },
    Theme {
        words: &[
            "creativity",
            "imagination",
            "art",
            "music",
            "dream",
            "dreams",
            "magic",
        ],
        deed: "With a stick, two leaves and a bit of string, {hero} built something nobody had ever seen before.",
        wisdom: "There are no wrong colors. There are only colors we haven't met yet",
        change: "The best part was that it had all begun as a picture inside {hero}'s head.",
        moral: "Wonderful things begin as a picture in somebody's head.",
    },
];

/// The theme that a word or phrase means; None when no sentence here speaks of it.
pub(super) fn find(wanted: &str) -> Option<&'static Theme> {
    let wanted = wanted.to_lowercase();
    THEMES
        .iter()
        .find(|theme| theme.words.contains(&wanted.as_str()))
        .or_else(|| {
            THEMES
                .iter()
                .find(|theme| theme.words.iter().any(|word| wanted.contains(word)))
        })
}

/// The theme that suits a request without one.
pub(super) fn default_theme() -> &'static Theme {
    &THEMES[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_found_by_any_of_its_words() {
        assert!(find("Overcoming Fear").unwrap().moral.contains("Courage"));
        assert!(find("kindness").unwrap().moral.contains("Kindness"));
        assert!(find("spreadsheets").is_none());
    }
}

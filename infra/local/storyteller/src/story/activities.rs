//! Questions, words and something to do after the story.

use serde_json::{Value, json};

use super::request::StoryRequest;
use crate::seeded::Seeded;

/// Words of our stories that a child may want explained.
const MEANINGS: &[(&str, &str)] = &[
    ("lantern", "A lamp that you can carry in your hand."),
    ("valley", "Low land between hills or mountains."),
    ("whispered", "Said something very quietly."),
    ("crystal", "A clear, shiny stone with flat sides."),
    ("moss", "A soft green plant that grows on stones and trees."),
    ("patiently", "Waiting calmly, without getting cross."),
    (
        "fluttered",
        "Moved quickly and lightly, like a butterfly's wings.",
    ),
    ("footprint", "The mark that a foot leaves behind."),
    ("culprit", "The one who did it."),
    ("homesick", "Sad because home is far away."),
    ("lullaby", "A soft song that helps you fall asleep."),
    ("drowsy", "Nearly asleep."),
    ("tiptoe", "Walking quietly on the front of your feet."),
    ("newcomer", "Somebody who has just arrived."),
    ("steeple", "The pointed top of a church tower."),
    ("jangle", "The sound of bits of metal knocking together."),
    ("honest", "Telling the truth."),
    ("murmured", "Said in a low, soft voice."),
    ("violet", "A bluish purple color."),
    ("clue", "Something that helps you solve a mystery."),
    ("snoozing", "Sleeping lightly."),
    ("meadow", "A field full of grass and flowers."),
    ("trembl", "Shaking a little, from cold or from fear."),
    ("courage", "Doing something even though it scares you."),
    ("curious", "Wanting to know or learn something."),
    ("kindness", "Being gentle and helpful to others."),
];

/// For stories with fewer than two of the words above.
const USUAL: [(&str, &str); 2] = [
    ("adventure", "A journey on which surprising things happen."),
    ("patience", "Waiting calmly until it is time."),
];

struct Craft {
    words: &'static [&'static str],
    title: &'static str,
    instructions: &'static str,
}

const CRAFTS: &[Craft] = &[
    Craft {
        words: &["map", "star"],
        title: "Draw your own map",
        instructions: "Draw a map of your room or your street. Put a golden star where you would hide a treasure, and give the map to somebody to follow.",
    },
    Craft {
        words: &["moon", "sleep"],
        title: "A jar of moonlight",
        instructions: "Cut a moon out of yellow paper and stick it on a clean jar. Put a small battery light inside, turn off the lamp and sing the moon to sleep.",
    },
    Craft {
        words: &["kite", "bell"],
        title: "A kite with two strings",
        instructions: "Decorate a sheet of paper, tie a string to each of two corners and run with a friend, one string each. Listen to the sound it makes.",
    },
    Craft {
        words: &["blue", "footprint", "clue"],
        title: "Be a color detective",
        instructions: "Choose one color and look for it all day. Draw each thing you find, then count your clues together.",
    },
];

/// The answer to an `activities` request.
pub(super) fn plan(request: &StoryRequest, seeded: &mut Seeded) -> Value {
    let title = request.title.clone().unwrap_or_else(|| "the story".into());
    let beats = request.beats();
    let whole = beats.join(" ");
    let lower = whole.to_lowercase();
    let mut questions: Vec<Value> = Vec::new();
    if let Some(first) = beats.first().and_then(|beat| sentence(beat, 0)) {
        questions.push(question("How does the story begin?", &first, "remembering"));
    }
    if let Some(line) = quoted(&whole) {
        questions.push(question(
            &format!("Somebody in the story says: {line} Why do you think they say it?"),
            "Any answer that talks about how the speaker feels just then.",
            "understanding feelings",
        ));
    }
    if beats.len() > 1 {
        let last = beats
            .last()
            .and_then(|beat| sentence(beat, usize::MAX))
            .unwrap_or_default();
        questions.push(question(
            "How does the story end?",
            &last,
            "putting things in order",
        ));
    }
    let personal = seeded.pick(&[
        "When did you do something that felt hard at first?",
        "Who helps you when something is difficult?",
        "What would you have packed for this story?",
    ]);
    questions.push(question(
        personal,
        "Every answer is right: listen, and ask to hear more.",
        "talking about yourself",
    ));
    if questions.len() < 3 {
        questions.push(question(
            &format!("What was your favorite part of {title}?"),
            "Every answer is right.",
            "choosing and explaining",
        ));
    }
    let known = MEANINGS.iter().filter(|(word, _)| lower.contains(word));
    let mut vocabulary: Vec<Value> = known
        .take(4)
        .map(|(word, meaning)| json!({ "word": in_full(&lower, word), "meaning": meaning }))
        .collect();
    for (word, meaning) in USUAL {
        if vocabulary.len() < 2 {
            vocabulary.push(json!({ "word": word, "meaning": meaning }));
        }
    }
    let craft = CRAFTS.iter().max_by_key(|craft| {
        craft
            .words
            .iter()
            .map(|word| lower.matches(word).count())
            .sum::<usize>()
    });
    let craft = craft.unwrap_or(&CRAFTS[0]);
    json!({
        "questions": questions, "vocabulary": vocabulary,
        "activity": { "title": craft.title, "instructions": craft.instructions },
    })
}

fn question(question: &str, answer: &str, skill: &str) -> Value {
    json!({ "question": question, "answer": answer, "skill": skill })
}

/// The sentence at a place, the last for a place beyond the end.
fn sentence(text: &str, place: usize) -> Option<String> {
    let sentences: Vec<&str> = text
        .split_inclusive(['.', '!', '?'])
        .map(str::trim)
        .filter(|s| s.len() > 8)
        .collect();
    sentences
        .get(place.min(sentences.len().checked_sub(1)?))
        .map(|s| (*s).to_owned())
}

/// The longest line that is spoken aloud.
fn quoted(text: &str) -> Option<String> {
    let lines = text.split('"').skip(1).step_by(2);
    lines
        .max_by_key(|line| line.len())
        .map(|line| format!("\"{}.\"", line.trim_end_matches([',', '.'])))
}

/// The word as it stands in the text, for entries that are only the beginning of one.
fn in_full(text: &str, start: &str) -> String {
    let from = text.find(start).unwrap_or_default();
    text.get(from..)
        .unwrap_or(start)
        .chars()
        .take_while(|c| c.is_alphabetic())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_words_come_from_the_story() {
        let data = json!({"title":"Ember","beats":["Ember lived in a valley.","\"I have a lantern,\" whispered Ember.","The end was near.","Ember slept well."]});
        let plan = plan(
            &StoryRequest::read(&data.to_string()),
            &mut Seeded::from_text("x"),
        );
        let count = plan["questions"].as_array().unwrap().len();
        assert!((3..=5).contains(&count));
        assert!(plan.to_string().contains("Ember lived in a valley."));
        assert!(plan["vocabulary"].to_string().contains("lantern"));
    }
}

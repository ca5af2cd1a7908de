//! Questions, words and something to do after the story.

use serde_json::{Value, json};

use super::languages::language_of;
use super::request::StoryRequest;
use crate::storyteller::data;
use crate::storyteller::seeded::Seeded;

const ACTIVITIES: &str = include_str!("../../../stories/activities.txt");

/// The answer to an `activities` request.
pub(super) fn plan(request: &StoryRequest, seeded: &mut Seeded) -> Value {
    let beats = request.beats();
    let whole = beats.join(" ");
    if let Some(language) = language_of(&whole) {
        let questions = data::rows(language.file, "questions").map(
            |[question, answer, skill]| json!({ "question": question, "answer": answer, "skill": skill }),
        );
        let meanings = data::rows(language.file, "meanings")
            .map(|[word, meaning]| json!({ "word": word, "meaning": meaning }));
        let [title, instructions] = data::rows(language.file, "craft")
            .next()
            .unwrap_or_default();
        return json!({
            "questions": questions.collect::<Vec<_>>(), "vocabulary": meanings.collect::<Vec<_>>(),
            "activity": { "title": title, "instructions": instructions },
        });
    }
    let lower = whole.to_lowercase();
    let questions = questions(request.title.as_deref(), &beats, &whole, seeded);
    let meanings: Vec<[&str; 2]> = data::rows(ACTIVITIES, "meanings").collect();
    let known = meanings
        .iter()
        .filter(|[word, _]| lower.contains(word))
        .take(4);
    let known: Vec<Value> = known
        .map(|[word, meaning]| json!({ "word": in_full(&lower, word), "meaning": meaning }))
        .collect();
    // The last words of the list are for stories with fewer than two of the others.
    let usual = meanings
        .iter()
        .rev()
        .take(2usize.saturating_sub(known.len()));
    let usual = usual.map(|[word, meaning]| json!({ "word": word, "meaning": meaning }));
    let crafts = data::rows(ACTIVITIES, "crafts");
    let craft = crafts.max_by_key(|[words, ..]: &[&str; 3]| data::count(words, &lower));
    let [_, title, instructions] = craft.unwrap_or_default();
    json!({
        "questions": questions, "vocabulary": known.iter().cloned().chain(usual).collect::<Vec<_>>(),
        "activity": { "title": title, "instructions": instructions },
    })
}

/// Three to five of them.
fn questions(
    title: Option<&str>,
    beats: &[String],
    whole: &str,
    seeded: &mut Seeded,
) -> Vec<Value> {
    let mut questions: Vec<Value> = Vec::new();
    let mut ask = |question: &str, answer: &str, skill: &str| {
        questions.push(json!({ "question": question, "answer": answer, "skill": skill }));
    };
    if let Some(first) = beats.first().and_then(|beat| sentence(beat, 0)) {
        ask("How does the story begin?", first, "remembering");
    }
    if let Some(line) = quoted(whole) {
        let question = format!("Somebody in the story says: {line} Why do you think they say it?");
        let answer = "Any answer that talks about how the speaker feels just then.";
        ask(&question, answer, "understanding feelings");
    }
    let last = beats.iter().skip(1).next_back();
    if let Some(last) = last.and_then(|beat| sentence(beat, usize::MAX)) {
        ask("How does the story end?", last, "putting things in order");
    }
    let personal = seeded.pick(&data::section(ACTIVITIES, "personal questions"));
    let answer = "Every answer is right: listen, and ask to hear more.";
    ask(personal, answer, "talking about yourself");
    let favorite = format!(
        "What was your favorite part of {}?",
        title.unwrap_or("the story")
    );
    for question in [&*favorite, "Whom would you like to meet again?"] {
        if questions.len() < 3 {
            questions.push(json!({ "question": question, "answer": answer, "skill": "choosing and explaining" }));
        }
    }
    questions
}

/// The sentence at a place, the last for a place beyond the end.
fn sentence(text: &str, place: usize) -> Option<&str> {
    let sentences = text.split_inclusive(['.', '!', '?']).map(str::trim);
    let sentences: Vec<&str> = sentences.filter(|sentence| sentence.len() > 8).collect();
    sentences
        .get(place.min(sentences.len().checked_sub(1)?))
        .copied()
}

/// The longest line that is spoken aloud.
fn quoted(text: &str) -> Option<String> {
    let lines = text.split('"').skip(1).step_by(2);
    let longest = lines.max_by_key(|line| line.len());
    longest.map(|line| format!("\"{}.\"", line.trim_end_matches([',', '.'])))
}

/// The word as it stands in the text, for entries that are only the beginning of one.
fn in_full(text: &str, start: &str) -> String {
    let rest = text.find(start).map_or(start, |at| &text[at..]);
    rest.chars().take_while(|c| c.is_alphabetic()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_of(data: Value) -> Value {
        let request = StoryRequest::read(&data.to_string());
        plan(&request, &mut Seeded::from_text("x"))
    }

    #[test]
    fn questions_and_words_come_from_the_story() {
        let data = json!({"title":"Ember","beats":["Ember lived in a valley.","\"I have a lantern,\" whispered Ember.","The end was near.","Ember slept well."]});
        let plan = plan_of(data);
        assert!((3..=5).contains(&plan["questions"].as_array().unwrap().len()));
        assert!(plan.to_string().contains("Ember lived in a valley."));
        assert!(plan["vocabulary"].to_string().contains("lantern"));
    }

    #[test]
    fn a_story_of_unknown_words_still_gets_two_words_and_three_questions() {
        let plan = plan_of(json!({"title":"Эмбер","beats":["а","б"]}));
        assert_eq!(plan["vocabulary"].as_array().unwrap().len(), 2);
        assert_eq!(plan["questions"].as_array().unwrap().len(), 3);
    }
}

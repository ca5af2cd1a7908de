//! What stands of a text while it is heard, and what becomes of one that breaks off or does not fit.

use super::*;
use serde_json::json;

fn beat(number: usize) -> Value {
    let text = format!("Beat {number}: the small dragon walked on and on until the lamp was near.");
    json!({"heading": "On", "text": text, "dialogue": [], "sceneDescription": "A dragon"})
}

/// As a model writes it, in the order of the schema.
fn answer(beats: impl Iterator<Item = usize>) -> String {
    let beats: Vec<_> = beats.map(beat).collect();
    let beats = Value::Array(beats);
    format!(
        r#"{{"hero":"Ember","want":"light","obstacle":"the dark","turn":"a lamp","ending":"home","title":"Ember","coverScene":"Ember at a window","beats":{beats},"moral":"Small lights help."}}"#
    )
}

#[test]
fn the_outline_stands_before_the_first_beat_and_each_beat_once_it_is_closed() {
    let words = answer(0..4);
    let heard = |until: &str| {
        let at = words.find(until).expect("a part of it");
        let heard = hear(&words[..at], None, None, Some("My title"))?;
        assert_eq!(heard.outline.title, "My title");
        Some(heard.beats.len())
    };
    assert_eq!(heard("window"), None);
    assert_eq!(heard("{\"dialogue"), Some(0));
    assert_eq!(heard("Beat 1"), Some(1));
    assert_eq!(heard("\"moral\""), Some(4));
}

#[test]
fn an_answer_in_another_order_is_read_all_the_same() {
    let answer: Value = serde_json::from_str(&answer(0..4)).expect("JSON");
    // Sorted: `beats` come first, and the outline is whole with the last member only.
    let words = answer.to_string();
    let middle = words.find("\"hero\"").expect("a member");
    assert!(hear(&words[..middle], None, None, None).is_none());
    assert_eq!(
        hear(&words, None, None, None)
            .expect("all of it")
            .beats
            .len(),
        4
    );
    assert_eq!(
        read(answer, None, None, None).expect("a text").beats.len(),
        4
    );
}

#[test]
fn a_beat_that_is_of_no_use_does_not_stand_and_nothing_after_it() {
    let words = answer(0..4).replace(
        "Beat 1: the small dragon walked on and on until the lamp",
        "He",
    );
    assert_eq!(
        hear(&words, None, None, None)
            .expect("an outline")
            .beats
            .len(),
        1
    );
    let whole = serde_json::from_str(&words).expect("JSON");
    assert!(matches!(
        read(whole, None, None, None),
        Err(StepError::Unusable(_))
    ));
}

#[test]
fn the_rest_of_a_text_is_joined_to_what_stood_before() {
    let known = hear(&answer(0..2), None, None, None).expect("a manuscript");
    let rest = json!({"beats": [beat(2), beat(3)], "moral": "Small lights help."});
    let heard = hear(&rest.to_string(), Some(&known), None, None).expect("a manuscript");
    assert_eq!(heard.beats.len(), 4);
    assert_eq!(heard.outline, known.outline);
    let text = read(rest, Some(&known), None, None).expect("a text");
    assert_eq!(text.title, "Ember");
    let numbers = text.beats.iter().enumerate();
    for (number, beat) in numbers {
        assert!(
            beat.text.starts_with(&format!("Beat {number}")),
            "{}",
            beat.text
        );
    }
    let whole = hear(&answer(0..4), None, None, None).expect("a manuscript");
    let moral = json!({"moral": "Small lights help."});
    assert_eq!(
        read(moral, Some(&whole), None, None)
            .expect("a text")
            .beats
            .len(),
        4
    );
}

#[test]
fn a_text_in_another_language_than_was_asked_for_does_not_stand_and_both_are_named() {
    let words = answer(0..4);
    let whole: Value = serde_json::from_str(&words).expect("JSON");
    let polish = Measure::new(None, Some("pl"));
    let heard = hear(&words, None, Some(&polish), None).expect("an outline");
    assert_eq!(heard.beats.len(), 0);
    let problem = asking::problem_of(&read(whole.clone(), None, Some(&polish), None).unwrap_err());
    let problem = problem.expect("it is asked for again");
    assert!(
        problem.contains("`en`") && problem.contains("`pl`"),
        "{problem}"
    );
    for language in [Some("en"), None] {
        let measure = Measure::new(None, language);
        assert!(read(whole.clone(), None, Some(&measure), None).is_ok());
    }
}

#[test]
fn a_beat_beyond_its_reader_does_not_stand_and_its_measure_is_told() {
    let words = answer(0..4).replace(
        "Beat 2: the small dragon walked on and on until the lamp was near.",
        &format!("Beat 2: {}was near.", "and on ".repeat(20)),
    );
    let measure = Measure::new(Some(6), None);
    let heard = hear(&words, None, Some(&measure), None).expect("an outline");
    assert_eq!(heard.beats.len(), 2);
    let whole: Value = serde_json::from_str(&words).expect("JSON");
    let problem = asking::problem_of(&read(whole.clone(), None, Some(&measure), None).unwrap_err());
    assert!(problem.is_some_and(|problem| problem.contains("44 words on average")));
    // Asked once more it is taken as it comes; and what readers have seen is not measured again.
    assert!(read(whole, None, None, None).is_ok());
    let known = hear(&words, None, None, None).expect("all of it");
    let moral = json!({"moral": "Small lights help."});
    assert!(read(moral, Some(&known), Some(&measure), None).is_ok());
}

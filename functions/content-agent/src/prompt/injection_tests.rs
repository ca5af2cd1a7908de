//! Whatever a user's words say, they change nothing of what a model is told but the place where they stand.

use super::{Outline, Plot, Question};
use super::{
    PictureBrief, Wording, cover_analysis, describe_characters, image_check, story, words,
};
use crate::trait_strictness::TraitStrictness;
use bytes::Bytes;
use domain::{character::Character, request::NewStory};
use serde_json::{Value, json};

/// One a line; escapes are JSON's.
const INJECTIONS: &str = include_str!("../../../../shared/providers/src/openai/injections.txt");
const NEUTRAL: &str = "Ember";

fn injections() -> Vec<String> {
    let unescaped = |line: &str| {
        let mut text = line
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\t", "\t");
        while let Some(at) = text.find("\\u") {
            let code = text
                .get(at + 2..at + 6)
                .and_then(|code| u32::from_str_radix(code, 16).ok());
            match code.and_then(char::from_u32) {
                Some(sign) => text.replace_range(at..at + 6, &sign.to_string()),
                None => break,
            }
        }
        text
    };
    INJECTIONS.lines().map(unescaped).collect()
}

/// All the places where words of a user may stand, by JSON pointer.
const WISH: [&str; 5] = ["/idea", "/title", "/story_type", "/themes/0", "/style"];
const HERO: [&str; 4] = ["/name", "/species", "/appearance/hair", "/personality/0"];

fn filled(mut value: Value, at: &str, words: &str) -> Value {
    *value.pointer_mut(at).expect("a place") = json!(words);
    value
}

fn wish() -> Value {
    json!({"character_ids": ["00000000-0000-4000-8000-000000000009"], "story_type": NEUTRAL, "themes": [NEUTRAL],
        "idea": NEUTRAL, "title": NEUTRAL, "style": NEUTRAL})
}

fn hero() -> Value {
    json!({"id": "00000000-0000-4000-8000-000000000009", "name": NEUTRAL, "species": NEUTRAL, "appearance": {"hair": NEUTRAL}, "personality": [NEUTRAL]})
}

/// All a model is told but the data, and the data.
fn told(question: &Question) -> (String, Value) {
    let schema = serde_json::to_string(&question.schema).expect("JSON");
    (
        format!("{} {} {schema}", question.name, question.instructions),
        question.data.clone(),
    )
}

/// Where two data differ, all texts of the one that are not those of the other.
fn differing(one: &Value, other: &Value, found: &mut Vec<(Value, Value)>) {
    match (one, other) {
        (Value::Object(ones), Value::Object(others)) if ones.len() == others.len() => {
            for ((name, one), (other_name, other)) in ones.iter().zip(others) {
                assert_eq!(name, other_name);
                differing(one, other, found);
            }
        }
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            let pairs = ones.iter().zip(others);
            pairs.for_each(|(one, other)| differing(one, other, found));
        }
        _ if one == other => {}
        _ => found.push((one.clone(), other.clone())),
    }
}

#[test]
fn at_least_a_hundred_injected_instructions_change_no_question_but_where_they_stand() {
    let injections = injections();
    assert!(injections.len() >= 100, "{}", injections.len());
    let read_wish = |value: Value| serde_json::from_value::<NewStory>(value).ok();
    let read_hero = |value: Value| serde_json::from_value::<Character>(value).ok();
    let outline: Outline =
        serde_json::from_value(json!({"hero": "h", "want": "w", "obstacle": "o",
        "turn": "t", "ending": "e", "title": "t", "coverScene": "c"}))
        .expect("an outline");
    let neutral_wish = read_wish(wish()).expect("a wish");
    let neutral_hero = [read_hero(hero()).expect("a hero")];
    let questions = |wish: &NewStory, heroes: &[Character]| {
        [
            told(&story(wish, heroes, None)),
            told(&cover_analysis(&Plot::Outline(&outline), heroes)),
            told(&image_check(
                "cover",
                heroes,
                &TraitStrictness::default(),
                Bytes::new(),
            )),
        ]
    };
    let plain = questions(&neutral_wish, &neutral_hero);
    let mut tried = 0;
    for words in &injections {
        let wishes = WISH
            .iter()
            .filter_map(|at| Some((read_wish(filled(wish(), at, words))?, None)));
        let heroes = HERO.iter().filter_map(|at| {
            Some((
                read_wish(wish())?,
                Some(read_hero(filled(hero(), at, words))?),
            ))
        });
        for (wish, hero) in wishes.chain(heroes) {
            let heroes = hero
                .as_ref()
                .map_or(&neutral_hero[..], std::slice::from_ref);
            for ((told, data), (plain, plain_data)) in questions(&wish, heroes).iter().zip(&plain) {
                assert_eq!(told, plain, "{words:?}");
                let mut found = Vec::new();
                differing(data, plain_data, &mut found);
                assert!(found.len() <= 1, "{words:?} changed {found:?}");
                for (one, other) in found {
                    assert!(
                        one.is_string() && other == NEUTRAL,
                        "{words:?}: {one} for {other}"
                    );
                }
            }
            tried += 1;
        }
    }
    assert!(tried >= 800, "{tried}");
    assert_eq!(describe_characters(&neutral_hero).len(), 1);
}

#[test]
fn injected_instructions_stay_on_the_line_of_their_field_in_every_prompt_of_a_picture() {
    let step =
        serde_json::from_value(json!({"name": "dusk", "colors": ["#000000"]})).expect("a step");
    let analysis = json!({"action": "runs", "cameraAngle": "low", "depth": "deep", "atmosphere": "calm", "pose": "up",
        "description": "A run"});
    let analysis = serde_json::from_value(analysis).expect("an analysis");
    let asked = |hero: Value, style: &str, wording| {
        let heroes: [Character; 1] = [serde_json::from_value(hero).ok()?];
        let brief = PictureBrief {
            index: 0,
            characters: &heroes,
            step: &step,
            motif: "kite",
            analysis: &analysis,
            scene: "A dragon",
            style: Some(style),
            has_reference: true,
        };
        Some(words(&brief, wording))
    };
    for wording in [
        Wording::Full,
        Wording::Plain,
        Wording::Distant,
        Wording::Symbol,
    ] {
        let plain = asked(hero(), NEUTRAL, wording).expect("a prompt");
        for injected in injections() {
            let heroes = HERO
                .iter()
                .map(|at| (filled(hero(), at, &injected), NEUTRAL));
            let styles = [(hero(), injected.as_str())];
            for (hero, style) in heroes.chain(styles) {
                let Some(prompt) = asked(hero, style, wording) else {
                    continue;
                };
                let (lines, plain): (Vec<_>, Vec<_>) =
                    (prompt.lines().collect(), plain.lines().collect());
                // A line of its own may be left out, never added.
                assert!(
                    lines.len() <= plain.len() && lines.len() + 1 >= plain.len(),
                    "{injected:?}"
                );
                let changed = lines.iter().filter(|line| !plain.contains(line));
                let changed: Vec<_> = changed.collect();
                assert!(changed.len() <= 1, "{injected:?} changed {changed:?}");
                let label =
                    |line: &&&str| line.starts_with("Character: ") || line.starts_with("Style: ");
                assert!(changed.iter().all(label), "{changed:?}");
            }
        }
    }
}

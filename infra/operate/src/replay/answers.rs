//! Which of the answers that were kept belongs to a question.

use super::kept::{Exchange, Kept};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A question to a provider, as far as it decides which answer belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// What is asked for, and of texts by which name: `text story`. Of anything else its address.
    pub(super) what: String,
    /// All of its own words.
    pub(super) words: String,
}

/// How a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It was asked in these very words.
    Same,
    /// The nearest of those that were asked.
    OtherWords,
    /// Nothing like it was asked.
    New,
}

impl Question {
    /// `path` is without what stands before the provider's own paths.
    pub(super) fn read(path: &str, asked: &Value) -> Self {
        let named = &asked["response_format"]["json_schema"]["name"];
        let (what, words) = if path.contains("/chat/completions") {
            let name = named.as_str().unwrap_or_default();
            (format!("text {name}"), texts_of(&asked["messages"]))
        } else if path.contains("/images/") || path.contains("/flux-") {
            ("picture".to_owned(), texts_of(&asked["prompt"]))
        } else if path.contains("/text-to-speech/") {
            ("speech".to_owned(), texts_of(&asked["text"]))
        } else {
            (path.to_owned(), String::new())
        };
        Self { what, words }
    }
}

/// A longer text is a file, of which the content agent keeps the length alone.
const TEXT_BYTES_MAX: usize = 20_000;

fn texts_of(value: &Value) -> String {
    match value {
        Value::String(file) if file.len() > TEXT_BYTES_MAX => format!("{} bytes\n", file.len()),
        Value::String(text) => format!("{text}\n"),
        Value::Array(items) => items.iter().map(texts_of).collect(),
        Value::Object(members) => members.values().map(texts_of).collect(),
        _ => String::new(),
    }
}

/// The answers that were kept, each given once while there are others.
#[derive(Debug, Default)]
pub(super) struct Answers {
    kept: Vec<(Question, Exchange)>,
    given: BTreeSet<usize>,
    /// What was found of each text that was looked at.
    verdicts: BTreeMap<String, Value>,
}

impl Answers {
    pub(super) fn of(kept: &Kept) -> Self {
        let mut answers = Self::default();
        for exchange in &kept.exchanges {
            let told = &exchange.told;
            if told.kind == "moderation" {
                answers.learn_verdicts(exchange);
            } else {
                let question = Question::read(&told.path, &told.asked);
                answers.kept.push((question, exchange.clone()));
            }
        }
        answers
    }

    fn learn_verdicts(&mut self, exchange: &Exchange) {
        let answer: Value = serde_json::from_slice(&exchange.body).unwrap_or_default();
        let input = exchange.told.asked["input"].as_array();
        let results = answer["results"].as_array();
        for (text, verdict) in input
            .into_iter()
            .flatten()
            .zip(results.into_iter().flatten())
        {
            self.verdicts.insert(texts_of(text), verdict.clone());
        }
    }

    /// Whoever looks at words takes them as they come, now more at once and now fewer. What was not looked at then passes.
    pub(super) fn verdicts(&self, asked: &Value) -> Value {
        let passes = json!({"flagged": false, "categories": {}, "category_scores": {}});
        let input = asked["input"].as_array().into_iter().flatten();
        let results = input.map(|text| self.verdicts.get(&texts_of(text)).unwrap_or(&passes));
        json!({"id": "modr-kept", "model": asked["model"], "results": results.collect::<Vec<_>>()})
    }

    /// The answer to a question in the same words, else the one to the nearest of its kind; and the words of that.
    pub(super) fn find(&mut self, question: &Question) -> Option<(Match, Exchange, String)> {
        let kind = self.kept.iter().enumerate();
        let kind = kind.filter(|(_, (known, _))| known.what == question.what);
        let best = kind.max_by(|(one, (one_asked, _)), (other, (other_asked, _))| {
            let rank = |at: usize, known: &Question| {
                let is_same = known.words == question.words;
                let is_left = !self.given.contains(&at);
                (is_same, is_left, likeness(&known.words, &question.words))
            };
            let (first, second) = (rank(*one, one_asked), rank(*other, other_asked));
            // The earliest of equals.
            first
                .partial_cmp(&second)
                .unwrap_or(std::cmp::Ordering::Equal)
                .then(other.cmp(one))
        });
        let (at, (known, exchange)) = best?;
        let how = match known.words == question.words {
            true => Match::Same,
            false => Match::OtherWords,
        };
        let found = (how, exchange.clone(), known.words.clone());
        self.given.insert(at);
        Some(found)
    }
}

/// The share of different words that two texts have in common, 0 to 1.
fn likeness(one: &str, other: &str) -> f64 {
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        words.map(str::to_lowercase).collect()
    };
    let (one, other) = (words(one), words(other));
    let common = one.intersection(&other).count() as f64;
    let all = one.union(&other).count() as f64;
    common / all.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, words: &str) -> Value {
        json!({"messages": [{"role": "user", "content": words}], "response_format": {"json_schema": {"name": name}}})
    }

    fn kept(all: &[(&str, &str)]) -> Answers {
        let exchanges = all.iter().enumerate().map(|(number, (name, words))| {
            let told = json!({"kind": "text", "path": "/v1/chat/completions", "asked": asked(name, words), "end": "whole",
                "status": 200});
            Exchange {
                told: serde_json::from_value(told).expect("an exchange"),
                body: number.to_string().into_bytes(),
            }
        });
        Answers::of(&Kept {
            exchanges: exchanges.collect(),
            ..Kept::default()
        })
    }

    fn find(answers: &mut Answers, name: &str, words: &str) -> Option<(Match, String)> {
        let question = Question::read("/openai/v1/chat/completions", &asked(name, words));
        let (how, exchange, _) = answers.find(&question)?;
        Some((how, String::from_utf8(exchange.body).expect("a number")))
    }

    #[test]
    fn a_question_gets_its_own_answer_whatever_the_order_and_a_changed_one_the_nearest_that_is_left()
     {
        let mut answers = kept(&[
            ("scene", "The fox runs over the hill"),
            ("scene", "The fox sleeps in the barn"),
            ("story", "Tell of a fox"),
        ]);
        let same = |number: &str| Some((Match::Same, number.to_owned()));
        assert_eq!(
            find(&mut answers, "scene", "The fox sleeps in the barn"),
            same("1")
        );
        let other = find(&mut answers, "scene", "A fox that sleeps in the old barn");
        assert_eq!(other, Some((Match::OtherWords, "0".to_owned())));
        assert_eq!(find(&mut answers, "story", "Tell of a fox"), same("2"));
        assert_eq!(
            find(&mut answers, "activities", "Ask three questions"),
            None
        );
    }

    #[test]
    fn the_same_question_again_gets_the_next_of_its_answers_and_then_the_first_once_more() {
        let mut answers = kept(&[("check", "Is it a fox?"), ("check", "Is it a fox?")]);
        let given: Vec<_> = (0..3)
            .filter_map(|_| find(&mut answers, "check", "Is it a fox?"))
            .map(|(_, number)| number)
            .collect();
        assert_eq!(given, ["0", "1", "0"]);
    }

    #[test]
    fn words_are_looked_at_as_they_were_however_many_are_asked_about_at_once() {
        let verdict =
            |flagged: bool| json!({"flagged": flagged, "categories": {}, "category_scores": {}});
        let told = json!({"kind": "moderation", "path": "/v1/moderations", "asked": {"input": ["a", "b"]}, "end": "whole"});
        let body = json!({"results": [verdict(false), verdict(true)]});
        let answers = Answers::of(&Kept {
            exchanges: vec![Exchange {
                told: serde_json::from_value(told).expect("an exchange"),
                body: body.to_string().into_bytes(),
            }],
            ..Kept::default()
        });
        let found = answers.verdicts(&json!({"model": "m", "input": ["b", "c"]}));
        assert_eq!(found["results"], json!([verdict(true), verdict(false)]));
    }
}

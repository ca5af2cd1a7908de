//! The story text: planned first, heard while it is written, and gone on with where it broke off.

use crate::{asking, attempt::Attempt, failure::StepError, prompt};
use domain::{
    reading_level::ReadingLevel,
    sanitize::complete_members,
    story::{BEATS, Beat, Manuscript, Outline, StoryText, UnusableAnswer},
};
use providers::ErrorKind;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Instant;

pub(super) async fn write(attempt: &Attempt) -> Result<StoryText, StepError> {
    let mut tokens = 0;
    let mut correction = None;
    let mut is_again = false;
    let written = loop {
        let known = attempt.story.telling.manuscript();
        let known = known.as_deref();
        // Measured once: what comes after that is told as it came, and nobody fails for long sentences.
        let is_measured = !is_again && !attempt.is_repeated() && !is_late(attempt);
        let age = attempt.story.work.request.reader_age();
        let level = is_measured.then(|| ReadingLevel::for_age(age));
        let (written, used) = ask(attempt, known, level, correction.take()).await;
        tokens += used;
        let error = match written {
            Ok(text) => break text,
            Err(error) => error,
        };
        let further = attempt.story.telling.manuscript();
        let goes_on = further.as_deref() != known && broke_off(&error);
        let problem = asking::problem_of(&error);
        if is_again || !(goes_on || problem.is_some()) || is_late(attempt) {
            return Err(error);
        }
        is_again = true;
        // What stands is kept, and only the rest is asked for.
        tracing::warn!(
            error = runtime::chain(&error),
            beats = further.map_or(0, |one| one.beats.len()),
            "Text cannot be used as it came, asking for the rest of it"
        );
        correction = problem;
    };
    tracing::info!(target: "AssetGenerationPipeline", tokensUsed = tokens, "Story content generated");
    Ok(written)
}

/// Whether it may just not have come to its end.
fn broke_off(error: &StepError) -> bool {
    matches!(error, StepError::Provider(error) if matches!(
        error.kind, ErrorKind::CutShort | ErrorKind::TimedOut | ErrorKind::Unavailable))
}

fn is_late(attempt: &Attempt) -> bool {
    let deadline = attempt.story.deadline.instant();
    deadline.saturating_duration_since(Instant::now()) < asking::TIME_FOR_ANOTHER
}

/// Asks for what is missing, and tells those who read along what of it stands. Answers with the tokens it took as well.
async fn ask(
    attempt: &Attempt,
    known: Option<&Manuscript>,
    level: Option<ReadingLevel>,
    correction: Option<String>,
) -> (Result<StoryText, StepError>, u64) {
    let work = &attempt.story.work;
    let wished_title = work.request.title();
    let question = prompt::story(&work.request, &work.characters, known);
    let mut standing = known.cloned();
    let mut read_until = 0;
    let mut hears = |words: &str| {
        // Nothing is closed without one of these.
        let is_closing = |more: &str| more.contains(['}', ']', '"']);
        let more = words.get(read_until..).is_none_or(is_closing);
        read_until = words.len();
        if !more {
            return;
        }
        if let Some(heard) = hear(words, known, level, wished_title)
            && standing.as_ref() != Some(&heard)
        {
            standing = Some(heard.clone());
            attempt.story.telling.add(heard);
        }
    };
    let (answer, tokens) = attempt.ask_aloud(question, correction, &mut hears).await;
    let read = answer.and_then(|answer| read(answer, known, level, wished_title));
    let written = read.map(|mut text| {
        // What readers have seen and heard of it is part of it, whatever came twice.
        if let Some(standing) = standing {
            text.title = standing.outline.title;
            let told = standing.beats.into_iter();
            text.beats
                .iter_mut()
                .zip(told)
                .for_each(|(beat, told)| *beat = told);
        }
        text
    });
    (written, tokens)
}

/// What stands of the text with the words of an answer that were heard so far, behind what was known before. A beat that is
/// of no use or beyond its reader, and what follows it, does not stand.
fn hear(
    words: &str,
    known: Option<&Manuscript>,
    level: Option<ReadingLevel>,
    wished_title: Option<&str>,
) -> Option<Manuscript> {
    let is_beyond = |beat: &Beat| level.is_some_and(|level| level.problem_of(&beat.text).is_some());
    let members = complete_members(words);
    let mut manuscript = match known {
        Some(known) => known.clone(),
        None => Manuscript {
            outline: outline(&members, wished_title).ok()?,
            beats: Vec::new(),
        },
    };
    let beats = members.get("beats").and_then(Value::as_array);
    for beat in beats.into_iter().flatten() {
        match Beat::deserialize(beat).ok().map(Beat::usable) {
            Some(Ok(beat)) if manuscript.beats.len() < BEATS && !is_beyond(&beat) => {
                manuscript.beats.push(beat);
            }
            _ => break,
        }
    }
    Some(manuscript)
}

fn outline(
    members: &Map<String, Value>,
    wished_title: Option<&str>,
) -> Result<Outline, UnusableAnswer> {
    let read = Outline::deserialize(members);
    let mut outline = read.map_err(|error| UnusableAnswer(error.to_string()))?;
    if let Some(title) = wished_title {
        title.clone_into(&mut outline.title);
    }
    outline.usable()
}

/// The text from an answer and what was known before it.
fn read(
    answer: Value,
    known: Option<&Manuscript>,
    level: Option<ReadingLevel>,
    wished_title: Option<&str>,
) -> Result<StoryText, StepError> {
    let mut text = match known {
        None => StoryText::deserialize(&answer)?,
        Some(known) => {
            let mut rest = Map::deserialize(answer)?;
            rest.insert("title".to_owned(), known.outline.title.as_str().into());
            // Nothing is asked for where all of them are known.
            rest.entry("beats")
                .or_insert_with(|| Value::Array(Vec::new()));
            let mut text = StoryText::deserialize(Value::Object(rest))?;
            text.beats.splice(0..0, known.beats.iter().cloned());
            text
        }
    };
    if let Some(title) = wished_title {
        title.clone_into(&mut text.title);
    }
    let text = text.usable()?;
    let mut new = text
        .beats
        .iter()
        .skip(known.map_or(0, |known| known.beats.len()));
    let problem = level.and_then(|level| new.find_map(|beat| level.problem_of(&beat.text)));
    match problem {
        Some(problem) => Err(UnusableAnswer(problem).into()),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn beat(number: usize) -> Value {
        let text =
            format!("Beat {number}: the small dragon walked on and on until the lamp was near.");
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
    fn a_beat_beyond_its_reader_does_not_stand_and_its_measure_is_told() {
        let words = answer(0..4).replace(
            "Beat 2: the small dragon walked on and on until the lamp was near.",
            &format!("Beat 2: {}was near.", "and on ".repeat(20)),
        );
        let level = Some(ReadingLevel::for_age(Some(6)));
        let heard = hear(&words, None, level, None).expect("an outline");
        assert_eq!(heard.beats.len(), 2);
        let whole: Value = serde_json::from_str(&words).expect("JSON");
        let problem = asking::problem_of(&read(whole.clone(), None, level, None).unwrap_err());
        assert!(problem.is_some_and(|problem| problem.contains("44 words on average")));
        // Asked once more it is taken as it comes; and what readers have seen is not measured again.
        assert!(read(whole, None, None, None).is_ok());
        let known = hear(&words, None, None, None).expect("all of it");
        let moral = json!({"moral": "Small lights help."});
        assert!(read(moral, Some(&known), level, None).is_ok());
    }
}

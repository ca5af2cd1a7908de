//! The story text: planned first, heard while it is written, and gone on with where it broke off.

mod measure;

use crate::{asking, attempt::Attempt, failure::StepError, prompt};
use domain::{
    sanitize::complete_members,
    story::{BEATS, Beat, Manuscript, Outline, StoryText, UnusableAnswer},
};
use measure::Measure;
use providers::{ErrorKind, describe_reader};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Longest a part of a text waits to be looked at before it is told.
pub(crate) const MODERATION_PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn write(attempt: &Attempt) -> Result<StoryText, StepError> {
    if attempt.deps().config.hides_names {
        look_at_wish(attempt).await?;
    }
    let mut tokens = 0;
    let mut correction = None;
    let mut is_again = false;
    let written = loop {
        let known = attempt.story.telling.manuscript();
        let known = known.as_deref();
        // Measured once: what comes after that is told as it came, and nobody fails for long sentences.
        let is_measured = !is_again && !attempt.is_repeated() && !is_late(attempt);
        let measure = is_measured.then(|| Measure::of(&attempt.story.work.request));
        let (written, used) = ask(attempt, known, measure.as_ref(), correction.take()).await;
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
        if let Some(reason) = error.reason() {
            attempt.shown.note_reason(reason);
        }
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

/// What the API left to us, for it does not know which words are names: before anything is paid for.
async fn look_at_wish(attempt: &Attempt) -> Result<(), StepError> {
    let work = &attempt.story.work;
    let wish = prompt::story(&work.request, &work.characters, None).data;
    let mut words = Vec::new();
    collect_texts(&wish, &mut words);
    match find_unsafe(attempt, &[words.join("\n")]).await {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(members) => members.values().for_each(|item| collect_texts(item, texts)),
        _ => {}
    }
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
    measure: Option<&Measure>,
    correction: Option<String>,
) -> (Result<StoryText, StepError>, u64) {
    let work = &attempt.story.work;
    let wished_title = work.request.title();
    let question = prompt::story(&work.request, &work.characters, known);
    let (sender, heard) = watch::channel(None);
    let asking = async move {
        let mut read_until = 0;
        let mut hears = |words: &str| {
            // Nothing is closed without one of these.
            let is_closing = |more: &str| more.contains(['}', ']', '"']);
            let more = words.get(read_until..).is_none_or(is_closing);
            read_until = words.len();
            if more && let Some(manuscript) = hear(words, known, measure, wished_title) {
                sender.send_replace(Some(attempt.story.names.reveal(manuscript)));
            }
        };
        attempt.ask_aloud(question, correction, &mut hears).await
    };
    let ((answer, tokens), shown) = tokio::join!(asking, show_along(attempt, known, heard));
    let read = answer.and_then(|answer| read(answer, known, measure, wished_title));
    let written = match (read, shown) {
        (Ok(text), Ok(shown)) => finish(attempt, text, shown).await,
        (_, Err(error)) | (Err(error), _) => Err(error),
    };
    (written, tokens)
}

/// Tells those who read along what was heard, once it was looked at: what does not belong in a child's story is neither
/// shown nor read aloud nor drawn. Answers with what they were told; nothing follows a part that was refused.
async fn show_along(
    attempt: &Attempt,
    known: Option<&Manuscript>,
    mut heard: watch::Receiver<Option<Manuscript>>,
) -> Result<Option<Manuscript>, StepError> {
    let mut shown = known.cloned();
    while heard.changed().await.is_ok() {
        let Some(mut latest) = heard.borrow_and_update().clone() else {
            continue;
        };
        let beats_shown = shown.as_ref().map_or(0, |shown| shown.beats.len());
        let outline = shown.is_none().then(|| words_of_outline(&latest.outline));
        let beats = latest.beats.iter().skip(beats_shown).map(words_of_beat);
        let parts: Vec<_> = outline.into_iter().chain(beats).collect();
        let refused = find_unsafe(attempt, &parts).await;
        let good = refused.as_ref().map_or(parts.len(), |(at, _)| *at);
        // The outline is the first part, and without it nothing stands.
        let beats_good = match shown {
            None => good.checked_sub(1),
            Some(_) => Some(good),
        };
        if let Some(beats_good) = beats_good {
            latest.beats.truncate(beats_shown + beats_good);
            if shown.as_ref() != Some(&latest) {
                attempt.story.telling.add(latest.clone());
                shown = Some(latest);
            }
        }
        if let Some((_, error)) = refused {
            return Err(error);
        }
    }
    Ok(shown)
}

/// The whole text, its rest looked at as well. What readers were told of it is part of it, whatever came twice.
async fn finish(
    attempt: &Attempt,
    mut text: StoryText,
    shown: Option<Manuscript>,
) -> Result<StoryText, StepError> {
    let beats_shown = shown.as_ref().map_or(0, |shown| shown.beats.len());
    let beats = text.beats.iter().skip(beats_shown).map(words_of_beat);
    let ends = format!("{}\n{}", text.title, text.moral);
    let rest: Vec<_> = beats.chain([ends]).collect();
    if let Some((_, error)) = find_unsafe(attempt, &rest).await {
        return Err(error);
    }
    if let Some(shown) = shown {
        text.title = shown.outline.title;
        let beats = text.beats.iter_mut().zip(shown.beats);
        beats.for_each(|(beat, told)| *beat = told);
    }
    Ok(text)
}

/// The first of these parts that does not belong in a story for this reader.
pub(super) async fn find_unsafe(attempt: &Attempt, parts: &[String]) -> Option<(usize, StepError)> {
    let age = attempt.story.work.request.reader_age();
    let names = &attempt.story.names;
    let parts: Vec<_> = parts.iter().map(|part| names.hide(part)).collect();
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    let concerns = attempt.deps().moderation.find_unsafe(age, &parts).await;
    let mut found = concerns.into_iter().enumerate();
    found.find_map(|(at, concern)| {
        let error = StepError::UnsafeText {
            concern: concern?,
            reader: describe_reader(age),
        };
        Some((at, error))
    })
}

fn words_of_outline(outline: &Outline) -> String {
    let Outline {
        hero,
        want,
        obstacle,
        turn,
        ending,
        title,
        cover_scene,
    } = outline;
    [title, hero, want, obstacle, turn, ending, cover_scene]
        .map(String::as_str)
        .join("\n")
}

fn words_of_beat(beat: &Beat) -> String {
    let spoken = beat.dialogue.iter().map(|spoken| spoken.line.as_str());
    let told = [&beat.heading, &beat.text, &beat.scene_description].map(String::as_str);
    told.into_iter()
        .chain(spoken)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What stands of the text with the words of an answer that were heard so far, behind what was known before. A beat that is
/// of no use or not what was asked for, and what follows it, does not stand.
fn hear(
    words: &str,
    known: Option<&Manuscript>,
    measure: Option<&Measure>,
    wished_title: Option<&str>,
) -> Option<Manuscript> {
    let fits = |beat: &Beat| measure.is_none_or(|measure| measure.problem_of(beat).is_none());
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
            Some(Ok(beat)) if manuscript.beats.len() < BEATS && fits(&beat) => {
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
    measure: Option<&Measure>,
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
    let problem = measure.and_then(|measure| new.find_map(|beat| measure.problem_of(beat)));
    match problem {
        Some(problem) => Err(UnusableAnswer(problem).into()),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests;

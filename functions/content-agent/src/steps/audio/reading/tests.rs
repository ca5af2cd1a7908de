//! A text read by a model of tests, and recordings kept in memory: what is bought, in which parts, and what of it is used.

mod parts;

use super::*;
use providers::{Alignment, CallUsage, ProviderError, SpeechFacts};
use runtime::Variables;
use std::{collections::VecDeque, sync::Mutex, time::Duration};

/// Seconds a character takes.
const PACE_S: f64 = 0.07;

/// Silence, in frames of 1152 samples.
fn mp3(seconds: f64) -> Vec<u8> {
    let mut frame = vec![0; 208];
    frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x50, 0xC4]);
    frame.repeat((seconds * 44_100.0 / 1152.0).round() as usize)
}

fn times(text: &str, pace_s: f64) -> Alignment {
    let characters: Vec<String> = text.chars().map(String::from).collect();
    let at = |number: usize| number as f64 * pace_s;
    Alignment {
        character_start_times_seconds: (0..characters.len()).map(at).collect(),
        character_end_times_seconds: (1..=characters.len()).map(at).collect(),
        characters,
    }
}

fn spoken(text: &str) -> Speech {
    Speech {
        audio: mp3(text.chars().count() as f64 * PACE_S).into(),
        alignment: Some(times(text, PACE_S)),
    }
}

/// Takes so many characters a call, and tells so or not.
struct Model {
    facts: SpeechFacts,
    takes: usize,
    /// Answers to the next calls, before it speaks as usual.
    next: Mutex<VecDeque<Speech>>,
    calls: Mutex<Vec<SpeechCall>>,
}

impl Model {
    fn that_takes(characters_max: usize) -> Self {
        Self {
            facts: SpeechFacts {
                model: "model".to_owned(),
                format: "mp3_44100_64",
                characters_max,
                times_drift: false,
            },
            takes: characters_max,
            next: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    fn answering(self, answers: impl IntoIterator<Item = Speech>) -> Self {
        self.next.lock().unwrap().extend(answers);
        self
    }

    fn texts(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|call| call.text.clone()).collect()
    }
}

#[async_trait::async_trait]
impl SpeechModel for Model {
    fn facts(&self) -> SpeechFacts {
        self.facts.clone()
    }

    async fn default_voice(&self, _: Instant) -> Result<String, ProviderError> {
        unreachable!("the voice is given")
    }

    async fn speak(
        &self,
        call: &SpeechCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Speech, ProviderError> {
        self.calls.lock().unwrap().push(call.clone());
        if call.text.chars().count() > self.takes {
            return Err(ProviderError::of_kind(
                "Model",
                "speak",
                ErrorKind::TextTooLong,
            ));
        }
        usage.push(CallUsage::default());
        let next = self.next.lock().unwrap().pop_front();
        Ok(next.unwrap_or_else(|| spoken(&call.text)))
    }
}

#[derive(Default)]
struct Memory {
    recordings: Mutex<Vec<Recording>>,
    /// Dies when so many are kept.
    dies_at: Option<usize>,
}

#[async_trait::async_trait]
impl RecordingStore for Memory {
    async fn find_earlier_recordings(&self) -> Result<Vec<Recording>, StepError> {
        Ok(self.recordings.lock().unwrap().clone())
    }

    async fn save(&self, recording: &Recording, _: u8) -> Result<(), StepError> {
        let mut recordings = self.recordings.lock().unwrap();
        recordings.push(recording.clone());
        match self.dies_at == Some(recordings.len()) {
            true => Err(StepError::LeaseLost),
            false => Ok(()),
        }
    }
}

/// Four beats of so many sentences of 27 characters, and where they end.
fn story(sentences: usize) -> (String, Vec<usize>) {
    let beat = ["The fox ran home and slept."].repeat(sentences).join(" ");
    let ends = (1..=4).map(|number| number * beat.len() + (number - 1) * 2);
    ([beat.as_str()].repeat(4).join("\n\n"), ends.collect())
}

async fn read(
    model: &Model,
    store: &Memory,
    (text, beat_ends): &(String, Vec<usize>),
) -> (Result<Vec<Take>, StepError>, usize) {
    let usage = UsageLedger::default();
    let prices = Prices::from_variables(&Variables::from_pairs([])).expect("prices");
    let reading = Reading {
        speech: model,
        store,
        usage: &usage,
        prices: &prices,
        voice_id: "voice",
        facts: &model.facts,
        text,
        part: 0..text.len(),
        pronunciations: &Pronunciations::default(),
        beat_ends,
        deadline: Instant::now() + Duration::from_secs(20),
    };
    let takes = reading.read().await;
    (takes, usage.unrecorded().len())
}

async fn takes(model: &Model, store: &Memory, story: &(String, Vec<usize>)) -> Vec<Take> {
    read(model, store, story).await.0.expect("read")
}

#[tokio::test]
async fn a_text_the_model_takes_is_read_in_one_call() {
    let (model, story) = (Model::that_takes(5_000), story(48));
    let takes = takes(
        &model,
        &Memory::default(),
        &(story.0[..4_000].to_owned(), story.1),
    )
    .await;
    assert_eq!((takes.len(), model.texts().len()), (1, 1));
    let call = &model.calls.lock().unwrap()[0];
    assert_eq!((&call.previous_text, &call.next_text), (&None, &None));
}

#[tokio::test]
async fn a_text_over_the_limit_is_read_beat_by_beat_each_knowing_its_neighbours() {
    // 4 beats of 1,343 characters.
    let (model, story) = (Model::that_takes(5_000), story(48));
    let takes = takes(&model, &Memory::default(), &story).await;
    assert_eq!(takes.len(), 4);
    assert!(model.texts().iter().all(|text| text.len() == 1_343));
    let calls = model.calls.lock().unwrap();
    let context = |call: &SpeechCall| {
        [&call.previous_text, &call.next_text].map(|text| text.as_ref().map(String::len))
    };
    assert_eq!(context(&calls[0]), [None, Some(300)]);
    assert_eq!(context(&calls[1]), [Some(300), Some(300)]);
    assert_eq!(context(&calls[3]), [Some(300), None]);
}

#[tokio::test]
async fn a_limit_that_is_smaller_than_known_is_found_by_cutting_smaller() {
    let model = Model {
        takes: 400,
        ..Model::that_takes(10_000)
    };
    let story = story(20);
    let takes = takes(&model, &Memory::default(), &story).await;
    let read: Vec<&str> = takes
        .iter()
        .map(|take| &story.0[take.recording.reads.clone()])
        .collect();
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&read.join(" ")), words(&story.0), "nothing is lost");
    assert!(read.iter().all(|text| text.ends_with("slept.")), "{read:?}");
}

#[tokio::test]
async fn a_model_that_takes_next_to_nothing_is_given_up() {
    let model = Model {
        takes: 10,
        ..Model::that_takes(10_000)
    };
    let (outcome, paid) = read(&model, &Memory::default(), &story(20)).await;
    assert!(
        matches!(outcome, Err(StepError::Provider(error)) if error.kind == ErrorKind::TextTooLong)
    );
    assert_eq!(paid, 0);
}

#[tokio::test]
async fn a_part_that_was_paid_for_is_not_bought_again_after_a_crash() {
    let story = story(20);
    let mut store = Memory {
        dies_at: Some(2),
        ..Memory::default()
    };
    let first = Model::that_takes(1_000);
    assert!(read(&first, &store, &story).await.0.is_err());
    assert_eq!(first.texts().len(), 2);
    store.dies_at = None;
    // Another process, which knows of another limit by now.
    let second = Model::that_takes(600);
    let takes = takes(&second, &store, &story).await;
    assert_eq!(second.texts().len(), 2);
    assert_eq!(takes.len(), 4);
    assert!(
        takes
            .windows(2)
            .all(|pair| pair[0].recording.reads.end < pair[1].recording.reads.start)
    );
}

#[tokio::test]
async fn a_sound_that_ends_before_its_times_is_asked_for_once_again() {
    let text = story(8);
    let cut = Speech {
        audio: mp3(10.0).into(),
        ..spoken(&text.0)
    };
    let model = Model::that_takes(10_000).answering([cut.clone()]);
    let (outcome, paid) = read(&model, &Memory::default(), &text).await;
    assert_eq!((outcome.unwrap()[0].times, paid), (Times::Fit, 2));

    let longer = Speech {
        audio: mp3(12.0).into(),
        ..cut.clone()
    };
    let model = Model::that_takes(10_000).answering([cut, longer]);
    let store = Memory::default();
    let (outcome, paid) = read(&model, &store, &text).await;
    let take = &outcome.unwrap()[0];
    assert_eq!(
        (take.times, paid),
        (Times::CutShort, 2),
        "kept without times"
    );
    assert!(take.duration_s > 11.0, "the longer one is kept");
    // And a later attempt buys no third.
    let (_, paid) = read(&model, &store, &text).await;
    assert_eq!(paid, 0);
}

#[tokio::test]
async fn a_cut_sound_is_kept_when_the_model_refuses_to_read_it_again() {
    let text = story(20);
    let model = Model {
        takes: 400,
        ..Model::that_takes(10_000)
    };
    let half = &text.0[..text.0.len() / 2];
    let store = Memory::default();
    store.recordings.lock().unwrap().push(Recording {
        reads: 0..text.0.len(),
        voice_id: "voice".to_owned(),
        audio: spoken(half).audio,
        alignment: spoken(half).alignment,
    });
    let (outcome, paid) = read(&model, &store, &text).await;
    assert_eq!((outcome.unwrap()[0].times, paid), (Times::CutShort, 0));
}

#[tokio::test]
async fn times_that_stop_in_the_middle_of_the_text_tell_of_a_cut_sound() {
    let text = story(8);
    let half = &text.0[..text.0.len() / 2];
    let model = Model::that_takes(10_000).answering([spoken(half)]);
    let (outcome, paid) = read(&model, &Memory::default(), &text).await;
    assert_eq!((outcome.unwrap()[0].times, paid), (Times::Fit, 2));
}

#[tokio::test]
async fn times_that_end_long_before_the_sound_or_are_known_to_drift_cost_no_second_call() {
    let text = story(8);
    let longer = Speech {
        audio: mp3(text.0.len() as f64 * PACE_S * 1.6).into(),
        ..spoken(&text.0)
    };
    let model = Model::that_takes(10_000).answering([longer]);
    let (outcome, paid) = read(&model, &Memory::default(), &text).await;
    assert_eq!(
        (outcome.unwrap()[0].times, paid),
        (Times::DifferentLength, 1)
    );

    let drifting = Speech {
        alignment: Some(times(&text.0, PACE_S * 1.3)),
        ..spoken(&text.0)
    };
    let mut model = Model::that_takes(10_000).answering([drifting]);
    model.facts.times_drift = true;
    let (outcome, paid) = read(&model, &Memory::default(), &text).await;
    assert_eq!(
        (outcome.unwrap()[0].times, paid),
        (Times::DifferentLength, 1)
    );
}

#[tokio::test]
async fn a_sound_without_times_is_kept_and_one_that_cannot_be_played_is_not() {
    let text = story(8);
    for alignment in [None, Some(Alignment::default())] {
        let silent_times = Speech {
            alignment,
            ..spoken(&text.0)
        };
        let model = Model::that_takes(10_000).answering([silent_times]);
        let (outcome, paid) = read(&model, &Memory::default(), &text).await;
        assert_eq!((outcome.unwrap()[0].times, paid), (Times::Missing, 1));
    }
    let broken = Speech {
        audio: b"{}".as_slice().into(),
        alignment: None,
    };
    let model = Model::that_takes(10_000).answering([broken.clone(), broken]);
    let store = Memory::default();
    let (outcome, paid) = read(&model, &store, &text).await;
    assert!(matches!(outcome, Err(StepError::Sound(_))));
    assert_eq!((paid, store.recordings.lock().unwrap().len()), (2, 0));
}

//! A beat that is read alone, and in the parts that several voices have of it.

use super::*;

#[tokio::test]
async fn a_beat_is_read_by_itself_in_the_voice_of_what_stands_before_it() {
    let (text, beat_ends) = story(2);
    let usage = UsageLedger::default();
    let prices = Prices::from_variables(&Variables::from_pairs([])).expect("prices");
    let model = Model::that_takes(1_000);
    let reading = Reading {
        speech: &model,
        store: &Memory::default(),
        usage: &usage,
        prices: &prices,
        voice_id: "voice",
        facts: &model.facts,
        text: &text[..beat_ends[1]],
        part: beat_ends[0] + 2..beat_ends[1],
        pronunciations: &Pronunciations::default(),
        beat_ends: &beat_ends[..2],
        deadline: Instant::now() + Duration::from_secs(60),
    };
    let takes = reading.read().await.expect("a recording");
    assert_eq!(takes[0].recording.reads, beat_ends[0] + 2..beat_ends[1]);
    let calls = model.calls.lock().unwrap();
    let [call] = calls.as_slice() else {
        panic!("{} calls", calls.len());
    };
    assert_eq!(call.text, text[..beat_ends[0]]);
    assert_eq!(call.previous_text.as_deref(), Some(&text[..beat_ends[0]]));
    assert_eq!(
        call.next_text, None,
        "whenever it is read, it is asked for in the same words"
    );
}

#[tokio::test]
async fn of_a_beat_in_several_voices_each_reads_its_part_and_finds_what_is_of_it_alone() {
    let (text, beat_ends) = story(2);
    let usage = UsageLedger::default();
    let prices = Prices::from_variables(&Variables::from_pairs([])).expect("prices");
    let model = Model::that_takes(1_000);
    let store = Memory::default();
    // What was bought while one voice read the whole beat is longer than the part.
    store.recordings.lock().unwrap().push(Recording {
        reads: 0..beat_ends[0],
        voice_id: "voice".to_owned(),
        audio: spoken(&text[..beat_ends[0]]).audio,
        alignment: None,
    });
    let names = Pronunciations::default();
    let reading = |part: Range<usize>| Reading {
        speech: &model,
        store: &store,
        usage: &usage,
        prices: &prices,
        voice_id: "voice",
        facts: &model.facts,
        text: &text[..beat_ends[0]],
        part,
        pronunciations: &names,
        beat_ends: &beat_ends,
        deadline: Instant::now() + Duration::from_secs(60),
    };
    for (part, bought) in [(0..27, 1), (28..beat_ends[0], 2), (0..27, 2)] {
        let takes = reading(part.clone()).read().await.expect("a recording");
        assert_eq!(takes[0].recording.reads, part);
        assert_eq!(model.texts().len(), bought);
    }
    let calls = model.calls.lock().unwrap();
    let sentence = Some(&text[..27]);
    let of_call = |call: &SpeechCall| (call.previous_text.clone(), call.next_text.clone());
    assert_eq!(of_call(&calls[0]), (None, sentence.map(str::to_owned)));
    assert_eq!(of_call(&calls[1]), (sentence.map(str::to_owned), None));
}

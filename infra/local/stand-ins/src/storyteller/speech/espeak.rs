//! Speech by `espeak-ng` or `espeak`, where one of them is installed: sentence by sentence, so
//! that each sentence has its true length, with words placed inside by their letters.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use super::prose::{Prose, Sentence, Word, letter_seconds};
use super::{Delivery, SAMPLE_RATE, Sound};
use crate::storyteller::seeded::Seeded;
use crate::storyteller::story::language_of;

/// Words a minute of a calm reader.
const PACE: f64 = 142.0;
/// Below this a sample counts as silence.
const SILENCE: f32 = 0.012;
/// Silence this long inside a sentence may be the pause at a comma, in seconds.
const PAUSE_MIN: f64 = 0.055;

/// The program's name, looked for once a process.
pub(super) fn program() -> Option<&'static str> {
    static PROGRAM: LazyLock<Option<&'static str>> = LazyLock::new(|| {
        ["espeak-ng", "espeak"].into_iter().find(|name| {
            let spoken = run(name, &["--stdin".into(), "--stdout".into()], "a");
            spoken.is_some_and(|wav| wav.len() > 1000)
        })
    });
    *PROGRAM
}

/// Runs the program on a text and returns what it prints.
fn run(program: &str, arguments: &[String], text: &str) -> Option<Vec<u8>> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // The program reads all of its input before it prints, so this cannot block for ever.
    let written = child
        .stdin
        .take()
        .is_some_and(|mut stdin| stdin.write_all(text.as_bytes()).is_ok());
    let output = child.wait_with_output().ok()?;
    (written && output.status.success()).then_some(output.stdout)
}

/// Speaks the text; None when the program fails.
pub(super) fn speak(program: &str, prose: &Prose, delivery: &Delivery) -> Option<Sound> {
    let variant = Seeded::from_text(&delivery.voice)
        .pick(&["+f3", "+f2", "+f4", "+m3", "+f5"])
        .to_owned();
    let text: String = prose.characters.iter().collect();
    let language = language_of(&text).map_or("en-us", |language| language.code);
    let voice = format!("{language}{variant}");
    let pace = format!("{:.0}", PACE * delivery.speed);
    let arguments: Vec<String> = [
        "-v", &voice, "-s", &pace, "-g", "1", "-z", "--stdin", "--stdout",
    ]
    .map(String::from)
    .to_vec();
    let mut samples: Vec<f32> = Vec::new();
    let mut timed = Vec::new();
    let spoken = speak_sentences(program, &arguments, prose)?;
    for (sentence, spoken) in prose.sentences.iter().zip(spoken) {
        let begins = samples.len() as f64 / f64::from(SAMPLE_RATE);
        place(prose, sentence, &spoken, begins, &mut timed);
        samples.extend(&spoken);
        let pause = sentence.pause() * 0.8 / delivery.speed;
        samples.resize(
            samples.len() + (pause * f64::from(SAMPLE_RATE)) as usize,
            0.0,
        );
    }
    let total = samples.len() as f64 / f64::from(SAMPLE_RATE);
    let (starts, ends) = prose.spread(&timed, total);
    Some(Sound {
        samples,
        starts,
        ends,
    })
}

/// Every sentence by itself, on two threads: most of the time goes into starting the program.
fn speak_sentences(program: &str, arguments: &[String], prose: &Prose) -> Option<Vec<Vec<f32>>> {
    let speak_all = |sentences: &[Sentence]| -> Option<Vec<Vec<f32>>> {
        sentences
            .iter()
            .map(|sentence| {
                let text: String = prose.characters[sentence.start..sentence.end]
                    .iter()
                    .collect();
                Some(trim(&wav_samples(&run(program, arguments, text.trim())?)?))
            })
            .collect()
    };
    let (first, second) = prose.sentences.split_at(prose.sentences.len() / 2);
    std::thread::scope(|scope| {
        let rest = scope.spawn(|| speak_all(second));
        let mut spoken = speak_all(first)?;
        spoken.extend(rest.join().ok()??);
        Some(spoken)
    })
}

/// The samples of a WAV file of mono 16 bit; its lengths are not trusted, for a pipe has none.
fn wav_samples(file: &[u8]) -> Option<Vec<f32>> {
    let rate = u32::from_le_bytes(file.get(24..28)?.try_into().ok()?);
    let data = file.windows(4).position(|window| window == b"data")? + 8;
    let pcm = file
        .get(data..)?
        .chunks_exact(2)
        .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0);
    (rate == SAMPLE_RATE).then(|| pcm.collect())
}

fn trim(samples: &[f32]) -> Vec<f32> {
    let loud = |sample: &f32| sample.abs() > SILENCE;
    let margin = SAMPLE_RATE as usize / 50;
    let first = samples
        .iter()
        .position(loud)
        .unwrap_or(0)
        .saturating_sub(margin);
    let last = samples
        .iter()
        .rposition(loud)
        .map_or(0, |at| (at + margin).min(samples.len()));
    samples
        .get(first..last.max(first))
        .unwrap_or_default()
        .to_vec()
}

/// Times the words of a sentence: its clauses between the pauses that can be heard, the words of
/// a clause in proportion to their letters.
fn place(
    prose: &Prose,
    sentence: &Sentence,
    spoken: &[f32],
    begins: f64,
    timed: &mut Vec<(Word, f64, f64)>,
) {
    let seconds = spoken.len() as f64 / f64::from(SAMPLE_RATE);
    let mut stretches: Vec<(Vec<Word>, f64, f64)> = Vec::new();
    let pauses = longest_pauses(spoken, sentence.clauses.len() - 1);
    if pauses.len() + 1 == sentence.clauses.len() {
        let mut since = 0.0;
        for (index, clause) in sentence.clauses.iter().enumerate() {
            let (until, next) = pauses.get(index).copied().unwrap_or((seconds, seconds));
            stretches.push((clause.clone(), since, until));
            since = next;
        }
    } else {
        stretches.push((sentence.clauses.concat(), 0.0, seconds));
    }
    for (words, since, until) in stretches {
        let weight = |word: &Word| {
            let letters = &prose.characters[word.start..word.end];
            letters
                .iter()
                .map(|c| letter_seconds(*c))
                .sum::<f64>()
                .max(0.05)
        };
        let scale = (until - since) / words.iter().map(weight).sum::<f64>().max(0.01);
        let mut clock = begins + since;
        for word in &words {
            let end = clock + weight(word) * scale;
            timed.push((*word, clock, end));
            clock = end;
        }
    }
}

/// The `count` longest silences, in order, as (start, end) in seconds.
fn longest_pauses(samples: &[f32], count: usize) -> Vec<(f64, f64)> {
    let rate = f64::from(SAMPLE_RATE);
    let mut silences = Vec::new();
    let mut since: Option<usize> = None;
    for (at, sample) in samples.iter().enumerate() {
        match (sample.abs() <= SILENCE, since) {
            (true, None) => since = Some(at),
            (false, Some(start)) => {
                if (at - start) as f64 / rate >= PAUSE_MIN {
                    silences.push((start as f64 / rate, at as f64 / rate));
                }
                since = None;
            }
            _ => {}
        }
    }
    silences.sort_by(|a, b| (b.1 - b.0).total_cmp(&(a.1 - a.0)));
    silences.truncate(count);
    silences.sort_by(|a, b| a.0.total_cmp(&b.0));
    silences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_at_commas_are_found_in_order() {
        let mut samples = Vec::new();
        for (loud, milliseconds) in [
            (true, 300),
            (false, 120),
            (true, 300),
            (false, 200),
            (true, 100),
        ] {
            let count = SAMPLE_RATE as usize * milliseconds / 1000;
            samples.extend(std::iter::repeat_n(if loud { 0.3 } else { 0.0 }, count));
        }
        let pauses = longest_pauses(&samples, 2);
        assert!(
            (pauses[0].0 - 0.3).abs() < 0.01 && (pauses[1].0 - 0.72).abs() < 0.01,
            "{pauses:?}"
        );
    }
}

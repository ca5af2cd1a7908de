//! Speech from text with the time of every character: a speech synthesiser of the machine when
//! there is one, else a soft voice of our own that follows the syllables.

mod encode;
mod espeak;
mod prose;
mod tones;

use std::sync::Once;

use super::seeded::Seeded;
use prose::Prose;

/// Samples a second of everything before encoding; also what espeak speaks at.
const SAMPLE_RATE: u32 = 22_050;

/// The MP3 file that is written: mono, at a constant bit rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mp3 {
    /// Samples a second.
    pub sample_rate: u32,
    pub kilobits: u32,
}

/// How a text is to be spoken.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The voice's id; another id sounds a little different.
    pub voice: String,
    /// 1 is a calm reading pace, about 13 characters a second.
    pub speed: f64,
    pub format: Mp3,
}

/// Spoken text: the encoded audio and, for every code point of the text, when it starts and ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Narration {
    pub audio: Vec<u8>,
    /// Seconds from the start of the audio; never decreasing.
    pub starts: Vec<f64>,
    /// Seconds from the start of the audio; each at or after its start, the last within the audio.
    pub ends: Vec<f64>,
}

/// Raw speech before encoding.
#[derive(Debug, Default)]
struct Sound {
    /// Mono, from -1 to 1, at [`SAMPLE_RATE`].
    samples: Vec<f32>,
    starts: Vec<f64>,
    ends: Vec<f64>,
}

/// Whose voice is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synthesiser {
    /// A speech synthesiser of this machine: the program's name.
    Program(&'static str),
    /// None is installed: syllables are hummed.
    Tones,
}

impl Synthesiser {
    /// What to do for a real voice, in one sentence; nothing when there is one.
    pub fn advice(self) -> Option<&'static str> {
        (self == Synthesiser::Tones).then_some(
            "espeak-ng is not installed, so the narration is hummed: `apt install espeak-ng` or `brew install espeak-ng` gives it words.",
        )
    }
}

/// Whose voice is heard on this machine; looked for once a process, and logged when it is none.
pub fn synthesiser() -> Synthesiser {
    static ANNOUNCED: Once = Once::new();
    let synthesiser = espeak::program().map_or(Synthesiser::Tones, Synthesiser::Program);
    if let Some(advice) = synthesiser.advice() {
        ANNOUNCED.call_once(|| tracing::warn!("{advice}"));
    }
    synthesiser
}

/// Speaks a text.
pub fn narrate(text: &str, delivery: &Delivery) -> Narration {
    let prose = Prose::read(text);
    let sound = match synthesiser() {
        Synthesiser::Program(program) => espeak::speak(program, &prose, delivery),
        Synthesiser::Tones => None,
    };
    let mut sound = sound.unwrap_or_else(|| tones::speak(&prose, delivery));
    // As with the service, no two texts are read equally loud.
    let volume = Seeded::from_text(text).between(0.2, 1.0) as f32;
    for sample in &mut sound.samples {
        *sample *= volume;
    }
    pack(sound, delivery.format)
}

/// Gives a text the times it would have, over the same few seconds of audio again and again: a
/// thousandth of the work of speaking, for load tests.
pub fn hum(text: &str, delivery: &Delivery) -> Narration {
    let (starts, ends) = Prose::read(text).times(delivery.speed);
    let phrase = tones::speak(
        &Prose::read("Hush now, hush."),
        &Delivery {
            voice: "hum".into(),
            ..delivery.clone()
        },
    );
    let seconds = phrase.samples.len() as f64 / f64::from(SAMPLE_RATE);
    let loops = (ends.last().copied().unwrap_or_default() / seconds)
        .ceil()
        .max(1.0) as usize
        + 1;
    // Frames of one encoder follow each other like those of one file.
    let audio = encode::encode(&phrase.samples, SAMPLE_RATE, delivery.format).repeat(loops);
    Narration {
        audio,
        starts,
        ends,
    }
}

fn pack(mut sound: Sound, format: Mp3) -> Narration {
    // The encoder drops nothing, but a decoder may trim its delay: leave a breath at the end.
    sound
        .samples
        .resize(sound.samples.len() + SAMPLE_RATE as usize / 4, 0.0);
    let audio = encode::encode(&sound.samples, SAMPLE_RATE, format);
    Narration {
        audio,
        starts: sound.starts,
        ends: sound.ends,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Default for Delivery {
        fn default() -> Self {
            let format = Mp3 {
                sample_rate: 44_100,
                kilobits: 64,
            };
            Delivery {
                voice: "narrator".into(),
                speed: 1.0,
                format,
            }
        }
    }

    const TEXT: &str = "Ember the dragon was shy. \"Who is there?\" asked Ember, peeking out.\n\nA tiny light 🌟 blinked back.";

    /// Seconds of an MP3 file, counted from its frame headers (MPEG-1 layer III only).
    fn mp3_seconds(audio: &[u8], sample_rate: f64, kilobits: usize) -> f64 {
        let (mut at, mut frames) = (0, 0);
        while at + 4 <= audio.len() {
            assert_eq!(
                (audio[at], audio[at + 1] & 0xE0),
                (0xFF, 0xE0),
                "a frame header at byte {at}"
            );
            let padding = usize::from(audio[at + 2] >> 1 & 1);
            at += 144 * kilobits * 1000 / sample_rate as usize + padding;
            frames += 1;
        }
        f64::from(frames) * 1152.0 / sample_rate
    }

    fn check_times(text: &str, narration: &Narration, seconds: f64) {
        let count = text.chars().count();
        assert_eq!(
            (narration.starts.len(), narration.ends.len()),
            (count, count)
        );
        assert!(
            narration.starts.windows(2).all(|pair| pair[0] <= pair[1]),
            "starts never go back"
        );
        assert!(
            narration
                .starts
                .iter()
                .zip(&narration.ends)
                .all(|(start, end)| start <= end)
        );
        assert!(
            narration
                .ends
                .windows(2)
                .all(|pair| pair[0] <= pair[1] + 1e-9),
            "ends never go back"
        );
        assert!(
            *narration.ends.last().unwrap() <= seconds,
            "{:?} within {seconds}",
            narration.ends.last()
        );
    }

    #[test]
    fn our_own_voice_gives_every_character_a_time_within_the_audio() {
        let delivery = Delivery::default();
        let narration = pack(tones::speak(&Prose::read(TEXT), &delivery), delivery.format);
        let seconds = mp3_seconds(&narration.audio, 44_100.0, 64);
        check_times(TEXT, &narration, seconds);
        let pace = TEXT.chars().count() as f64 / seconds;
        assert!((9.0..16.0).contains(&pace), "{pace} characters a second");
    }

    #[test]
    fn the_best_voice_of_this_machine_keeps_the_same_promises() {
        let narration = narrate(TEXT, &Delivery::default());
        check_times(
            TEXT,
            &narration,
            mp3_seconds(&narration.audio, 44_100.0, 64),
        );
        assert_eq!(narration, narrate(TEXT, &Delivery::default()));
    }

    #[test]
    fn a_hum_is_as_long_as_the_text() {
        let narration = hum(TEXT, &Delivery::default());
        check_times(
            TEXT,
            &narration,
            mp3_seconds(&narration.audio, 44_100.0, 64),
        );
    }

    #[test]
    fn faster_speech_is_shorter() {
        let last_end = |speed: f64| {
            let delivery = Delivery {
                speed,
                ..Delivery::default()
            };
            *tones::speak(&Prose::read(TEXT), &delivery)
                .ends
                .last()
                .unwrap()
        };
        assert!(last_end(1.2) < last_end(0.8));
    }
}

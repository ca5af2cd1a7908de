//! A soft voice of our own, for machines without a synthesiser: it hums every syllable, with a melody
//! for each sentence, and keeps every pause.

use super::prose::{Ending, Prose, Word, is_vowel};
use super::{Delivery, SAMPLE_RATE, Sound};
use crate::storyteller::seeded::Seeded;

pub(super) fn speak(prose: &Prose, delivery: &Delivery) -> Sound {
    let (starts, ends) = prose.times(delivery.speed);
    let seconds = ends.last().copied().unwrap_or_default();
    let mut samples = vec![0.0; (seconds * f64::from(SAMPLE_RATE)) as usize];
    let base = Seeded::from_text(&delivery.voice).between(165.0, 225.0);
    for sentence in &prose.sentences {
        let words: Vec<&Word> = sentence.clauses.iter().flatten().collect();
        let count = words.len().max(2) as f64;
        for (index, word) in words.iter().enumerate() {
            let along = index as f64 / (count - 1.0);
            let rise = match sentence.ending {
                Ending::Question => (along - 0.7).max(0.0) * 1.3,
                Ending::Exclamation => 0.10 * (1.0 - along),
                Ending::Statement => 0.0,
            };
            let hertz = base * (1.16 - 0.26 * along + rise);
            for at in (word.start..word.end).filter(|at| is_vowel(prose.characters[*at])) {
                hum(&mut samples, starts[at] - 0.02, ends[at] + 0.03, hertz);
            }
        }
    }
    Sound {
        samples,
        starts,
        ends,
    }
}

/// Adds a tone with its octave that swells and fades between two moments, in seconds.
fn hum(samples: &mut [f32], since: f64, until: f64, hertz: f64) {
    let rate = f64::from(SAMPLE_RATE);
    let first = (since.max(0.0) * rate) as usize;
    let last = ((until * rate) as usize).min(samples.len());
    let length = last.saturating_sub(first).max(1) as f64;
    for (at, sample) in samples[first.min(last)..last].iter_mut().enumerate() {
        let turn = at as f64 / rate * hertz * std::f64::consts::TAU;
        let swell = (at as f64 / length * std::f64::consts::PI).sin().powi(2);
        *sample += ((turn.sin() * 0.26 + (turn * 2.0).sin() * 0.09) * swell) as f32;
    }
}

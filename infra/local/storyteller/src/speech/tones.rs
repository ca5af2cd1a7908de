//! A soft voice of our own: a glottal pulse through three formants that follow the letters, with
//! a melody for each sentence. It babbles rather than speaks, but keeps every pause and syllable.

use super::prose::{Ending, Prose, Sentence, is_vowel, letter_seconds};
use super::{Delivery, SAMPLE_RATE, Sound};
use crate::seeded::Seeded;

/// What the mouth does during one letter.
#[derive(Debug, Clone, Copy)]
struct Mouth {
    /// Hertz of the three formants (Peterson and Barney, 1952, rounded, women's voices).
    formants: [f32; 3],
    voiced: f32,
    breath: f32,
}

const fn mouth(first: f32, second: f32, third: f32, voiced: f32, breath: f32) -> Mouth {
    Mouth {
        formants: [first, second, third],
        voiced,
        breath,
    }
}

fn mouth_of(letter: char) -> Mouth {
    match letter.to_ascii_lowercase() {
        'a' => mouth(820.0, 1300.0, 2700.0, 1.0, 0.0),
        'e' => mouth(600.0, 2150.0, 2900.0, 1.0, 0.0),
        'i' | 'y' => mouth(360.0, 2600.0, 3200.0, 0.95, 0.0),
        'o' => mouth(570.0, 950.0, 2700.0, 1.0, 0.0),
        'u' => mouth(380.0, 1000.0, 2650.0, 0.95, 0.0),
        'm' | 'n' => mouth(280.0, 1150.0, 2400.0, 0.45, 0.0),
        'l' | 'r' | 'w' => mouth(380.0, 1150.0, 2500.0, 0.6, 0.0),
        'b' | 'd' | 'g' | 'j' => mouth(260.0, 1500.0, 2500.0, 0.25, 0.02),
        'v' | 'z' => mouth(300.0, 1600.0, 2600.0, 0.35, 0.06),
        's' | 'x' | 'c' => mouth(400.0, 1800.0, 2800.0, 0.0, 0.16),
        'f' | 'h' => mouth(500.0, 1500.0, 2500.0, 0.02, 0.09),
        'k' | 'p' | 'q' | 't' => mouth(400.0, 1700.0, 2600.0, 0.0, 0.05),
        _ => mouth(500.0, 1500.0, 2600.0, 0.5, 0.0),
    }
}

/// A two-pole resonator (Klatt, "Software for a cascade/parallel formant synthesizer", 1980).
#[derive(Debug, Clone, Copy, Default)]
struct Resonator {
    gain: f32,
    back: f32,
    further: f32,
    last: f32,
    before: f32,
}

impl Resonator {
    fn tune(&mut self, hertz: f32, bandwidth: f32) {
        let rate = SAMPLE_RATE as f32;
        self.further = -(-2.0 * std::f32::consts::PI * bandwidth / rate).exp();
        self.back = 2.0
            * (-std::f32::consts::PI * bandwidth / rate).exp()
            * (std::f32::consts::TAU * hertz / rate).cos();
        self.gain = 1.0 - self.back - self.further;
    }

    fn pass(&mut self, input: f32) -> f32 {
        let output = self.gain * input + self.back * self.last + self.further * self.before;
        self.before = self.last;
        self.last = output;
        output
    }
}

/// What the voice aims at from some moment on.
struct Aim {
    until: f64,
    mouth: Mouth,
    hertz: f32,
    loudness: f32,
}

pub(super) fn speak(prose: &Prose, delivery: &Delivery) -> Sound {
    let (starts, ends) = prose.times(delivery.speed);
    let mut seeded = Seeded::from_text(&delivery.voice);
    let base = seeded.between(165.0, 225.0) as f32;
    let mut aims = Vec::new();
    for sentence in &prose.sentences {
        aim_at(prose, sentence, &starts, &ends, base, &mut aims);
    }
    let total = ends.last().copied().unwrap_or_default();
    Sound {
        samples: sing(&aims, total),
        starts,
        ends,
    }
}

fn aim_at(
    prose: &Prose,
    sentence: &Sentence,
    starts: &[f64],
    ends: &[f64],
    base: f32,
    aims: &mut Vec<Aim>,
) {
    let words: Vec<_> = sentence
        .clauses
        .iter()
        .flat_map(|clause| &clause.words)
        .collect();
    let count = words.len().max(2) as f32;
    for (index, word) in words.iter().enumerate() {
        let along = index as f32 / (count - 1.0);
        let mut melody = 1.16 - 0.26 * along;
        match sentence.ending {
            Ending::Question if along > 0.7 => melody += (along - 0.7) * 1.3,
            Ending::Exclamation => melody += 0.10 * (1.0 - along),
            _ => {}
        }
        let mut first_vowel = true;
        aims.push(silence_until(starts[word.start]));
        for (letter, until) in prose.characters[word.start..word.end]
            .iter()
            .copied()
            .zip(ends[word.start..word.end].iter().copied())
        {
            if letter_seconds(letter) <= 0.0 {
                continue;
            }
            // The first vowel of a longer word is stressed.
            let stressed = is_vowel(letter) && first_vowel && word.end - word.start > 3;
            first_vowel &= !is_vowel(letter);
            let lift = if stressed { 1.10 } else { 1.0 };
            let loudness = if stressed { 1.0 } else { 0.8 };
            aims.push(Aim {
                until,
                mouth: mouth_of(letter),
                hertz: base * melody * lift,
                loudness,
            });
        }
    }
}

fn silence_until(until: f64) -> Aim {
    Aim {
        until,
        mouth: mouth(500.0, 1500.0, 2600.0, 0.0, 0.0),
        hertz: 0.0,
        loudness: 0.0,
    }
}

fn sing(aims: &[Aim], total: f64) -> Vec<f32> {
    let rate = f64::from(SAMPLE_RATE);
    let mut samples = Vec::with_capacity((total * rate) as usize);
    let mut resonators = [Resonator::default(); 3];
    let mut now = mouth(500.0, 1500.0, 2600.0, 0.0, 0.0);
    let (mut hertz, mut phase, mut soft) = (190.0f32, 0.0f32, 0.0f32);
    let mut seeded = Seeded::from_text("breath");
    let mut noise = 0.0f32;
    let mut index = 0;
    for number in 0..(total * rate) as usize {
        let time = number as f64 / rate;
        while index < aims.len() && aims[index].until <= time {
            index += 1;
        }
        if number % 32 == 0 {
            let silent = silence_until(total);
            let aim = aims.get(index).unwrap_or(&silent);
            glide(&mut now, aim);
            if aim.hertz > 0.0 {
                hertz += (aim.hertz - hertz) * 0.08;
            }
            for (place, resonator) in resonators.iter_mut().enumerate() {
                resonator.tune(now.formants[place], [80.0, 110.0, 170.0][place]);
            }
        }
        // A little vibrato keeps the voice from sounding like a machine.
        let vibrato = 1.0 + 0.008 * (time as f32 * 5.2 * std::f32::consts::TAU).sin();
        phase = (phase + hertz * vibrato / SAMPLE_RATE as f32).fract();
        noise = 0.35 * noise + 0.65 * (seeded.unit() as f32 * 2.0 - 1.0);
        let source = glottal_pulse(phase) * now.voiced + noise * now.breath;
        let voice = resonators[0].pass(source) * 0.9
            + resonators[1].pass(source) * 0.55
            + resonators[2].pass(source) * 0.25
            + noise * now.breath * 0.5;
        soft += (voice - soft) * 0.65;
        samples.push((soft * 0.55).tanh());
    }
    samples
}

fn glide(now: &mut Mouth, aim: &Aim) {
    for (formant, wanted) in now.formants.iter_mut().zip(aim.mouth.formants) {
        *formant += (wanted - *formant) * 0.10;
    }
    now.voiced += (aim.mouth.voiced * aim.loudness - now.voiced) * 0.12;
    now.breath += (aim.mouth.breath * aim.loudness - now.breath) * 0.20;
}

/// Opening and closing of the vocal folds over one period (Rosenberg, 1971, form B).
fn glottal_pulse(phase: f32) -> f32 {
    let open = 0.62;
    if phase >= open {
        return -0.18;
    }
    let part = phase / open;
    6.75 * part * part * (1.0 - part) - 0.18
}

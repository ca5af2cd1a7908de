//! Packing of samples: MP3.

use shine_rs::{Mp3EncoderConfig, StereoMode, encode_pcm_to_mp3};

use super::Mp3;

/// Packs mono samples; they are resampled to the format's rate.
pub(super) fn encode(samples: &[f32], sample_rate: u32, format: Mp3) -> Vec<u8> {
    let pcm = resample(samples, sample_rate, format.sample_rate);
    mp3(&pcm, format.sample_rate, format.kilobits)
}

/// Samples of an MPEG frame: two granules of 576 in version 1, one in version 2.
fn frame_samples(sample_rate: u32) -> usize {
    if sample_rate >= 32_000 { 1152 } else { 576 }
}

/// Encodes in two halves at once, cut where nothing is heard; their frames follow each other like
/// those of one file.
fn mp3(pcm: &[i16], sample_rate: u32, kilobits: u32) -> Vec<u8> {
    let Some(cut) = silent_cut(pcm, frame_samples(sample_rate)) else {
        return mp3_piece(pcm, sample_rate, kilobits);
    };
    let (first, second) = pcm.split_at(cut);
    std::thread::scope(|scope| {
        let rest = scope.spawn(|| mp3_piece(second, sample_rate, kilobits));
        let mut audio = mp3_piece(first, sample_rate, kilobits);
        audio.extend(
            rest.join()
                .unwrap_or_else(|_| mp3_piece(second, sample_rate, kilobits)),
        );
        audio
    })
}

/// A frame boundary in the middle third with silence around it, for speech long enough to be
/// worth two threads.
fn silent_cut(pcm: &[i16], frame: usize) -> Option<usize> {
    const WORTH_IT_FRAMES: usize = 600;
    const SILENT: i16 = 60;
    let frames = pcm.len() / frame;
    if frames < WORTH_IT_FRAMES {
        return None;
    }
    // The encoder looks back less than two frames and ahead less than one.
    let is_silent = |at: usize| {
        pcm[at - 2 * frame..at + frame]
            .iter()
            .all(|sample| sample.abs() < SILENT)
    };
    (frames / 3..2 * frames / 3)
        .map(|index| index * frame)
        .find(|at| is_silent(*at))
}

fn mp3_piece(pcm: &[i16], sample_rate: u32, kilobits: u32) -> Vec<u8> {
    let config = Mp3EncoderConfig::new()
        .sample_rate(sample_rate)
        .bitrate(kilobits)
        .channels(1)
        .stereo_mode(StereoMode::Mono)
        .copyright(false)
        .original(true);
    encode_pcm_to_mp3(config, pcm).unwrap_or_else(|cause| {
        tracing::error!("Speech could not be encoded as MP3: {cause}");
        Vec::new()
    })
}

fn resample(samples: &[f32], from: u32, to: u32) -> Vec<i16> {
    let quantise = |value: f32| (value.clamp(-1.0, 1.0) * 32_000.0) as i16;
    if from == to {
        return samples.iter().map(|value| quantise(*value)).collect();
    }
    let step = f64::from(from) / f64::from(to);
    let count = (samples.len() as f64 / step) as usize;
    (0..count)
        .map(|index| {
            let at = index as f64 * step;
            let (whole, part) = (at as usize, (at - at.floor()) as f32);
            let here = samples[whole.min(samples.len() - 1)];
            let next = samples[(whole + 1).min(samples.len() - 1)];
            quantise(here + (next - here) * part)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampling_keeps_the_duration() {
        let second = vec![0.5; 22_050];
        assert_eq!(resample(&second, 22_050, 44_100).len(), 44_100);
        assert_eq!(resample(&second, 22_050, 8_000).len(), 8_000);
    }

    #[test]
    fn long_speech_is_cut_in_silence_and_keeps_its_length() {
        let pcm: Vec<i16> = (0..44_100 * 20)
            .map(|at| {
                if at % 44_100 < 34_000 {
                    (at % 200) as i16 * 40
                } else {
                    0
                }
            })
            .collect();
        let cut = silent_cut(&pcm, 1152).unwrap();
        assert!(cut.is_multiple_of(1152) && pcm[cut] == 0);
        let (whole, halves) = (mp3_piece(&pcm, 44_100, 64), mp3(&pcm, 44_100, 64));
        assert!(
            whole.len().abs_diff(halves.len()) < 420,
            "{} and {}",
            whole.len(),
            halves.len()
        );
    }

    #[test]
    fn every_offered_mp3_format_can_be_encoded() {
        for (sample_rate, kilobits) in [
            (22_050, 32),
            (24_000, 48),
            (44_100, 32),
            (44_100, 64),
            (44_100, 96),
            (44_100, 128),
        ] {
            let audio = encode(
                &vec![0.1; 22_050],
                22_050,
                Mp3 {
                    sample_rate,
                    kilobits,
                },
            );
            let about = f64::from(kilobits) * 1000.0 / 8.0;
            assert!(
                (audio.len() as f64 - about).abs() < about * 0.2,
                "{sample_rate}/{kilobits}: {}",
                audio.len()
            );
        }
    }
}

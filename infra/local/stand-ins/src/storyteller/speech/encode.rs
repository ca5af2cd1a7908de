//! Packing of samples: MP3.

use shine_rs::{Mp3EncoderConfig, StereoMode, encode_pcm_to_mp3};

use super::Mp3;

/// Packs mono samples; they are resampled to the format's rate.
pub(super) fn encode(samples: &[f32], sample_rate: u32, format: Mp3) -> Vec<u8> {
    let pcm = resample(samples, sample_rate, format.sample_rate);
    let config = Mp3EncoderConfig::new()
        .sample_rate(format.sample_rate)
        .bitrate(format.kilobits)
        .channels(1)
        .stereo_mode(StereoMode::Mono)
        .copyright(false)
        .original(true);
    encode_pcm_to_mp3(config, &pcm).unwrap_or_else(|cause| {
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

//! How much louder or quieter a recording must be for a narration to be heard evenly: it is decoded to be measured, and
//! never encoded again.
//!
//! Integrated loudness and true peak: EBU R 128, ITU-R BS.1770.

use crate::mp3::{self, STEP_DB};
use ebur128::{EbuR128, Mode};
use nanomp3_core::{DecodeError, Decoder, MAX_SAMPLES_PER_FRAME};

/// Speech in one channel as audio books and podcasts have it: what stereo is at −16 LUFS.
pub const AIM_LUFS: f64 = -19.0;
/// What a recording may come to by being made louder, in decibels of full scale: between samples, too.
const PEAK_MAX_DB: f64 = -1.0;

/// Why a recording is left as loud as it is.
#[derive(Debug, thiserror::Error)]
pub enum LoudnessError {
    /// Not one frame could be decoded.
    #[error("measuring a recording: nothing in it can be decoded")]
    NoSound,
    /// Its channels or sampling rate change.
    #[error("measuring a recording: its format changes")]
    FormatChanges,
    /// Silence, or less than the 0.4 seconds that loudness is told from.
    #[error("measuring a recording: it is silent or too short")]
    Silent,
    /// A format that loudness is not defined for.
    #[error("measuring a recording")]
    Measure(#[from] ebur128::Error),
}

/// Frames that are measured at a time: five seconds of sound, a few milliseconds of work.
const FRAMES_AT_ONCE: usize = 200;

/// The loudness of recordings of one voice, one after the other, being measured.
pub struct Metering {
    audio: Vec<u8>,
    /// How much of it was heard.
    heard: usize,
    /// Tens of kilobytes, which no future is to carry along.
    decoder: Box<Decoder>,
    meter: Option<EbuR128>,
}

impl Metering {
    pub fn of(recordings: &[&[u8]]) -> Self {
        Self {
            audio: mp3::joined(recordings),
            heard: 0,
            decoder: Box::new(Decoder::new()),
            meter: None,
        }
    }

    /// Measures the next seconds; false once all is heard. Whoever has something more urgent to do does it in between.
    ///
    /// # Errors
    /// When they cannot be measured: see [`LoudnessError`].
    pub fn go_on(&mut self) -> Result<bool, LoudnessError> {
        let mut samples = [0_f32; MAX_SAMPLES_PER_FRAME];
        for _ in 0..FRAMES_AT_ONCE {
            let rest = self.audio.get(self.heard..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(false);
            }
            let (consumed, decoded) = self.decoder.decode(rest, &mut samples);
            self.heard += consumed;
            let info = match decoded {
                Ok(info) => info,
                Err(DecodeError::NoFrame) => return Ok(false),
                // What refers to frames that are not there is silent; a broken frame is, too.
                Err(_) => continue,
            };
            let channels = usize::from(info.channels.num());
            let meter = match &mut self.meter {
                Some(meter)
                    if meter.rate() != info.sample_rate
                        || meter.channels() as usize != channels =>
                {
                    return Err(LoudnessError::FormatChanges);
                }
                Some(meter) => meter,
                None => self.meter.insert(EbuR128::new(
                    channels as u32,
                    info.sample_rate,
                    Mode::I | Mode::TRUE_PEAK,
                )?),
            };
            meter.add_frames_f32(&samples[..info.samples_produced * channels])?;
        }
        Ok(true)
    }

    /// The steps of [`STEP_DB`] that bring what was heard to [`AIM_LUFS`]: to within 0.75 dB, or as near as the loudest moment
    /// lets it come. The same recordings have the same steps, wherever they are measured.
    ///
    /// # Errors
    /// As [`Metering::go_on`].
    pub fn steps_to_aim(&self) -> Result<i32, LoudnessError> {
        let meter = self.meter.as_ref().ok_or(LoudnessError::NoSound)?;
        let loudness_lufs = meter.loudness_global()?;
        if !loudness_lufs.is_finite() {
            return Err(LoudnessError::Silent);
        }
        let peaks = (0..meter.channels()).map(|channel| meter.true_peak(channel));
        let peak = peaks
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .fold(0.0, f64::max);
        let wished = ((AIM_LUFS - loudness_lufs) / STEP_DB).round();
        // One that is beyond the limit as it came may stay there.
        let room = ((PEAK_MAX_DB - 20.0 * peak.log10()) / STEP_DB)
            .floor()
            .max(0.0);
        Ok(wished.min(room) as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps_to_aim(recordings: &[&[u8]]) -> Result<i32, LoudnessError> {
        let mut metering = Metering::of(recordings);
        while metering.go_on()? {}
        metering.steps_to_aim()
    }

    #[test]
    fn silence_and_what_is_no_sound_are_not_measured() {
        // MPEG 1, mono, 64 kbit/s, every value zero; and one of another sampling rate.
        let mut frame = vec![0; 208];
        frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x50, 0xC4]);
        let silence = frame.repeat(60);
        assert!(matches!(
            steps_to_aim(&[&silence]),
            Err(LoudnessError::Silent)
        ));
        assert!(matches!(
            steps_to_aim(&[b"{}"]),
            Err(LoudnessError::NoSound)
        ));
        assert!(matches!(steps_to_aim(&[]), Err(LoudnessError::NoSound)));
        let mut slower = [0; 104];
        slower[..4].copy_from_slice(&[0xFF, 0xF3, 0x40, 0xC4]);
        let both = [silence, slower.repeat(60)].concat();
        assert!(steps_to_aim(&[&both]).is_err());
    }
}

//! How long an MP3 sounds, several of them as one, and one louder or quieter, by walking their frames. Nothing is decoded.
//!
//! Frame headers: ISO/IEC 11172-3 2.4.1.3, and 13818-3 for the lower sampling rates; the header frame with the totals of a
//! whole file: "Mp3 Info Tag" of LAME, "Xing" and "VBRI" before it; tags: id3.org.

mod gain;

pub use gain::{STEP_DB, with_gain};

use std::ops::Range;

/// There is not one whole frame of MPEG audio layer III.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading an MP3: it has no frame of sound")]
pub struct NoSound;

struct Frame {
    bytes: Range<usize>,
    samples: u32,
    sample_rate: u32,
}

/// Seconds of sound. A last frame that is cut off does not count, and tags do not.
///
/// # Errors
/// When there is no sound.
pub fn duration_s(audio: &[u8]) -> Result<f64, NoSound> {
    let frames = sounding_frames(audio);
    if frames.is_empty() {
        return Err(NoSound);
    }
    let lengths = frames
        .iter()
        .map(|frame| f64::from(frame.samples) / f64::from(frame.sample_rate));
    Ok(lengths.sum())
}

/// One recording after the other as one MP3: their frames alone. Tags and totals of the single files would be sounded as a
/// click, or have a player show the length of the first for the whole.
pub fn joined(recordings: &[&[u8]]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(recordings.iter().map(|one| one.len()).sum());
    for recording in recordings {
        for frame in sounding_frames(recording) {
            whole.extend_from_slice(&recording[frame.bytes]);
        }
    }
    whole
}

/// The whole frames in order, without the one that only holds the totals.
fn sounding_frames(audio: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut at = after_tag(audio);
    let mut is_in_step = false;
    while at < audio.len() {
        match frame_at(audio, at).filter(|frame| is_in_step || is_followed(audio, frame)) {
            Some(frame) => {
                at = frame.bytes.end;
                is_in_step = true;
                let is_totals = frames.is_empty() && holds_totals(&audio[frame.bytes.clone()]);
                if !is_totals {
                    frames.push(frame);
                }
            }
            None => {
                is_in_step = false;
                at += 1;
            }
        }
    }
    frames
}

/// Bytes that look like a header by chance are not followed by another.
fn is_followed(audio: &[u8], frame: &Frame) -> bool {
    let next = frame.bytes.end;
    next == audio.len() || audio[next..].starts_with(b"TAG") || has_header(audio, next)
}

fn has_header(audio: &[u8], at: usize) -> bool {
    header_at(audio, at).is_some()
}

fn frame_at(audio: &[u8], at: usize) -> Option<Frame> {
    let (length, samples, sample_rate) = header_at(audio, at)?;
    let bytes = at..at + length;
    (bytes.end <= audio.len()).then_some(Frame {
        bytes,
        samples,
        sample_rate,
    })
}

/// Kilobits a second of layer III by index; the first row for MPEG 1, the second for MPEG 2 and 2.5. Index 0 would be a
/// rate of its own, which no header tells.
const BITRATES: [[u32; 15]; 2] = [
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const SAMPLE_RATES: [u32; 3] = [44_100, 48_000, 32_000];

/// Length in bytes, samples, and samples a second.
fn header_at(audio: &[u8], at: usize) -> Option<(usize, u32, u32)> {
    let header: [u8; 4] = audio.get(at..at + 4)?.try_into().ok()?;
    let is_layer_3 = header[0] == 0xFF && header[1] & 0xE6 == 0xE2;
    let (version, divisor) = match header[1] >> 3 & 3 {
        3 => (1, 1),
        2 => (2, 2),
        0 => (2, 4),
        _ => return None,
    };
    let sample_rate = SAMPLE_RATES.get(usize::from(header[2] >> 2 & 3))? / divisor;
    let kilobits = *BITRATES[version - 1].get(usize::from(header[2] >> 4))?;
    if !is_layer_3 || kilobits == 0 {
        return None;
    }
    let samples = if version == 1 { 1152 } else { 576 };
    let padding = u32::from(header[2] >> 1 & 1);
    let length = samples / 8 * kilobits * 1000 / sample_rate + padding;
    Some((length as usize, samples, sample_rate))
}

fn holds_totals(frame: &[u8]) -> bool {
    let (is_version_1, is_mono) = (frame[1] >> 3 & 3 == 3, frame[3] >> 6 == 3);
    let side_information = match (is_version_1, is_mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    let stands_at =
        |at: usize, name: &[u8]| frame.get(at..).is_some_and(|rest| rest.starts_with(name));
    stands_at(4 + side_information, b"Xing")
        || stands_at(4 + side_information, b"Info")
        || stands_at(4 + 32, b"VBRI")
}

/// Where an ID3v2 tag at the beginning ends: its length is told in four bytes of seven bits.
fn after_tag(audio: &[u8]) -> usize {
    match audio.get(..10) {
        Some([b'I', b'D', b'3', _, _, flags, length @ ..]) => {
            let length = length
                .iter()
                .fold(0, |length, byte| length << 7 | usize::from(byte & 0x7F));
            let footer = usize::from(flags >> 4 & 1) * 10;
            (10 + length + footer).min(audio.len())
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Silence at 44.1 kHz, mono, 64 kbit/s.
    fn frames(count: usize) -> Vec<u8> {
        let mut frame = vec![0; 208];
        frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x50, 0xC4]);
        frame.repeat(count)
    }

    /// As encoders write it: a tag, a frame with the totals, the sound, a tag of the old kind.
    fn file(count: usize) -> Vec<u8> {
        let mut tag = b"ID3\x04\0\0\0\0\x01\x02".to_vec();
        tag.resize(10 + 130, b'x');
        let mut totals = frames(1);
        totals[4 + 17..][..4].copy_from_slice(b"Info");
        let mut old_tag = b"TAG".to_vec();
        old_tag.resize(128, b' ');
        [tag, totals, frames(count), old_tag].concat()
    }

    fn seconds(count: usize) -> f64 {
        count as f64 * 1152.0 / 44_100.0
    }

    #[test]
    fn ten_seconds_are_383_frames_with_and_without_tags() {
        for audio in [frames(383), file(383)] {
            let counted = duration_s(&audio).expect("sound");
            assert!((counted - seconds(383)).abs() < 1e-9, "{counted}");
        }
        assert!((seconds(383) - 10.0).abs() < 0.01);
    }

    #[test]
    fn a_frame_cut_off_does_not_count_and_noise_between_frames_is_passed_over() {
        let mut audio = frames(3);
        audio.truncate(audio.len() - 1);
        assert_eq!(duration_s(&audio), Ok(seconds(2)));
        let audio = [frames(2), vec![0xFF, 0xFB, 0x50, 0, 1, 2, 3], frames(2)].concat();
        assert_eq!(duration_s(&audio), Ok(seconds(4)));
    }

    #[test]
    fn lower_sampling_rates_have_shorter_frames() {
        // MPEG 2, 22.05 kHz, 32 kbit/s: 104 bytes of 576 samples.
        let mut frame = [0; 104];
        frame[..4].copy_from_slice(&[0xFF, 0xF3, 0x40, 0xC4]);
        assert_eq!(duration_s(&frame.repeat(10)), Ok(5760.0 / 22_050.0));
    }

    #[test]
    fn what_is_no_mp3_has_no_sound() {
        for audio in [
            &b""[..],
            b"ID3\x04\0\0\0\0\0\0",
            b"RIFF\0\0\0\0WAVE",
            b"{}",
            &[0xFF; 50],
        ] {
            assert_eq!(duration_s(audio), Err(NoSound));
        }
    }

    #[test]
    fn joined_recordings_sound_as_long_as_all_of_them_and_hold_nothing_else() {
        let (one, two) = (file(100), file(50));
        let whole = joined(&[&one, &two]);
        assert_eq!(whole, frames(150));
        let counted = duration_s(&whole).expect("sound");
        assert!((counted - seconds(150)).abs() < 1e-9, "{counted}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(
            noise in prop::collection::vec(any::<u8>(), 0..600),
            header in prop::array::uniform4(any::<u8>()),
        ) {
            let audio = [&[0xFF, 0xE0 | header[1]][..], &header[2..], &noise].concat();
            let length = duration_s(&audio).unwrap_or_default();
            prop_assert!(length.is_finite() && length >= 0.0);
            prop_assert!(joined(&[&audio, &noise]).len() <= audio.len() + noise.len());
        }
    }
}

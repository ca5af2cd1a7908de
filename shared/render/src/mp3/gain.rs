//! Louder or quieter without a new encoding: `global_gain` in the side information of each frame is the exponent that all
//! of a granule's values are multiplied with, in steps of 2^(1/4).
//!
//! Layout: ISO/IEC 11172-3 2.4.1.7 for MPEG 1, 13818-3 2.4.1.7 for the lower sampling rates; check sum: 11172-3 2.4.3.1.

use super::{header_at, sounding_frames};
use std::ops::Range;

/// Decibels of one step.
pub const STEP_DB: f64 = 1.505_149_978_319_906;

/// Where `global_gain` stands in a granule of one channel, behind `part2_3_length` and `big_values`.
const GAIN_AT_BIT: usize = 12 + 9;

/// The same recording so many steps of [`STEP_DB`] louder, or quieter where there are fewer than none. Of its bytes only the
/// gains change, and the check sums of frames that have one; a gain does not go beyond what its eight bits hold. A frame
/// whose check sum is wrong is left as it is: who checks it plays nothing of it, whoever does not, noise.
pub fn with_gain(audio: &[u8], steps: i32) -> Vec<u8> {
    let mut changed = audio.to_vec();
    if steps != 0 {
        for frame in sounding_frames(audio) {
            change_frame(&mut changed[frame.bytes], steps);
        }
    }
    changed
}

fn change_frame(frame: &mut [u8], steps: i32) {
    let Some(layout) = Layout::of(frame) else {
        return;
    };
    if layout.has_check_sum && stored_check_sum(frame) != layout.check_sum(frame) {
        return;
    }
    for number in 0..layout.granules {
        let at = layout.first_granule_bit + number * layout.granule_bits + GAIN_AT_BIT;
        let gain = i32::from(byte_at_bit(frame, at)).saturating_add(steps);
        set_byte_at_bit(frame, at, gain.clamp(0, 255) as u8);
    }
    if layout.has_check_sum {
        let sum = layout.check_sum(frame).to_be_bytes();
        frame[4..6].copy_from_slice(&sum);
    }
}

/// Where the side information of a frame stands, and what is in it.
struct Layout {
    has_check_sum: bool,
    /// Bytes of the frame.
    side_information: Range<usize>,
    /// From the beginning of the frame.
    first_granule_bit: usize,
    granule_bits: usize,
    /// Granules times channels.
    granules: usize,
}

impl Layout {
    /// `None` when the frame is too short for it.
    fn of(frame: &[u8]) -> Option<Self> {
        header_at(frame, 0)?;
        let (is_version_1, is_mono) = (frame[1] >> 3 & 3 == 3, frame[3] >> 6 == 3);
        let has_check_sum = frame[1] & 1 == 0;
        // `main_data_begin`, private bits, and in MPEG 1 what the second granule shares with the first.
        let (before_granules, granule_bits, granules) = match (is_version_1, is_mono) {
            (true, true) => (9 + 5 + 4, 59, 2),
            (true, false) => (9 + 3 + 8, 59, 4),
            (false, true) => (8 + 1, 63, 1),
            (false, false) => (8 + 2, 63, 2),
        };
        let from = if has_check_sum { 6 } else { 4 };
        let side_information = from..from + (before_granules + granules * granule_bits) / 8;
        (side_information.end <= frame.len()).then_some(Self {
            has_check_sum,
            side_information,
            first_granule_bit: from * 8 + before_granules,
            granule_bits,
            granules,
        })
    }

    /// Of the last two bytes of the header and the side information.
    fn check_sum(&self, frame: &[u8]) -> u16 {
        let checked = frame[2..4]
            .iter()
            .chain(&frame[self.side_information.clone()]);
        checked.fold(0xFFFF, |sum, byte| {
            (0..8).fold(sum ^ u16::from(*byte) << 8, |sum, _| {
                if sum & 0x8000 == 0 {
                    sum << 1
                } else {
                    sum << 1 ^ 0x8005
                }
            })
        })
    }
}

fn stored_check_sum(frame: &[u8]) -> u16 {
    u16::from_be_bytes([frame[4], frame[5]])
}

/// Eight bits that need not begin with a byte. None that is read here ends with its frame.
fn byte_at_bit(bytes: &[u8], at: usize) -> u8 {
    let pair = u16::from_be_bytes([bytes[at / 8], bytes[at / 8 + 1]]);
    (pair >> (8 - at % 8)) as u8
}

fn set_byte_at_bit(bytes: &mut [u8], at: usize, value: u8) {
    let shift = 8 - at % 8;
    let pair = u16::from_be_bytes([bytes[at / 8], bytes[at / 8 + 1]]);
    let pair = pair & !(0xFF << shift) | u16::from(value) << shift;
    bytes[at / 8..at / 8 + 2].copy_from_slice(&pair.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The headers of frames of each layout: MPEG 1 mono and stereo, MPEG 2 mono and stereo, each without check sum.
    const HEADERS: [[u8; 4]; 4] = [
        [0xFF, 0xFB, 0x50, 0xC4],
        [0xFF, 0xFB, 0x50, 0x04],
        [0xFF, 0xF3, 0x40, 0xC4],
        [0xFF, 0xF3, 0x40, 0x04],
    ];

    /// Bits of the gains from the beginning of the frame, counted by hand from the standard's tables.
    const GAINS: [&[usize]; 4] = [
        &[32 + 39, 32 + 98],
        &[32 + 41, 32 + 100, 32 + 159, 32 + 218],
        &[32 + 30],
        &[32 + 31, 32 + 94],
    ];

    fn frame(layout: usize, filling: &[u8], is_checked: bool) -> Vec<u8> {
        let mut header = HEADERS[layout];
        header[1] &= !u8::from(is_checked);
        let (length, ..) = header_at(&header, 0).expect("a header");
        let mut frame = [&header[..], filling].concat();
        frame.resize(length, 0);
        if is_checked {
            let sum = Layout::of(&frame).expect("a layout").check_sum(&frame);
            frame[4..6].copy_from_slice(&sum.to_be_bytes());
        }
        frame
    }

    #[test]
    fn the_check_sum_is_that_of_the_standard() {
        // CRC-16/CMS of "123456789", whose parameters are those of MPEG audio.
        let layout = Layout {
            has_check_sum: true,
            side_information: 4..11,
            first_granule_bit: 0,
            granule_bits: 0,
            granules: 0,
        };
        assert_eq!(layout.check_sum(b"..123456789"), 0xAEE7);
    }

    #[test]
    fn a_frame_whose_check_sum_is_wrong_is_left_as_it_is() {
        let mut audio = frame(0, &[7; 100], true);
        audio[4] ^= 1;
        assert_eq!(with_gain(&audio, 3), audio);
    }

    #[test]
    fn tags_totals_and_noise_are_left_as_they_are() {
        let mut totals = frame(0, &[], false);
        totals[4 + 17..][..4].copy_from_slice(b"Info");
        let noise = [1, 2, 3];
        let sound = frame(0, &[9; 60], false).repeat(2);
        let audio = [
            b"ID3\x04\0\0\0\0\0\x02xx",
            &totals[..],
            &sound,
            &noise,
            &sound,
            b"TAG",
        ]
        .concat();
        let changed = with_gain(&audio, 5);
        let louder = with_gain(&sound, 5);
        assert_ne!(louder, sound);
        let expected = [
            b"ID3\x04\0\0\0\0\0\x02xx",
            &totals[..],
            &louder,
            &noise,
            &louder,
            b"TAG",
        ];
        assert_eq!(changed, expected.concat());
        assert_eq!(with_gain(b"{}", 5), b"{}");
    }

    proptest! {
        #[test]
        fn only_the_eight_bits_of_each_gain_differ_and_they_by_the_steps(
            layout in 0..4_usize,
            filling in prop::collection::vec(any::<u8>(), 0..90),
            is_checked in any::<bool>(),
            steps in -300..300,
            count in 2..4_usize,
        ) {
            let before = frame(layout, &filling, is_checked);
            let audio = with_gain(&before.repeat(count), steps);
            prop_assert_eq!(audio.len(), before.len() * count);
            let after = &audio[..before.len()];
            prop_assert_eq!(&after.repeat(count), &audio);
            let behind_check_sum = if is_checked { 16 } else { 0 };
            let mut expected = before.clone();
            for at in GAINS[layout] {
                let bit_of = |bytes: &[u8], at: usize| i32::from(bytes[at / 8] >> (7 - at % 8) & 1);
                let value = |bytes: &[u8]| (0..8).fold(0, |value, bit| value << 1 | bit_of(bytes, at + behind_check_sum + bit));
                prop_assert_eq!(value(after), (value(&before) + steps).clamp(0, 255));
                for bit in (at + behind_check_sum)..(at + behind_check_sum + 8) {
                    expected[bit / 8] = expected[bit / 8] & !(0x80 >> (bit % 8)) | after[bit / 8] & (0x80 >> (bit % 8));
                }
            }
            if is_checked {
                let sum = Layout::of(after).expect("a layout").check_sum(after);
                prop_assert_eq!(stored_check_sum(after), sum);
                expected[4..6].copy_from_slice(&after[4..6]);
            }
            prop_assert_eq!(&expected, after);
        }

        #[test]
        fn no_bytes_make_it_stumble_or_change_length(
            noise in prop::collection::vec(any::<u8>(), 0..600),
            header in prop::array::uniform4(any::<u8>()),
            steps in any::<i32>(),
        ) {
            let audio = [&[0xFF, 0xE0 | header[1]][..], &header[2..], &noise].concat();
            prop_assert_eq!(with_gain(&audio, steps).len(), audio.len());
        }
    }
}

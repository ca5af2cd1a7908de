//! Where a text is cut that is too long for one call of the speech model.

use domain::words::{last_sentence_end, last_word_end};

/// Where the part that begins at byte `from` ends: with the text if all of it fits into `characters_max`, else with its
/// beat, else with its last sentence that fits, else with its last word. `beat_ends` are bytes of the text, and may lie
/// beyond it.
///
/// White space that follows belongs to no part. At least one character is taken, so that cutting comes to an end.
pub(super) fn end_of_part(
    text: &str,
    beat_ends: &[usize],
    from: usize,
    characters_max: usize,
) -> usize {
    let rest = &text[from..];
    if from == 0 && fits(rest, characters_max) {
        return text.len();
    }
    let beat_end = beat_ends.iter().copied().find(|end| *end > from);
    let beat = &text[from..beat_end.unwrap_or(text.len()).min(text.len())];
    if fits(beat, characters_max) {
        return from + beat.trim_end().len();
    }
    let longest = beat
        .char_indices()
        .nth(characters_max.max(1))
        .map_or(beat.len(), |(index, _)| index);
    let cut = last_sentence_end(beat, longest).or_else(|| last_word_end(beat, longest));
    from + cut.unwrap_or(longest)
}

/// Where the next part begins: behind the white space.
pub(super) fn start_of_next(text: &str, to: usize) -> usize {
    text.len() - text[to..].trim_start().len()
}

fn fits(text: &str, characters_max: usize) -> bool {
    text.trim_end().chars().count() <= characters_max
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(beats: &[&'a str], text: &'a str, characters_max: usize) -> Vec<&'a str> {
        let mut ends = Vec::new();
        let mut at = 0;
        for beat in beats {
            at += text[at..].find(beat).expect("a beat of the text") + beat.len();
            ends.push(at);
        }
        let mut parts = Vec::new();
        let mut from = 0;
        while from < text.len() {
            let to = end_of_part(text, &ends, from, characters_max);
            assert!(to > from);
            parts.push(&text[from..to]);
            from = start_of_next(text, to);
        }
        parts
    }

    #[test]
    fn a_text_that_fits_is_one_part_and_a_longer_one_is_cut_at_its_beats() {
        let beats = ["One fox ran.", "It slept.", "It woke.", "Home!"];
        let text = beats.join("\n\n");
        assert_eq!(parts(&beats, &text, 100), [text.as_str()]);
        assert_eq!(parts(&beats, &text, text.len() - 1), beats);
    }

    #[test]
    fn a_beat_that_is_too_long_is_cut_at_sentences_and_a_sentence_at_words() {
        let beats = ["One fox ran. It was late, and it was cold. Then", "Home!"];
        let text = beats.join("\n\n");
        assert_eq!(
            parts(&beats, &text, 31),
            [
                "One fox ran.",
                "It was late, and it was cold.",
                "Then",
                "Home!"
            ]
        );
        assert_eq!(
            parts(&beats, &text, 12)[..3],
            ["One fox ran.", "It was late,", "and it was"]
        );
    }

    #[test]
    fn scripts_without_spaces_are_cut_at_their_sentences_and_nothing_is_ever_lost() {
        let beats = [
            "小さな竜は森を歩きました。遠くの灯りを見つめました。",
            "おわり。",
        ];
        let text = beats.join("\n\n");
        assert_eq!(
            parts(&beats, &text, 14),
            [
                "小さな竜は森を歩きました。",
                "遠くの灯りを見つめました。",
                "おわり。"
            ]
        );
        for characters_max in 1..20 {
            let whole: String = parts(&beats, &text, characters_max).concat();
            assert_eq!(whole, beats.concat());
        }
    }
}

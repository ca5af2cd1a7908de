//! Lines as they are broken and set.

use proptest::prelude::*;

use super::*;

fn set(text: &str, measure_em: f32, rag: Rag) -> Vec<Line> {
    lines(
        &mut Typesetter::default(),
        Role::Story,
        text,
        measure_em,
        rag,
    )
}

fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[test]
fn a_title_is_broken_in_lines_of_like_width() {
    let lines = set(
        "Ember and the Very Dark and Friendly Cave",
        14.0,
        Rag::Balanced,
    );
    assert_eq!(lines.len(), 2);
    assert!(
        (lines[0].width_em - lines[1].width_em).abs() < 4.0,
        "{:?}",
        texts(&lines)
    );
}

#[test]
fn no_word_is_left_alone_on_the_last_line() {
    let text = "The little fox looked up at the moon and wondered who had hung it there tonight";
    for measure in 16..40 {
        let lines = set(text, measure as f32, Rag::Paragraph);
        let last = lines.last().expect("there is text");
        assert!(
            last.text.trim().contains(' '),
            "{measure}: {:?}",
            texts(&lines)
        );
    }
}

#[test]
fn hyphens_may_end_a_line_but_minus_and_nonbreaking_spaces_may_not() {
    let broken = |text, measure_em| set(text, measure_em, Rag::Paragraph);
    let round = broken("merry-go-round", 3.4);
    assert_eq!(texts(&round).len(), 3);
    assert!(round.iter().all(|line| !line.is_cut), "{:?}", texts(&round));
    assert_eq!(texts(&broken("is -5", 1.9)), ["is ", "-5"]);
    assert_eq!(
        texts(&set("a\u{A0}b c", 1.7, Rag::Paragraph))[0],
        "a\u{A0}b "
    );
}

#[test]
fn a_word_wider_than_the_line_is_cut() {
    let lines = set("Donaudampfschifffahrtsgesellschaft", 4.0, Rag::Paragraph);
    assert!(lines.len() > 3);
    let (last, cut) = lines.split_last().expect("there is text");
    assert!(
        cut.iter()
            .all(|line| line.is_cut && line.text.ends_with(CUT))
    );
    assert!(!last.is_cut);
    assert_eq!(
        texts(&lines).concat().replace(CUT, ""),
        "Donaudampfschifffahrtsgesellschaft"
    );
}

#[test]
fn a_text_without_spaces_has_lines_and_none_begins_with_a_full_stop() {
    let text = "小さな竜は、夜の森を歩きました。".repeat(6);
    // The fonts know no width of these letters, so every line could hold them all; the pieces tell.
    let pieces = pieces(
        &mut Typesetter::default(),
        TypefaceId::AndikaRegular,
        &text,
        9.0,
    );
    assert!(pieces.len() > 60, "{}", pieces.len());
    assert!(
        pieces
            .iter()
            .all(|piece| !piece.word.text.starts_with(['。', '、']))
    );
    assert!(pieces.iter().skip(1).all(|piece| !piece.spaced));
    assert!(!takes_hyphen("竜", "の") && takes_hyphen("a", "b"));
}

proptest! {
    #[test]
    fn lines_keep_every_word_and_stay_in_the_measure(
        text in "([a-zé]{1,12}[ ,.-]{1,2}|🦊 |日本 |[\\PC ]{0,6}){0,30}", measure in 3_u32..40
    ) {
        let measure_em = measure as f32;
        let text = crate::book::typesetter::printable(&text);
        for rag in [Rag::Paragraph, Rag::Balanced] {
            let lines = set(&text, measure_em, rag);
            let kept: String = texts(&lines).concat();
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '\u{AD}').collect::<String>();
            prop_assert_eq!(bare(&kept), bare(&text));
            for line in &lines {
                let n_signs = line.glyphs.len();
                prop_assert!(line.width_em <= measure_em + 1e-3 || n_signs < 4);
                for glyph in &line.glyphs {
                    prop_assert!(line.text.get(glyph.text_range.clone()).is_some());
                }
            }
        }
    }
}

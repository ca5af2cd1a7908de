//! Text that people type into forms: one way of ending lines, nothing invisible instead of words, a bound on its length.

use crate::request::InvalidField;
use std::borrow::Cow;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Prose of 1 to `chars_max` characters, in lines that end in `\n` however the form ended them; a tab is a space.
///
/// Blank and invisible characters around it are cut off, and the length is counted after that.
///
/// # Errors
/// Nothing visible is left, it is too long, or it holds control characters.
pub fn parse_text(
    field: impl Into<Cow<'static, str>>,
    text: &str,
    chars_max: usize,
) -> Result<String, InvalidField> {
    let text = with_plain_line_ends(text);
    check_length(field.into(), trim_invisible(&text), chars_max)
}

/// As [`parse_text`], for what is set in one line: a line break becomes a space, and characters that turn the direction
/// of what follows (U+202A to U+202E, U+2066 to U+2069) are left out, because they would turn the sentence around it too.
///
/// # Errors
/// As [`parse_text`].
pub fn parse_line(
    field: impl Into<Cow<'static, str>>,
    text: &str,
    chars_max: usize,
) -> Result<String, InvalidField> {
    let text: String = with_plain_line_ends(text)
        .chars()
        .filter(|c| !is_turning(*c))
        .collect();
    let lines: Vec<_> = text
        .split('\n')
        .map(trim_invisible)
        .filter(|line| !line.is_empty())
        .collect();
    check_length(field.into(), &lines.join(" "), chars_max)
}

/// CR, CR LF, NEL and the two separators of Unicode end a line like LF; a byte order mark is no part of a text.
fn with_plain_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .filter(|c| *c != '\u{feff}')
        .map(|c| match c {
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
            '\t' => ' ',
            other => other,
        })
        .collect()
}

const fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Without blanks, and without characters of no width that only separate words or lines, at both ends.
fn trim_invisible(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}')
    })
}

/// A reader sees it: no blank, no mark without its letter, and none of the letters that Unicode draws as nothing.
fn is_visible(c: char) -> bool {
    let draws_nothing = matches!(
        c,
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
    );
    !draws_nothing
        && !c.is_whitespace()
        && match c.general_category_group() {
            GeneralCategoryGroup::Letter
            | GeneralCategoryGroup::Number
            | GeneralCategoryGroup::Punctuation
            | GeneralCategoryGroup::Symbol => true,
            GeneralCategoryGroup::Mark | GeneralCategoryGroup::Separator => false,
            // Letters newer than our tables count as letters; control and format characters do not.
            GeneralCategoryGroup::Other => {
                !c.is_control()
                    && c.general_category() != unicode_properties::GeneralCategory::Format
            }
        }
}

fn check_length(
    field: Cow<'static, str>,
    text: &str,
    chars_max: usize,
) -> Result<String, InvalidField> {
    if text.is_empty() {
        return Err(InvalidField::new(field, "must not be empty"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(InvalidField::new(
            field,
            "must not contain control characters",
        ));
    }
    if !text.chars().any(is_visible) {
        return Err(InvalidField::new(
            field,
            "must hold something that can be seen",
        ));
    }
    if text.chars().count() > chars_max {
        return Err(InvalidField::new(
            field,
            format!("must be at most {chars_max} characters long"),
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(typed: &str) -> Result<String, InvalidField> {
        parse_text("idea", typed, 500)
    }

    fn line(typed: &str) -> Result<String, InvalidField> {
        parse_line("name", typed, 80)
    }

    #[test]
    fn a_text_typed_on_any_system_has_the_same_line_ends() {
        assert_eq!(
            text("A dragon.\r\nHe likes soup.\tA lot.").unwrap(),
            "A dragon.\nHe likes soup. A lot."
        );
        for end in ["\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert_eq!(text(&format!("one{end}two{end}")).unwrap(), "one\ntwo");
            assert_eq!(line(&format!("one{end}two{end}")).unwrap(), "one two");
        }
        assert_eq!(line("Ada \r\n\r\n Lovelace").unwrap(), "Ada Lovelace");
    }

    #[test]
    fn the_length_is_counted_as_it_is_stored() {
        let windows = vec!["a"; 250].join("\r\n");
        assert_eq!(text(&windows).unwrap().chars().count(), 499);
        assert!(text(&format!("\u{feff}  {}  ", "a".repeat(500))).is_ok());
        assert!(text(&"a".repeat(501)).is_err());
    }

    #[test]
    fn what_nobody_can_see_is_no_text() {
        for nothing in [
            "",
            " ",
            "\r\n\t",
            "\u{feff}",
            "\u{200b}\u{200b}",
            "\u{a0}\u{3000}",
            "\u{2060}\u{ad}",
            "\u{200d}",
            "\u{200e}\u{200f}",
            "\u{202e}",
            "\u{2066}\u{2069}",
            "\u{301}\u{308}",
            "\u{fe0f}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{2800}",
            "\u{e0020}\u{e007f}",
        ] {
            assert!(line(nothing).is_err(), "{nothing:?}");
            assert!(text(nothing).is_err(), "{nothing:?}");
        }
    }

    #[test]
    fn names_of_the_world_stay_as_they_are() {
        for name in [
            "Zoë",
            "Zoe\u{308}",
            "فاطمة الزهراء",
            "נועה",
            "小明",
            "지민",
            "प्रिया श्री",
            "สมชาย",
            "می\u{200c}خواهم",
            "👩\u{200d}🚀",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "O’Neill",
            "7",
            "!?",
        ] {
            assert_eq!(line(name).unwrap(), name);
        }
    }

    #[test]
    fn a_name_turns_no_sentence_around_and_other_control_characters_are_refused() {
        assert_eq!(line("Em\u{202e}ber\u{2066}").unwrap(), "Ember");
        for refused in ["a\0b", "a\u{7}b", "a\u{1b}[31m", "a\u{9f}b", "a\u{b}b"] {
            assert!(line(refused).is_err(), "{refused:?}");
            assert!(text(refused).is_err(), "{refused:?}");
        }
    }

    /// Any characters, with those that forms and copied text bring along much more often than chance would.
    fn typed() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            '\r', '\n', '\t', ' ', '\0', '\u{85}', '\u{a0}', '\u{2028}', '\u{200b}', '\u{feff}',
            '\u{202e}', '\u{2067}', '\u{301}', '\u{3164}', 'a', 'é', '暗',
        ]);
        prop::collection::vec(prop_oneof![odd, any::<char>()], 0..80)
            .prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn accepted_text_is_trimmed_bounded_visible_and_free_of_control_characters(typed in typed()) {
            if let Ok(kept) = parse_text("idea", &typed, 60) {
                prop_assert!((1..=60).contains(&kept.chars().count()));
                prop_assert_eq!(kept.trim(), kept.as_str());
                prop_assert!(kept.chars().any(is_visible));
                prop_assert!(!kept.chars().any(|c| c.is_control() && c != '\n'));
                prop_assert_eq!(parse_text("idea", &kept, 60).unwrap(), kept);
            }
        }

        #[test]
        fn an_accepted_line_is_one_line_that_turns_nothing(typed in typed()) {
            if let Ok(kept) = parse_line("name", &typed, 60) {
                prop_assert!((1..=60).contains(&kept.chars().count()));
                prop_assert!(kept.chars().any(is_visible));
                prop_assert!(!kept.chars().any(|c| c.is_control() || is_turning(c)));
                prop_assert_eq!(parse_line("name", &kept, 60).unwrap(), kept);
            }
        }

        #[test]
        fn how_a_system_ends_its_lines_makes_no_difference(lines in prop::collection::vec("[a-z ]{0,9}", 1..6)) {
            let unix = parse_text("idea", &lines.join("\n"), 60).ok();
            prop_assert_eq!(&parse_text("idea", &lines.join("\r\n"), 60).ok(), &unix);
            prop_assert_eq!(&parse_text("idea", &lines.join("\r"), 60).ok(), &unix);
        }
    }
}

//! Single characters: what was escaped wrongly is repaired, what no reader should meet is left out.

/// Escapes of JSON that stand in the text itself, because a model escaped it twice: `\n`, `\"`, `\u00e9`.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (meant, length) = match escape.as_bytes().first() {
            Some(b'n') => (Some('\n'), 1),
            Some(b'"') => (Some('"'), 1),
            Some(b'u') => (escape.get(1..5).and_then(code_point), 5),
            _ => (None, 0),
        };
        rest = match meant {
            Some(meant) => {
                plain.push(meant);
                &escape[length..]
            }
            None => {
                plain.push('\\');
                escape
            }
        };
    }
    plain + rest
}

fn code_point(digits: &str) -> Option<char> {
    let all_digits = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    char::from_u32(
        u32::from_str_radix(digits, 16)
            .ok()
            .filter(|_| all_digits)?,
    )
}

/// The text without control characters and without what is no text at all.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\r' => {
                signs.next_if_eq(&'\n');
                plain.push('\n');
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => plain.push('\n'),
            '\t' => plain.push(' '),
            sign if sign.is_control() => {
                let mut ahead = signs.clone();
                let digits = (ahead.next(), ahead.next());
                if let Some(letter) = meant_letter(plain.chars().last(), sign, digits) {
                    plain.push(letter);
                    signs = ahead;
                } else {
                    plain.extend(meant_punctuation(sign));
                }
            }
            sign if is_no_text(sign) => {}
            sign => plain.push(sign),
        }
    }
    plain
}

/// `é` is U+00E9; some models write it as U+0000 and the digits `e9`, or `ł`, U+0142, as U+0001 and `42`. Digits that
/// may as well begin a word are taken for such an accident only within one.
fn meant_letter(
    before: Option<char>,
    control: char,
    digits: (Option<char>, Option<char>),
) -> Option<char> {
    let (high, low) = (digits.0?, digits.1?);
    let code = u32::from(control) << 8 | high.to_digit(16)? << 4 | low.to_digit(16)?;
    let within_word = before.is_some_and(char::is_alphabetic);
    let is_clear = within_word || high.is_ascii_digit() || low.is_ascii_digit();
    let is_letter_of_a_text = matches!(code, 0xC0..=0x17F | 0x386..=0x3CE | 0x400..=0x45F | 0x490..=0x491 | 0x1E00..=0x1EF9);
    char::from_u32(code).filter(|letter| is_clear && is_letter_of_a_text && letter.is_alphabetic())
}

/// Dashes and quotation marks, U+2013 to U+201D, that lost their first two digits.
fn meant_punctuation(control: char) -> Option<char> {
    match control {
        '\u{13}' => Some('–'),
        '\u{14}' => Some('—'),
        '\u{18}' => Some('‘'),
        '\u{19}' => Some('’'),
        '\u{1c}' => Some('“'),
        '\u{1d}' => Some('”'),
        _ => None,
    }
}

/// Byte order marks, code points that are no characters, the sign for a lost one, private ones without a meaning, and
/// what turns the direction of all that follows.
fn is_no_text(sign: char) -> bool {
    let code = u32::from(sign);
    code & 0xFFFE == 0xFFFE
        || matches!(code, 0xFDD0..=0xFDEF | 0xFEFF | 0xFFF9..=0xFFFD | 0xE000..=0xF8FF | 0xF0000.. | 0x202A..=0x202E | 0x2066..=0x2069)
}

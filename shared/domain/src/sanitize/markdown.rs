//! Markdown, which nobody speaks or prints: emphasis, code, headings, bullets and links become their words. Signs that
//! stand for themselves stay: `5 * 3`, `snake_case`, `#1`, blanks to fill in.

use crate::words::is_written_without_spaces;

/// Farthest end of an emphasis, in characters from its beginning.
const REACH: usize = 400;

pub(super) fn strip(text: &str) -> String {
    let lines = text
        .split('\n')
        .filter(|line| !is_fence_or_rule(line.trim()))
        .map(|line| words_of_line(without_mark(line)));
    lines.collect::<Vec<_>>().join("\n")
}

/// A fence around code, or a line of nothing but asterisks, between parts.
fn is_fence_or_rule(line: &str) -> bool {
    let fence = line
        .strip_prefix("```")
        .is_some_and(|language| language.chars().all(|c| c.is_ascii_alphanumeric()));
    let stars = line.chars().filter(|c| *c == '*').count();
    fence || (stars >= 3 && line.chars().all(|c| c == '*' || c == ' '))
}

/// The line without the mark of a heading or of a bullet.
fn without_mark(line: &str) -> &str {
    let text = line.trim_start();
    let heading = text.trim_start_matches('#');
    let level = text.len() - heading.len();
    let rest = if (1..=6).contains(&level) {
        Some(heading)
    } else {
        text.strip_prefix(['*', '•'])
            .filter(|rest| !rest.is_empty())
    };
    match rest.and_then(|rest| rest.strip_prefix(' ')) {
        Some(rest) => rest.trim_start(),
        None => line,
    }
}

fn words_of_line(line: &str) -> String {
    let signs: Vec<char> = line.chars().collect();
    let mut words = String::with_capacity(line.len());
    let mut at = 0;
    while at < signs.len() {
        if let Some((content, end)) = emphasis(&signs, at).or_else(|| link(&signs, at)) {
            words.extend(content);
            at = end;
        } else {
            // A run that marks nothing is passed as a whole, so that no part of it is taken for a mark.
            let run = run_length(&signs, at);
            words.extend(&signs[at..at + run]);
            at += run;
        }
    }
    words
}

/// How many signs of one kind of mark stand here; 1 for any other sign.
fn run_length(signs: &[char], at: usize) -> usize {
    let mark = signs[at];
    if !matches!(mark, '*' | '_' | '~' | '`') {
        return 1;
    }
    signs[at..].iter().take_while(|sign| **sign == mark).count()
}

/// What stands between the mark that begins at `at` and the one that answers it, and where to go on.
fn emphasis(signs: &[char], at: usize) -> Option<(&[char], usize)> {
    let mark = signs[at];
    let length = run_length(signs, at);
    let is_mark = match mark {
        '*' | '_' => length <= 3,
        '~' => length == 2,
        '`' => length <= 2,
        _ => false,
    };
    let start = at + length;
    if !is_mark || !may_stand_outside(at.checked_sub(1).map(|before| signs[before]), mark, length) {
        return None;
    }
    signs.get(start).filter(|first| !first.is_whitespace())?;
    let mut end = start;
    while end < signs.len().min(start + REACH) {
        let run = run_length(signs, end);
        let answers = signs[end] == mark
            && run == length
            && !signs[end - 1].is_whitespace()
            && may_stand_outside(signs.get(end + run).copied(), mark, length);
        if answers {
            let content = &signs[start..end];
            let says_something = content.iter().any(|sign| sign.is_alphabetic());
            return says_something.then_some((content, end + run));
        }
        end += run;
    }
    None
}

/// Whether a sign may stand beside the outer side of a mark: not a letter or digit, unless its script knows no spaces.
/// Two asterisks are marks within words too.
fn may_stand_outside(sign: Option<char>, mark: char, length: usize) -> bool {
    let Some(sign) = sign else { return true };
    let within_word = mark == '*' && length >= 2 && sign.is_alphabetic();
    within_word || !sign.is_alphanumeric() || is_written_without_spaces(sign)
}

/// The text of `[text](https://…)`, and where to go on.
fn link(signs: &[char], at: usize) -> Option<(&[char], usize)> {
    if signs[at] != '[' {
        return None;
    }
    let reach = &signs[..signs.len().min(at + REACH)];
    let close = at + reach[at..].iter().position(|sign| *sign == ']')?;
    let address: &[char] = &signs[close + 1..];
    if !(address.starts_with(&['(', 'h', 't', 't', 'p'])) {
        return None;
    }
    let end = address.iter().position(|sign| *sign == ')')?;
    Some((&signs[at + 1..close], close + 1 + end + 1))
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn marks_become_their_words() {
        for (written, words) in [
            ("*whispered*", "whispered"),
            (
                "“*Hush*,” she said, **very** softly.",
                "“Hush,” she said, very softly.",
            ),
            ("_x_ and __y__ and ***z***", "x and y and z"),
            ("A ~~bad~~ `good` day", "A bad good day"),
            ("# The Lamp\n## Two\n* a bullet", "The Lamp\nTwo\na bullet"),
            ("```\nHello\n```", "Hello"),
            ("One.\n* * *\nTwo.", "One.\nTwo."),
            ("竜は*ささやいた*。**小さな**竜", "竜はささやいた。小さな竜"),
            ("**B**ig and un**believ**able", "Big and unbelievable"),
            ("See [the moon](https://example.com/m).", "See the moon."),
        ] {
            assert_eq!(strip(written), words, "{written:?}");
        }
    }

    #[test]
    fn signs_that_stand_for_themselves_stay() {
        for text in [
            "5 * 3 * 2",
            "5*3*2",
            "2 ** 3 ** 2",
            "snake_case_name",
            "#1 and # and #wow",
            "The dragon’s name is ____ and ___ is her friend.",
            "Hawai`i and Moloka`i",
            "– Bonjour, dit-elle.\n- Salut !",
            "a star * and another *",
            "[laughs] (softly)",
            "~ moon ~",
        ] {
            assert_eq!(strip(text), text);
        }
    }
}

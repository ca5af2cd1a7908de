//! A panic as a line of the log: where it was, and such of its words as stand in the source. What was formatted into them may
//! be anybody's.

use std::{any::Any, panic};

/// From now on panics are lines of the log, within the spans they happen in, in place of text on standard error.
pub(crate) fn log() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(
            error = words(panic.payload()),
            location = location.unwrap_or_default(),
            "A thread panicked"
        );
    }));
}

/// How the standard library begins what it says of values.
const BEGINNINGS: [&str; 10] = [
    "called `Option::unwrap()` on a `None` value",
    "called `Result::unwrap()` on an `Err` value",
    "assertion",
    "attempt to",
    "begin <= end",
    "byte index",
    "end byte index",
    "index out of bounds",
    "range",
    "slice index",
];

/// A literal as it is. Of a formatted text its beginning, as far as it is the standard library's, or the words of an
/// `expect`: small letters up to a colon. Our own panics format nothing, which a test of the tree holds.
fn words(payload: &dyn Any) -> &str {
    if let Some(literal) = payload.downcast_ref::<&'static str>() {
        return literal;
    }
    let Some(formatted) = payload.downcast_ref::<String>() else {
        return "without words";
    };
    if let Some(known) = BEGINNINGS
        .iter()
        .find(|known| formatted.starts_with(**known))
    {
        return known;
    }
    let words = formatted.split(':').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_lowercase() || matches!(c, ' ' | ',' | '-' | '\'');
    match words.chars().all(is_plain) {
        true => words,
        false => "with a value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(work: impl FnOnce() + panic::UnwindSafe) -> String {
        let payload = panic::catch_unwind(work).expect_err("a panic");
        words(&*payload).to_owned()
    }

    #[test]
    fn a_panic_tells_the_words_of_the_source_and_no_value() {
        let name = std::hint::black_box("Embér");
        let told = [
            words_of(|| panic!("no holder panics")),
            words_of(move || {
                name.parse::<u8>().expect("a picture is there");
            }),
            words_of(move || {
                let _ = std::hint::black_box(&name[..4]);
            }),
            words_of(move || {
                let letters: Vec<char> = name.chars().collect();
                let _ = std::hint::black_box(letters[name.len()]);
            }),
            words_of(move || panic!("{name} is odd")),
            words_of(|| panic::panic_any(7)),
        ];
        assert!(told[2].ends_with("byte index"), "{told:?}");
        assert_eq!(
            [&told[..2], &told[3..]].concat(),
            [
                "no holder panics",
                "a picture is there",
                "index out of bounds",
                "with a value",
                "without words",
            ]
        );
    }
}

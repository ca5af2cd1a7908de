//! The refusals of a service as a list: one a line, its columns between bars, the message last.

use std::fmt::Display;

/// The columns of the refusal of that name, with `{}` replaced by the values in turn; missing and empty
/// columns are empty. A name that is not in the list is a mistake of this program and is told as such.
pub(crate) fn find<const COLUMNS: usize>(
    list: &'static str,
    name: &str,
    values: &[&dyn Display],
) -> [String; COLUMNS] {
    let named = |line: &&str| line.split(" | ").next() == Some(name);
    let line = list.lines().find(named);
    let line = line.unwrap_or("unknown | 500 | | | | An unlisted refusal");
    let mut values = values.iter();
    let mut fill = |column: &str| {
        let mut pieces = column.trim().split("{}");
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let value = values.next().map(ToString::to_string);
            filled += &value.unwrap_or_default();
            filled += piece;
        }
        filled
    };
    let mut columns = line.split('|');
    std::array::from_fn(|_| fill(columns.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_refusal_that_is_given_is_in_its_list() {
        let openai = [
            include_str!("openai.rs"),
            include_str!("openai/chat.rs"),
            include_str!("openai/edits.rs"),
            include_str!("openai/errors.rs"),
            include_str!("openai/image_order.rs"),
            include_str!("openai/images.rs"),
            include_str!("openai/messages.rs"),
            include_str!("openai/models.rs"),
            include_str!("openai/moderations.rs"),
            include_str!("openai/strict.rs"),
        ];
        let elevenlabs = [
            include_str!("elevenlabs.rs"),
            include_str!("elevenlabs/models.rs"),
            include_str!("elevenlabs/synthesis.rs"),
            include_str!("elevenlabs/voices.rs"),
        ];
        for (sources, list) in [
            (&openai[..], include_str!("openai/errors.txt")),
            (&elevenlabs, include_str!("elevenlabs/errors.txt")),
        ] {
            let given = sources
                .iter()
                .flat_map(|source| source.split("ApiError::of(").skip(1));
            for name in given.filter_map(|rest| rest.split('"').nth(1)) {
                assert!(
                    list.lines()
                        .any(|line| line.starts_with(&format!("{name} | "))),
                    "{name}"
                );
            }
        }
    }
}

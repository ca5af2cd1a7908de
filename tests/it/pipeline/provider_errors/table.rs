//! The table of docs/PROVIDER_ERRORS.md.

use std::fmt;

/// What a provider does to the requests of a kind about one story, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) kind: String,
    pub(super) fault: String,
    /// How often; of nothing, always.
    pub(super) times: Option<u32>,
    pub(super) becomes: Becomes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Becomes {
    /// Of the story.
    pub(super) overall: String,
    /// Of the asset; `placeholder` where one stands in.
    pub(super) asset: String,
    pub(super) code: String,
    /// What the user reads.
    pub(super) words: String,
    /// Requests of this kind: a number, or `≤` and one where time decides, or `…`.
    pub(super) calls: String,
    /// How many of them the ledger names.
    pub(super) booked: String,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = self
            .times
            .map_or("always".to_owned(), |times| times.to_string());
        let Becomes {
            overall,
            asset,
            code,
            words,
            calls,
            booked,
        } = &self.becomes;
        let code = if code.is_empty() {
            String::new()
        } else {
            format!("`{code}`")
        };
        write!(
            f,
            "| {} | {times} | {overall} | {asset} | {code} | {words} | {calls} | {booked} |",
            self.fault
        )
    }
}

/// The rows, in their order; each section's title names the kind in code.
pub(super) fn read(document: &str) -> Vec<Row> {
    let mut kind = String::new();
    let mut rows = Vec::new();
    for line in document.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            kind = title.split('`').nth(1).unwrap_or_default().to_owned();
        }
        let cells: Vec<_> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [
            _,
            fault,
            times,
            overall,
            asset,
            code,
            words,
            calls,
            booked,
            _,
        ] = cells[..]
        else {
            continue;
        };
        if times != "always" && times.parse::<u32>().is_err() {
            // The head of a table.
            continue;
        }
        rows.push(Row {
            kind: kind.clone(),
            fault: fault.to_owned(),
            times: times.parse().ok(),
            becomes: Becomes {
                overall: overall.to_owned(),
                asset: asset.to_owned(),
                code: code.to_owned(),
                words: words.to_owned(),
                calls: calls.to_owned(),
                booked: booked.to_owned(),
            },
        });
    }
    rows
}

/// A number as the cell has it, where it is one of those that the cell allows.
pub(super) fn as_allowed(cell: &str, number: usize) -> String {
    let most = cell.strip_prefix("≤ ").map(|most| most.parse::<usize>());
    let is_allowed = match most {
        Some(most) => number <= most.expect("a number behind ≤"),
        None => cell == "…",
    };
    if is_allowed {
        cell.to_owned()
    } else {
        number.to_string()
    }
}

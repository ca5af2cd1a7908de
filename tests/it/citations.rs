//! Whatever a comment or a trial cites has its row in docs, and whatever has a row there is cited in the one form.

use faults::Kind;
use std::{collections::BTreeSet, path::Path};

/// A number of a row: `S1-110`, `C-17`, `F13`, `row 20`, `I4`.
type Row = String;

/// The rows a document has: the first cell of each line of its tables.
fn rows_of(document: &str) -> BTreeSet<Row> {
    let path = stack::home::workspace().join("docs").join(document);
    let text = std::fs::read_to_string(path).expect("the document is there");
    text.lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter_map(|line| line.split(" |").next())
        .map(str::to_owned)
        .collect()
}

/// Words of a text that have the form of a requirement: a letter, perhaps a digit, a dash and digits.
fn requirements_in(text: &str) -> impl Iterator<Item = Row> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '-')
        .filter(|word| {
            let Some((kind, number)) = word.split_once('-') else {
                return false;
            };
            let digits = match kind {
                "C" => 2,
                "S0" | "S1" | "S2" | "S3" | "S4" => 3,
                _ => return false,
            };
            number.len() == digits && number.bytes().all(|byte| byte.is_ascii_digit())
        })
        .map(str::to_owned)
}

/// The comments of a Rust file, all of any other.
fn prose(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("readable");
    if path.extension().is_some_and(|extension| extension == "rs") {
        let comments = text.lines().map(str::trim_start);
        comments
            .filter(|line| line.starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n")
    } else {
        text
    }
}

#[test]
fn every_requirement_that_is_cited_has_its_row() {
    let rows = rows_of("REQUIREMENTS.md");
    let mut cited = 0;
    for path in crate::tidy::files_with(&["rs", "sql", "md", "toml", "yaml", "mjs", "ts"]) {
        for row in requirements_in(&prose(&path)) {
            assert!(rows.contains(&row), "{} cites {row}", path.display());
            cited += 1;
        }
    }
    assert!(cited > 60, "only {cited} citations were found");
}

#[test]
fn every_fault_and_figure_that_a_trial_names_has_its_row() {
    let rows = rows_of("GOALS.md");
    let trials = [Kind::Fault, Kind::Bench].map(Kind::trials).concat();
    let covers = trials.into_iter().flat_map(|trial| trial.covers);
    let is_row = |covered: &&str| covered.starts_with(['F', 'r']);
    let named: BTreeSet<_> = covers.filter(is_row).collect();
    for row in &named {
        assert!(rows.contains(*row), "a trial names {row}");
    }
    assert!(named.len() > 30, "only {named:?} were found");
}

//! The codes of failed assets: one enum, and everybody who names them.

use domain::FailureCode;
use serde_json::Value;
use std::collections::BTreeSet;

fn read(path: &str) -> String {
    std::fs::read_to_string(stack::home::workspace().join(path)).expect("readable")
}

fn known() -> BTreeSet<String> {
    FailureCode::ALL.map(|code| code.code().to_owned()).into()
}

#[test]
fn the_api_documents_every_failure_code_and_no_other() {
    let document: Value =
        serde_json::from_str(&read("functions/universal-agent/openapi.json")).expect("JSON");
    let codes = &document["components"]["schemas"]["AssetErrorCode"]["enum"];
    let codes = codes.as_array().expect("a list").iter();
    let documented: BTreeSet<_> = codes
        .map(|code| code.as_str().expect("a text").to_owned())
        .collect();
    assert_eq!(documented, known());
}

#[test]
fn the_runbook_says_what_to_do_about_every_failure_code_and_about_no_other() {
    let runbook = read("docs/RUNBOOK.md");
    let (_, table) = runbook
        .split_once("| `error_code` | cause | do |\n")
        .expect("the table of failed assets");
    let rows = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(1);
    let codes = rows.flat_map(|row| {
        let first = row.split('|').nth(1).expect("a cell");
        first.split('`').skip(1).step_by(2)
    });
    assert_eq!(codes.map(str::to_owned).collect::<BTreeSet<_>>(), known());
}

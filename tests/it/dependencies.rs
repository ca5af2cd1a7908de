//! A package declares what it uses and nothing more.

use serde_json::Value;
use std::{collections::BTreeSet, path::Path, process::Command};

/// Declares what the functions use beside what it uses itself, so that Cargo settles the features of both alike.
const DECLARES_FOR_FUNCTIONS: &str = "stack";

/// Named in a file that another package includes: the package, the crate, and where.
const NAMED_ELSEWHERE: [(&str, &str, &str); 2] = [
    (
        "tests",
        "jsonschema",
        "the API's test_api/contract.rs, which pipeline.rs includes",
    ),
    (
        "stack",
        "hashbrown",
        "nowhere: with the features that jsonschema asks for nothing is compiled once more for the tests",
    ),
];

#[test]
fn every_dependency_is_named_in_its_package() {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(stack::home::workspace())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let of_functions = packages
        .iter()
        .filter(|package| {
            let manifest = package["manifest_path"].as_str().expect("a path");
            manifest.contains("/functions/") || manifest.contains("/shared/")
        })
        .flat_map(|package| package["dependencies"].as_array().expect("dependencies"))
        .map(|dependency| dependency["name"].as_str().expect("a name"))
        .collect::<BTreeSet<_>>();
    let mut unused = Vec::new();
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        let folder = manifest.parent().expect("a folder");
        let sources: String = crate::tidy::files_with(&["rs"])
            .iter()
            .filter(|path| path.starts_with(folder))
            .map(|path| std::fs::read_to_string(path).expect("readable"))
            .collect();
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let crate_name = dependency["name"].as_str().expect("a name");
            let crate_name = dependency["rename"].as_str().unwrap_or(crate_name);
            let is_for_functions =
                name == DECLARES_FOR_FUNCTIONS && of_functions.contains(crate_name);
            let is_named_elsewhere = NAMED_ELSEWHERE
                .iter()
                .any(|(of, named, _)| *of == name && *named == crate_name);
            if !is_for_functions
                && !is_named_elsewhere
                && !is_named(&sources, &crate_name.replace('-', "_"))
            {
                unused.push(format!("{name}: {crate_name}"));
            }
        }
    }
    assert!(unused.is_empty(), "declared and not used: {unused:#?}");
}

/// Whether the word stands in the text as the beginning of a path, or as a whole name that is imported.
fn is_named(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let begins =
            !before.is_some_and(|character| character.is_alphanumeric() || character == '_');
        let after = &text[at + word.len()..];
        begins
            && ["::", ";", ",", "}", " as "]
                .iter()
                .any(|end| after.starts_with(end))
    })
}

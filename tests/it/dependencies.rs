//! A package declares what it uses and nothing more.

use serde_json::Value;
use std::{path::Path, process::Command};

/// Needed by what they configure, and named nowhere: the crate that reads them, and why.
const UNNAMED: [(&str, &str, &str); 1] = [(
    "tests",
    "jsonschema",
    "the API's test_api/contract.rs, which pipeline/mod.rs includes",
)];

#[test]
fn every_dependency_is_named_in_its_package() {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(stack::home::workspace())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let mut unused = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
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
            let known = UNNAMED
                .iter()
                .any(|(of, named, _)| *of == name && *named == crate_name);
            if !known && !is_named(&sources, &crate_name.replace('-', "_")) {
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

//! Order in the tree, held by tests: who may depend on whom, and what every file begins with.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

/// The black-box tests; every other package has a row in [`ALLOWED`].
const MAY_USE_ALL: &str = "tests";

/// Edges between our packages, as docs/ARCHITECTURE.md tells them.
const ALLOWED: &[(&str, &[&str])] = &[
    ("stand-ins", &[]),
    ("supabase", &[]),
    ("operate", &["domain"]),
    ("stack", &["domain", "operate", "stand-ins", "supabase"]),
    (
        "faults",
        &[
            "domain",
            "operate",
            "stack",
            "stand-ins",
            "store",
            "supabase",
        ],
    ),
    ("asset-worker", &["domain", "events", "runtime", "store"]),
    (
        "content-agent",
        &[
            "domain",
            "events",
            "providers",
            "render",
            "runtime",
            "store",
        ],
    ),
    ("timeout-handler", &["domain", "events", "runtime", "store"]),
    ("universal-agent", &["domain", "events", "runtime", "store"]),
    ("domain", &[]),
    ("events", &["domain"]),
    ("providers", &["domain"]),
    ("render", &["domain"]),
    ("runtime", &[]),
    ("store", &["domain"]),
];

/// Our packages, as `cargo metadata` describes them.
fn packages() -> Vec<Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(stack::home::workspace())
        .output()
        .expect("cargo runs");
    let mut metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    match metadata["packages"].take() {
        Value::Array(packages) => packages,
        other => panic!("no packages: {other}"),
    }
}

fn our_edges() -> BTreeMap<String, BTreeSet<String>> {
    let packages = packages();
    let ours: BTreeSet<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter();
            let edges = dependencies
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| dependency["name"].as_str())
                .filter(|name| ours.contains(name))
                .map(str::to_owned)
                .collect();
            (package["name"].as_str().expect("a name").to_owned(), edges)
        })
        .collect()
}

#[test]
fn rooms_use_only_the_rooms_they_may() {
    for (package, uses) in our_edges() {
        if package == MAY_USE_ALL {
            continue;
        }
        let row = ALLOWED.iter().find(|(name, _)| *name == package);
        let (_, allowed) = row.unwrap_or_else(|| panic!("{package} has no row in the table"));
        for used in &uses {
            assert!(allowed.contains(&used.as_str()), "{package} uses {used}");
        }
    }
}

/// The files of the tree with one of these extensions, without what is built or fetched.
pub(crate) fn files_with(extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(&stack::home::workspace(), extensions, &mut found);
    found
}

fn sources(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder)
        .expect("a readable folder")
        .flatten()
    {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target"
                && name != "node_modules"
                && !name.to_string_lossy().starts_with('.')
            {
                sources(&path, extensions, found);
            }
        } else if path
            .extension()
            .is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
        {
            found.push(path);
        }
    }
}

#[test]
fn every_file_says_what_lives_there_and_no_main_is_longer_than_forty_lines() {
    let files = files_with(&["rs"]);
    assert!(files.len() > 50, "the tree was not found");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        assert!(
            text.starts_with("//!"),
            "{} does not say what lives there",
            file.display()
        );
        let is_function_main =
            file.ends_with("src/main.rs") && file.to_string_lossy().contains("/functions/");
        assert!(
            !is_function_main || text.lines().count() <= 40,
            "{} is too long",
            file.display()
        );
    }
}

/// The log tells the words of a panic as far as they stand in the source (`shared/runtime/src/panics.rs`).
#[test]
fn no_panic_of_a_function_speaks_a_value() {
    let mut looked_at = 0;
    for file in files_with(&["rs"]) {
        let path = file.strip_prefix(stack::home::workspace()).unwrap_or(&file);
        let path = path.to_string_lossy();
        let is_deployed = path.starts_with("functions/") || path.starts_with("shared/");
        if !is_deployed || path.contains("test") || path.contains("auth/hostile") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("readable");
        let source = text
            .split("#[cfg(test)]\nmod ")
            .next()
            .expect("a beginning");
        looked_at += source.matches(".expect(\"").count();
        for line in source.lines() {
            let speaks = ["panic!(", "unreachable!(", "assert!(", ".expect(&"];
            let speaks = speaks.iter().any(|word| line.contains(word));
            assert!(!(speaks && line.contains('{')), "{path}: {line}");
            assert!(!line.contains(".expect(&"), "{path}: {line}");
        }
    }
    assert!(looked_at > 20, "{looked_at}");
}

#[test]
fn no_module_is_a_drawer_for_everything() {
    let files = files_with(&["rs"]);
    for file in files {
        let name = file
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(
            !["utils", "util", "common", "helpers", "helper", "misc"].contains(&name.as_str()),
            "{}",
            file.display()
        );
    }
}

/// What a package names outside the workspace, each with its features.
fn outside_dependencies(package: &Value) -> impl Iterator<Item = (String, BTreeSet<String>)> {
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    dependencies
        .iter()
        .filter(|dependency| dependency["kind"].is_null() && dependency["path"].is_null())
        .map(|dependency| {
            let name = dependency["name"].as_str().expect("a name").to_owned();
            let features = dependency["features"].as_array().expect("features");
            let features = features.iter().map(Value::to_string);
            (name, features.collect())
        })
}

#[test]
fn cargo_local_and_the_functions_compile_no_dependency_twice() {
    let packages = packages();
    let is_stack = |package: &&Value| package["name"] == "stack";
    let stack = packages.iter().find(is_stack).expect("the stack");
    let asked_for: BTreeMap<_, _> = outside_dependencies(stack).collect();
    for package in &packages {
        let manifest = package["manifest_path"].as_str().expect("a path");
        if !manifest.contains("/functions/") && !manifest.contains("/shared/") {
            continue;
        }
        for (name, features) in outside_dependencies(package) {
            assert!(
                asked_for
                    .get(&name)
                    .is_some_and(|asked| asked.is_superset(&features)),
                "{} depends on {name} with {features:?}: say so in infra/local/stack/Cargo.toml as well, or a first story waits for \
                 crates that are compiled a second time with other features",
                package["name"]
            );
        }
    }
}

//! What is taken, what is refused, and in which words.

use super::*;

fn parse<F: DeserializeOwned>(text: &str) -> Result<F, BadJson> {
    read_as(&read(text)?)
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Pace {
    Slow,
    Quick,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wish {
    #[serde(alias = "numberOf")]
    count: Option<u32>,
    names: Vec<String>,
    pace: Option<Pace>,
    inner: Inner,
    is_urgent: bool,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    index: u8,
}

fn told(text: &str) -> (String, String) {
    match parse::<Wish>(text).unwrap_err() {
        BadJson::Part { path, problem } => (path, problem),
        BadJson::Syntax(problem) => panic!("{text}: {problem}"),
    }
}

#[test]
fn what_is_wrong_is_said_of_its_field_in_plain_words() {
    for (text, path, problem) in [
        ("[]", "", "must be an object"),
        ("[1,[],null]", "", "must be an object"),
        ("null", "", "must be an object"),
        (r#""a""#, "", "must be an object"),
        (r#"{"count":"5"}"#, "count", "must be a whole number"),
        (r#"{"count":1.5}"#, "count", "must be a whole number"),
        (r#"{"count":1e99}"#, "count", "must be a whole number"),
        (r#"{"count":-1}"#, "count", "must not be negative"),
        (r#"{"count":4294967296}"#, "count", "is out of range"),
        (r#"{"names":"a"}"#, "names", "must be an array"),
        (r#"{"names":null}"#, "names", "must be an array"),
        (r#"{"names":["a",null]}"#, "names[1]", "must be a string"),
        (r#"{"pace":"fast"}"#, "pace", "must be one of slow, quick"),
        (r#"{"pace":{"slow":null}}"#, "pace", "must be a string"),
        (r#"{"inner":[1]}"#, "inner", "must be an object"),
        (r#"{"inner":{}}"#, "inner.index", "is missing"),
        (
            r#"{"inner":{"index":256}}"#,
            "inner.index",
            "is out of range",
        ),
        (
            r#"{"inner":{"index":1,"x":2}}"#,
            "inner.x",
            "is not known here",
        ),
        (
            r#"{"is_urgent":null}"#,
            "is_urgent",
            "must be true or false",
        ),
        (r#"{"sudo":true}"#, "sudo", "is not known here"),
        (r#"{"count":1,"count":1}"#, "count", "is given twice"),
        (r#"{"count":1,"numberOf":1}"#, "count", "is given twice"),
        (
            r#"{"inner":{"index":1,"index":1}}"#,
            "inner.index",
            "is given twice",
        ),
    ] {
        assert_eq!(told(text), (path.to_owned(), problem.to_owned()), "{text}");
    }
}

#[test]
fn a_whole_number_may_be_written_with_a_point_and_null_is_nothing() {
    let wish: Wish =
        parse(r#"{"count":4.0,"inner":{"index":2e0},"pace":null,"names":["a"]}"#).unwrap();
    assert_eq!((wish.count, wish.inner.index), (Some(4), 2));
    assert_eq!((wish.pace, wish.names.len()), (None, 1));
}

#[test]
fn what_is_no_json_is_told_apart() {
    for text in ["", "{", "{} {}", "nul", "[1,]", r#"{"a":"\ud800"}"#] {
        assert!(
            matches!(parse::<Wish>(text), Err(BadJson::Syntax(_))),
            "{text}"
        );
    }
    assert!(parse::<Wish>("1e999").is_err());
    let deep = "[".repeat(200);
    assert!(matches!(parse::<Wish>(&deep), Err(BadJson::Syntax(_))));
}

//! Filters of a `postgres_changes` binding: `column=op.value`, several joined by commas (AND).

use std::cmp::Ordering;

/// Most values an `in` filter may list (Supabase's limit).
const IN_VALUES_MAX: usize = 100;

/// The seven operators every version of Realtime knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    In,
}

/// One comparison. `values` has one element except for [`Operator::In`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) column: String,
    pub(crate) operator: Operator,
    pub(crate) values: Vec<String>,
    pub(crate) comparison: Comparison,
}

/// How the values of a column's type compare in their text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Comparison {
    /// By bytes: uuid, text, and timestamps in UTC. Text order may differ from the database's
    /// collation, which only `lt` … `gte` on text can notice.
    #[default]
    Text,
    /// By numeric value.
    Number,
}

/// Reads a whole filter; blank means none.
///
/// # Errors
/// What the client is told of a filter that cannot be understood.
pub(crate) fn parse(filter: &str) -> Result<Vec<Condition>, String> {
    if filter.trim().is_empty() {
        return Ok(Vec::new());
    }
    let conditions = split_outside_quotes_and_parentheses(filter.trim()).into_iter();
    conditions.map(condition).collect()
}

fn condition(text: &str) -> Result<Condition, String> {
    let syntax = || format!("Error parsing `filter` params: [\"{text}\"]");
    let (column, rest) = text.split_once('=').ok_or_else(syntax)?;
    let (operator, value) = rest.split_once('.').ok_or_else(syntax)?;
    let operator = match operator {
        "eq" => Operator::Eq,
        "neq" => Operator::Neq,
        "lt" => Operator::Lt,
        "lte" => Operator::Lte,
        "gt" => Operator::Gt,
        "gte" => Operator::Gte,
        "in" => Operator::In,
        _ => return Err(syntax()),
    };
    let values = if operator == Operator::In {
        let list = value
            .strip_prefix('(')
            .and_then(|list| list.strip_suffix(')'))
            .ok_or_else(syntax)?;
        let values = split_outside_quotes_and_parentheses(list).into_iter();
        values.map(unquoted).collect()
    } else {
        vec![unquoted(value)]
    };
    if values.len() > IN_VALUES_MAX {
        return Err(format!(
            "Error parsing `filter` params: too many values for `in`, at most {IN_VALUES_MAX}"
        ));
    }
    Ok(Condition {
        column: column.trim().to_owned(),
        operator,
        values,
        comparison: Comparison::Text,
    })
}

/// A quote opens only where a value can start, so that an apostrophe-like `"` inside a word stays text.
fn split_outside_quotes_and_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted, mut previous) =
        (Vec::new(), 0, 0_u32, false, ',');
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' if quoted => {
                characters.next();
            }
            '"' if quoted => quoted = false,
            '"' if matches!(previous, '.' | '(' | ',') => quoted = true,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        previous = character;
    }
    parts.push(&text[start..]);
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
    else {
        return value.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' {
            characters.next()
        } else {
            Some(character)
        });
    }
    plain
}

impl Condition {
    /// Whether a non-null value passes. Null passes nothing, as in SQL.
    pub(crate) fn accepts(&self, value: &str) -> bool {
        let against = |wanted: &String| self.comparison.compare(value, wanted);
        let first = self.values.first().and_then(against);
        match self.operator {
            Operator::Eq => first == Some(Ordering::Equal),
            Operator::Neq => first.is_some_and(Ordering::is_ne),
            Operator::Lt => first.is_some_and(Ordering::is_lt),
            Operator::Lte => first.is_some_and(Ordering::is_le),
            Operator::Gt => first.is_some_and(Ordering::is_gt),
            Operator::Gte => first.is_some_and(Ordering::is_ge),
            Operator::In => self
                .values
                .iter()
                .any(|wanted| against(wanted) == Some(Ordering::Equal)),
        }
    }
}

impl Comparison {
    fn compare(self, left: &str, right: &str) -> Option<Ordering> {
        match self {
            Self::Text => Some(left.cmp(right)),
            Self::Number => match (left.parse::<i128>(), right.parse::<i128>()) {
                (Ok(left), Ok(right)) => Some(left.cmp(&right)),
                _ => {
                    let (left, right): (f64, f64) = (left.parse().ok()?, right.parse().ok()?);
                    left.partial_cmp(&right)
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(filter: &str, comparison: Comparison, value: &str) -> bool {
        let mut condition = parse(filter).unwrap().remove(0);
        condition.comparison = comparison;
        condition.accepts(value)
    }

    #[test]
    fn each_operator_compares_numbers_by_value() {
        let cases = [
            ("n=eq.10", "10", true),
            ("n=eq.10", "10.0", true),
            ("n=neq.10", "9", true),
            ("n=lt.10", "9", true),
            ("n=lt.10", "10", false),
            ("n=lte.10", "10", true),
            ("n=gt.9", "10", true),
            ("n=gte.10", "9", false),
            ("n=in.(1,2,3)", "2", true),
            ("n=in.(1,2,3)", "4", false),
        ];
        for (filter, value, expected) in cases {
            assert_eq!(
                accepts(filter, Comparison::Number, value),
                expected,
                "{filter} on {value}"
            );
        }
    }

    #[test]
    fn a_value_keeps_its_dots_and_a_quoted_one_its_commas() {
        assert_eq!(parse("title=eq.a.b").unwrap()[0].values, ["a.b"]);
        assert_eq!(parse(r#"title=eq."a,b""#).unwrap()[0].values, ["a,b"]);
        assert_eq!(
            parse(r#"title=in.(a,"b,c","d\"e")"#).unwrap()[0].values,
            ["a", "b,c", "d\"e"]
        );
    }

    #[test]
    fn conditions_joined_by_commas_are_all_read() {
        let conditions = parse("id=gt.0,status=in.(a,b),title=eq.x").unwrap();
        let columns: Vec<_> = conditions
            .iter()
            .map(|condition| condition.column.as_str())
            .collect();
        assert_eq!(columns, ["id", "status", "title"]);
    }

    #[test]
    fn a_blank_filter_is_none_and_a_broken_one_is_refused() {
        assert_eq!(parse("  "), Ok(Vec::new()));
        for broken in ["undefined", "a=foo.b", "a=eq", "a=in.1,2"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
        let many = format!("a=in.({})", vec!["1"; 101].join(","));
        assert!(parse(&many).unwrap_err().contains("too many values"));
    }
}

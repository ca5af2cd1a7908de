//! Text as part of an SQL statement, for the simple protocol, which takes no parameters.

/// A string as an SQL literal, for the simple protocol, which takes no parameters. Text that
/// Postgres cannot hold (NUL) is left out.
pub(crate) fn literal(text: &str) -> String {
    let text = text.replace('\0', "");
    let quoted = text.replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// A name as an SQL identifier.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_cannot_leave_a_literal_or_an_identifier() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\'b"), r"E'a\\''b'");
        assert_eq!(literal("a\0b"), "'ab'");
        assert_eq!(identifier(r#"a"b"#), r#""a""b""#);
    }
}

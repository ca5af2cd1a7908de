//! The form of the settings in environment variables, `name=value,…`, and what may be wrong with one.

use std::str::FromStr;

/// A setting that could not be understood, in one sentence that names the offending part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the stand-in setting `{entry}`: {problem}")]
pub struct ConfigError {
    entry: String,
    problem: &'static str,
}

impl ConfigError {
    pub(crate) fn new(entry: &str, problem: &'static str) -> Self {
        Self {
            entry: entry.to_owned(),
            problem,
        }
    }
}

/// Reads `a=1,b=2`: each number goes to the place of its name. `names` and `numbers` say what is wrong otherwise.
pub(crate) fn read<T: FromStr>(
    value: &str,
    mut place: impl FnMut(&str, T) -> Option<bool>,
    names: &'static str,
    numbers: &'static str,
) -> Result<(), ConfigError> {
    let entries = value.split(',').map(str::trim);
    for entry in entries.filter(|entry| !entry.is_empty()) {
        let wrong = |problem| ConfigError::new(entry, problem);
        let form = "expected `name=number`, several joined by commas";
        let (name, number) = entry.split_once('=').ok_or_else(|| wrong(form))?;
        let number = number.trim().parse().map_err(|_| wrong(numbers))?;
        match place(name.trim(), number) {
            Some(true) => {}
            Some(false) => return Err(wrong(numbers)),
            None => return Err(wrong(names)),
        }
    }
    Ok(())
}

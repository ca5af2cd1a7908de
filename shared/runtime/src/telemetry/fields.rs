//! Names and values of an event or a span, as tracing records them.

use serde_json::Value;
use std::fmt;
use tracing::field::{Field, Visit};

/// In the order in which they were recorded; no name stands twice.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value)
    }

    /// A value that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(&'static str, Value)> {
        self.0.iter()
    }

    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    /// What came by way of the `log` crate brings its origin along as fields.
    pub(crate) fn take_log_target(&mut self) -> Option<String> {
        let position = self.0.iter().position(|(name, _)| *name == "log.target")?;
        let (_, target) = self.0.remove(position);
        self.0.retain(|(name, _)| !name.starts_with("log."));
        target.as_str().map(str::to_owned)
    }

    pub(crate) fn add_missing(&mut self, others: &Self) {
        for (name, value) in &others.0 {
            if self.get(name).is_none() {
                self.0.push((name, value.clone()));
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn of<const N: usize>(pairs: [(&'static str, Value); N]) -> Self {
        Self(Vec::from(pairs))
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}").into());
    }
}

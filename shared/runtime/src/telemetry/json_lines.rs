//! One JSON object per event: time, level, the event's fields, those of the spans it happened in, target.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use std::{fmt, io::Write};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        MakeWriter,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::Context,
    registry::LookupSpan,
};

/// Writes each event to what `W` makes. A field of an inner span wins over the same of an outer one, one of the event over
/// both: no name stands twice in a line.
pub(crate) struct JsonLines<W>(W);

impl<W> JsonLines<W> {
    pub(crate) fn new(make_writer: W) -> Self {
        Self(make_writer)
    }
}

/// Names and values in the order in which they were recorded.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    /// What came by way of the `log` crate brings its origin along as fields.
    fn take_log_target(&mut self) -> Option<String> {
        let position = self.0.iter().position(|(name, _)| *name == "log.target")?;
        let (_, target) = self.0.remove(position);
        self.0.retain(|(name, _)| !name.starts_with("log."));
        target.as_str().map(str::to_owned)
    }

    fn add_missing(&mut self, others: &Self) {
        for (name, value) in &others.0 {
            if !self.0.iter().any(|(known, _)| known == name) {
                self.0.push((name, value.clone()));
            }
        }
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

struct Line<'a> {
    timestamp: &'a str,
    level: &'a str,
    fields: &'a Fields,
    target: &'a str,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("timestamp", self.timestamp)?;
        line.serialize_entry("level", self.level)?;
        for (name, value) in &self.fields.0 {
            line.serialize_entry(name, value)?;
        }
        line.serialize_entry("target", self.target)?;
        line.end()
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let log_target = fields.take_log_target();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(inherited) = span.extensions().get::<Fields>() {
                fields.add_missing(inherited);
            }
        }
        let mut timestamp = String::new();
        // A clock that cannot be written down leaves the field empty: the line matters more.
        let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
        let metadata = event.metadata();
        let line = Line {
            timestamp: &timestamp,
            level: metadata.level().as_str(),
            fields: &fields,
            target: log_target.as_deref().unwrap_or(metadata.target()),
        };
        let Ok(mut line) = serde_json::to_vec(&line) else {
            return;
        };
        line.push(b'\n');
        // One write, so that lines of parallel tasks stay whole. Nobody is left to be told when it fails.
        let _ = self.0.make_writer_for(metadata).write_all(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    /// The lines that `work` writes.
    fn lines_of(work: impl FnOnce()) -> Vec<Value> {
        #[derive(Clone, Default)]
        struct Written(Arc<Mutex<Vec<u8>>>);
        impl Write for Written {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let written = Written::default();
        let make_writer = {
            let written = written.clone();
            move || written.clone()
        };
        let subscriber = tracing_subscriber::registry().with(JsonLines::new(make_writer));
        tracing::subscriber::with_default(subscriber, work);
        let bytes = written.0.lock().unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_has_its_fields_those_of_its_spans_and_its_origin_at_the_top_level() {
        let lines = lines_of(|| {
            let invocation = tracing::info_span!("invocation", requestId = "r-1");
            let _invocation = invocation.enter();
            let job = tracing::info_span!("job", storyId = %"s", assetType = tracing::field::Empty);
            job.record("assetType", "cover");
            job.in_scope(|| {
                tracing::warn!(target: "AssetGenerationPipeline", attempt = 2_u64, is_late = true, share = 0.5,
                    reason = ?Some("x"), "Asset generation started");
            });
            tracing::info!("after");
        });
        let mut first = lines[0].clone();
        let timestamp = first["timestamp"].take();
        assert!(
            timestamp.as_str().is_some_and(|time| time.ends_with('Z')),
            "{timestamp}"
        );
        assert_eq!(
            first,
            serde_json::json!({"timestamp": null, "level": "WARN", "message": "Asset generation started",
                "attempt": 2, "is_late": true, "share": 0.5, "reason": "Some(\"x\")", "storyId": "s",
                "assetType": "cover", "requestId": "r-1", "target": "AssetGenerationPipeline"})
        );
        assert_eq!(lines[1]["requestId"], "r-1");
        assert_eq!(lines[1]["storyId"], Value::Null);
    }

    #[test]
    fn the_innermost_word_on_a_field_holds_and_no_name_stands_twice() {
        let lines = lines_of(|| {
            let outer = tracing::info_span!("outer", storyId = "outer", jobId = "outer");
            let _outer = outer.enter();
            let inner = tracing::info_span!("inner", jobId = "inner", userId = "inner");
            let _inner = inner.enter();
            tracing::info!(userId = "event", "x");
        });
        let ids = ["storyId", "jobId", "userId"].map(|name| lines[0][name].clone());
        assert_eq!(ids, ["outer", "inner", "event"]);
    }
}

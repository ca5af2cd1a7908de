//! One JSON object per event: time, level, the event's fields, those of the spans it happened in, target.

use super::{fields::Fields, metrics::Metrics, reports::Reports};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use std::{
    io::Write,
    sync::{Arc, OnceLock},
};
use tracing::{
    Event, Level, Subscriber,
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
pub(crate) struct JsonLines<W> {
    make_writer: W,
    metrics: Option<Metrics>,
    reports: Option<&'static OnceLock<Arc<Reports>>>,
}

impl<W> JsonLines<W> {
    pub(crate) fn new(make_writer: W) -> Self {
        Self {
            make_writer,
            metrics: None,
            reports: None,
        }
    }

    /// The lines that are counted carry their figures.
    pub(crate) fn counting(mut self, metrics: Option<Metrics>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Errors are sent on as well, from when it is known where to.
    pub(crate) fn reporting(mut self, reports: &'static OnceLock<Arc<Reports>>) -> Self {
        self.reports = Some(reports);
        self
    }
}

struct Line<'a> {
    timestamp: &'a str,
    level: &'a str,
    fields: &'a Fields,
    target: &'a str,
    figures: &'a [(&'static str, Value)],
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("timestamp", self.timestamp)?;
        line.serialize_entry("level", self.level)?;
        for (name, value) in self.fields.iter() {
            line.serialize_entry(name, value)?;
        }
        line.serialize_entry("target", self.target)?;
        for (name, value) in self.figures {
            line.serialize_entry(name, value)?;
        }
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
        let target = log_target.as_deref().unwrap_or(metadata.target());
        if *metadata.level() == Level::ERROR
            && let Some(reports) = self.reports.and_then(OnceLock::get)
        {
            reports.note(&fields, &timestamp, target);
        }
        let metrics = self.metrics.as_ref();
        let figures = metrics.map_or_else(Vec::new, |metrics| metrics.figures_of(&fields));
        let line = Line {
            timestamp: &timestamp,
            level: metadata.level().as_str(),
            fields: &fields,
            target,
            figures: &figures,
        };
        let Ok(mut line) = serde_json::to_vec(&line) else {
            return;
        };
        line.push(b'\n');
        // One write, so that lines of parallel tasks stay whole. Nobody is left to be told when it fails.
        let _ = self.make_writer.make_writer_for(metadata).write_all(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::caught_lines;

    fn lines_of(work: impl FnOnce()) -> Vec<Value> {
        caught_lines::lines_of(None, work)
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

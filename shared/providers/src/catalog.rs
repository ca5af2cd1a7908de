//! What a provider lists of its models: which there are, and until when.

use serde_json::Value;

/// A model as its provider lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    pub id: String,
    /// Days until it is refused, where its provider says so; 0 or less when it is.
    pub days_left: Option<i32>,
}

/// The models of a listing, `[{"<id>": …}]`; without ids there are none.
pub(crate) fn read(listing: &Value, id: &str) -> Vec<ListedModel> {
    let models = listing.as_array().into_iter().flatten();
    let read = |model: &Value| {
        Some(ListedModel {
            id: model[id].as_str()?.to_owned(),
            days_left: days_until(model["shutdown_date"].as_str().unwrap_or_default()),
        })
    };
    models.filter_map(read).collect()
}

/// Days from today (UTC) to a date in its usual form, a time behind it or not.
pub(crate) fn days_until(date: &str) -> Option<i32> {
    let date: jiff::civil::Date = date.get(..10)?.parse().ok()?;
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    Some(date.since(today).ok()?.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_model_is_listed_with_the_days_that_it_has_left_where_there_is_a_date() {
        let listing = json!([
            {"id": "gone", "shutdown_date": "2020-01-01"},
            {"id": "far", "shutdown_date": "2999-01-01T00:00:00Z"},
            {"id": "open", "shutdown_date": null},
            {"id": "odd", "shutdown_date": "soon"},
            {"name": "none"},
        ]);
        let days: Vec<_> = read(&listing, "id")
            .into_iter()
            .map(|model| (model.id, model.days_left.map(i32::signum)))
            .collect();
        let expected = [
            ("gone", Some(-1)),
            ("far", Some(1)),
            ("open", None),
            ("odd", None),
        ];
        assert_eq!(days, expected.map(|(id, days)| (id.to_owned(), days)));
    }
}

//! What a client asks for when it joins a channel.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

use super::filter::{self, Condition};
use crate::change::Action;

pub(crate) const TOPIC_PREFIX: &str = "realtime:";

/// A parsed `phx_join` payload. What is missing or of the wrong kind is defaulted, not refused,
/// as the real server does (`payloads/join.ex`). The flags of
/// broadcasts and presence, which supabase-js always sends, are read past: neither is served here.
#[derive(Debug)]
pub(crate) struct JoinRequest {
    pub(crate) access_token: Option<String>,
    pub(crate) private: bool,
    pub(crate) bindings: Vec<Binding>,
    /// `postgres_changes_options.wait`: the join is answered when the subscription stands, or cannot be had.
    pub(crate) waits: bool,
}

/// One `postgres_changes` entry of the join.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) id: u64,
    /// As sent; echoed with the id, because the client compares it field by field.
    request: Value,
    /// What it asks for, or why it cannot be had (said later, in a `system` message).
    pub(crate) wish: Result<Wish, String>,
}

/// Which changes a binding wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// `None` for `*`.
    pub(crate) action: Option<Action>,
    /// A schema name or `*`.
    pub(crate) schema: String,
    /// A table name or `*`.
    pub(crate) table: String,
    pub(crate) conditions: Vec<Condition>,
    /// `select`: only these columns, and the key.
    pub(crate) columns: Option<Vec<String>>,
}

impl JoinRequest {
    pub(crate) fn parse(payload: &Value) -> Self {
        let config = &payload["config"];
        let bindings = config["postgres_changes"].as_array().into_iter().flatten();
        Self {
            access_token: payload["access_token"].as_str().map(str::to_owned),
            private: flag(&config["private"]),
            bindings: bindings.map(Binding::parse).collect(),
            waits: flag(&config["postgres_changes_options"]["wait"]),
        }
    }
}

/// Booleans may come as strings (`flexible_boolean.ex`).
fn flag(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    value.as_bool().unwrap_or(text.eq_ignore_ascii_case("true"))
}

impl Binding {
    fn parse(request: &Value) -> Self {
        let mut hasher = DefaultHasher::new();
        for name in ["event", "schema", "table", "filter", "select"] {
            request[name].to_string().hash(&mut hasher);
        }
        // Ids stay below 2^31: the client keeps them as JavaScript numbers.
        Self {
            id: hasher.finish() >> 33,
            request: request.clone(),
            wish: Wish::parse(request),
        }
    }

    pub(crate) fn echo(&self) -> Value {
        let mut echo = self.request.clone();
        if let Some(entry) = echo.as_object_mut() {
            entry.insert("id".into(), json!(self.id));
        }
        echo
    }
}

impl Wish {
    fn parse(request: &Value) -> Result<Self, String> {
        let text = |name: &str| request[name].as_str();
        if text("schema").or_else(|| text("table")).is_none() {
            let message = "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to";
            return Err(format!("{message}: {request}"));
        }
        let columns = request["select"].as_array().into_iter().flatten();
        let columns = columns.filter_map(Value::as_str).map(str::to_owned);
        let columns: Vec<String> = columns.collect();
        let wish = Self {
            action: match text("event").unwrap_or("*").to_ascii_uppercase().as_str() {
                "INSERT" => Some(Action::Insert),
                "UPDATE" => Some(Action::Update),
                "DELETE" => Some(Action::Delete),
                _ => None,
            },
            schema: text("schema").unwrap_or("public").to_owned(),
            table: text("table").unwrap_or("*").to_owned(),
            conditions: filter::parse(text("filter").unwrap_or_default())?,
            columns: (!columns.is_empty()).then_some(columns),
        };
        if wish.columns.is_some() && (wish.schema == "*" || wish.table == "*") {
            return Err(
                "Column selection is not supported for wildcard subscriptions. \
                        Provide an explicit schema and table name."
                    .to_owned(),
            );
        }
        Ok(wish)
    }

    /// For error messages: what was asked for.
    pub(crate) fn describe(&self) -> String {
        let event = self.action.map_or("*", Action::name);
        let conditions = self.conditions.iter();
        let filters: Vec<&String> = conditions.map(|condition| &condition.column).collect();
        format!(
            "event: {event}, schema: {}, table: {}, filters on: {filters:?}",
            self.schema, self.table
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_are_echoed_in_order_with_an_id_each_and_equal_ones_share_it() {
        let binding =
            json!({"event": "*", "schema": "public", "table": "pages", "filter": "id=eq.5"});
        let other = json!({"event": "UPDATE", "schema": "public", "table": "pages"});
        let join =
            JoinRequest::parse(&json!({"config": {"postgres_changes": [binding, other, binding]}}));
        let echoes: Vec<Value> = join.bindings.iter().map(Binding::echo).collect();
        assert_eq!(echoes[0]["filter"], "id=eq.5");
        assert_eq!(echoes[0], echoes[2]);
        assert_ne!(echoes[0]["id"], echoes[1]["id"]);
        assert!(echoes[1].get("filter").is_none());
    }

    #[test]
    fn flags_may_be_strings_and_a_bare_join_is_fine() {
        let join =
            JoinRequest::parse(&json!({"config": {"private": "true", "broadcast": {"ack": true}}}));
        assert!(join.private);
        let bare = JoinRequest::parse(&json!({}));
        assert!(!bare.private && bare.bindings.is_empty());
    }

    #[test]
    fn a_binding_without_schema_and_table_or_with_select_on_everything_is_no_wish() {
        assert!(Wish::parse(&json!({"event": "*"})).is_err());
        assert!(Wish::parse(&json!({"schema": "public", "select": ["id"]})).is_err());
        assert_eq!(
            Wish::parse(&json!({"table": "pages"})).unwrap().schema,
            "public"
        );
        assert_eq!(
            Wish::parse(&json!({"schema": "public"})).unwrap().table,
            "*"
        );
    }
}

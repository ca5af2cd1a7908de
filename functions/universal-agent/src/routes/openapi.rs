//! The API's own description, kept beside the code; a test holds it to the router's table.

use axum::{
    http::{HeaderName, header},
    response::IntoResponse,
};

const DOCUMENT: &str = include_str!("../../openapi.json");

/// `GET /openapi.json`: bare, because tools expect the document and no envelope.
pub(crate) async fn document() -> impl IntoResponse {
    const HEADERS: [(HeaderName, &str); 2] = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (HEADERS, DOCUMENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Code, router};
    use serde_json::Value;
    use std::collections::BTreeSet;

    fn openapi() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    #[test]
    fn the_document_has_every_route_of_the_table_and_no_other() {
        let document = openapi();
        let documented: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                let methods = methods.filter(|key| *key != "parameters");
                methods.map(move |method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let served = router::table().into_iter().map(|route| {
            let path = format!("{}{}", router::BASE, route.path);
            (route.method.to_owned(), path)
        });
        assert_eq!(served.collect::<BTreeSet<_>>(), documented);
    }

    #[test]
    fn the_document_lists_every_code() {
        let document = openapi();
        let listed: BTreeSet<_> =
            document["components"]["schemas"]["Failure"]["properties"]["code"]["enum"]
                .as_array()
                .unwrap()
                .iter()
                .map(|code| code.as_str().unwrap().to_owned())
                .collect();
        let known = Code::ALL.iter().map(|code| code.wire().1.to_owned());
        assert_eq!(known.collect::<BTreeSet<_>>(), listed);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, document: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                        let pointer = reference.trim_start_matches('#');
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                    }
                    fields.values().for_each(|value| walk(value, document));
                }
                Value::Array(values) => values.iter().for_each(|value| walk(value, document)),
                _ => {}
            }
        }
        let document = openapi();
        walk(&document, &document);
    }
}

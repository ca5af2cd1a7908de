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
    use crate::{error::Code, router, routes::assets::Reason};
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
            let path = format!("{}{}", crate::BASE, route.path);
            (route.method.to_string(), path)
        });
        let served: BTreeSet<_> = served.collect();
        let undescribed: Vec<_> = served.difference(&documented).collect();
        let unserved: Vec<_> = documented.difference(&served).collect();
        assert!(
            undescribed.is_empty() && unserved.is_empty(),
            "not described {undescribed:?}, not served {unserved:?}"
        );
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

    fn listed(document: &Value, pointer: &str) -> BTreeSet<String> {
        let codes = document.pointer(pointer).unwrap().as_array().unwrap();
        codes
            .iter()
            .map(|code| code.as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_document_lists_every_trait_and_every_reason() {
        let document = openapi();
        let traits = domain::traits::TRAITS.map(|(code, _)| code.to_owned());
        assert_eq!(
            listed(&document, "/components/schemas/TraitCode/enum"),
            traits.into()
        );
        let reasons = Reason::ALL.map(|reason| {
            let name = serde_json::to_value(reason).unwrap();
            name.as_str().unwrap().to_owned()
        });
        assert_eq!(
            listed(
                &document,
                "/components/schemas/Unchanged/properties/reason/enum"
            ),
            reasons.into()
        );
    }

    #[test]
    fn the_document_lists_every_code_of_an_asset() {
        let known = domain::FailureCode::ALL.map(|code| code.code().to_owned());
        let listed = listed(&openapi(), "/components/schemas/AssetErrorCode/enum");
        assert_eq!(listed, known.into());
    }

    #[test]
    fn the_document_lists_every_reason_why_an_asset_is_another() {
        let known = domain::reason::Reason::ALL.map(|reason| {
            let name = serde_json::to_value(reason).unwrap();
            name.as_str().unwrap().to_owned()
        });
        let listed = listed(&openapi(), "/components/schemas/AssetReason/enum");
        assert_eq!(listed, known.into());
    }

    #[test]
    fn the_document_lists_every_hindrance() {
        let known = store::Hindrance::ALL.map(|reason| {
            let name = serde_json::to_value(reason).unwrap();
            name.as_str().unwrap().to_owned()
        });
        let listed = listed(&openapi(), "/components/schemas/Hindrance/enum");
        assert_eq!(listed, known.into());
    }

    /// A client made from the document takes a member with a default for one that is always there.
    #[test]
    fn no_member_of_a_body_has_a_default() {
        fn walk(value: &Value, path: &str) {
            match value {
                Value::Object(fields) => {
                    assert!(!fields.contains_key("default"), "{path}");
                    for (name, value) in fields {
                        walk(value, &format!("{path}/{name}"));
                    }
                }
                Value::Array(values) => values.iter().for_each(|value| walk(value, path)),
                _ => {}
            }
        }
        walk(&openapi()["components"]["schemas"], "");
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

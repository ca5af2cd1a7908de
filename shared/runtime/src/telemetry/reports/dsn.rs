//! Where errors of a Sentry project go: `https://KEY@HOST/PROJECT`, as its settings show it.

use crate::release::VERSION;
use std::{fmt, str::FromStr};
use url::Url;

/// The address of a project, and the key by which it is told.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Dsn {
    pub(crate) endpoint: Url,
    key: String,
}

/// The text is no DSN. It is not repeated: it may hold a key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is not of the form https://KEY@HOST/PROJECT")]
pub(crate) struct BadDsn;

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dsn")
    }
}

impl Dsn {
    /// The header by which Sentry knows who sends.
    pub(crate) fn auth(&self) -> String {
        let key = &self.key;
        format!("Sentry sentry_version=7, sentry_key={key}, sentry_client=storytailor/{VERSION}")
    }
}

impl FromStr for Dsn {
    type Err = BadDsn;

    fn from_str(text: &str) -> Result<Self, BadDsn> {
        let mut url: Url = text.parse().map_err(|_| BadDsn)?;
        let key = url.username().to_owned();
        let is_word =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        let (before, project) = url.path().rsplit_once('/').ok_or(BadDsn)?;
        if !matches!(url.scheme(), "https" | "http") || !is_word(&key) || !is_word(project) {
            return Err(BadDsn);
        }
        let path = format!("{before}/api/{project}/envelope/");
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        url.set_username("").map_err(|()| BadDsn)?;
        url.set_password(None).map_err(|()| BadDsn)?;
        Ok(Self { endpoint: url, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_told_where_its_settings_say() {
        for (text, endpoint) in [
            (
                "https://k3y@o1.ingest.de.sentry.io/4507",
                "https://o1.ingest.de.sentry.io/api/4507/envelope/",
            ),
            (
                "http://k3y:old@127.0.0.1:9000/sentry/7?x=1",
                "http://127.0.0.1:9000/sentry/api/7/envelope/",
            ),
        ] {
            let dsn: Dsn = text.parse().unwrap();
            assert_eq!(dsn.endpoint.as_str(), endpoint);
            assert!(dsn.auth().contains("sentry_key=k3y, "), "{}", dsn.auth());
            assert!(!format!("{dsn:?}").contains("k3y"));
        }
    }

    #[test]
    fn what_is_no_dsn_is_told_so_without_its_words() {
        for text in [
            "",
            "k3y",
            "https://o1.ingest.sentry.io/4507",
            "https://k3y@o1.ingest.sentry.io",
            "https://k3y@o1.ingest.sentry.io/",
            "https://k3y@o1.ingest.sentry.io/a%20b",
            "mailto:k3y@sentry.io/7",
        ] {
            assert_eq!(text.parse::<Dsn>(), Err(BadDsn), "{text}");
        }
        assert!(!BadDsn.to_string().contains("k3y"));
    }
}

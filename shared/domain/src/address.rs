//! Addresses of the web that users name, as far as a text can tell where they lead.

use crate::request::InvalidField;
use url::{Host, Url};

/// Longest address, as it is sent; what is longer is data in disguise.
const CHARS_MAX: usize = 2_000;
/// What it may have become, with its slash and what had to be encoded: as much as the database keeps.
const KEPT_MAX: usize = 2_048;

/// Ends of names that lead into somebody's own network, never to the public web (RFC 6761, RFC 6762, RFC 8375; the names
/// that clouds and clusters keep for themselves).
const PRIVATE_SUFFIXES: [&str; 14] = [
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "metadata.goog",
    "onion",
    "private",
    "svc",
];

/// Only https, on its own port, with a public-looking host: somebody connects there for a user, and nobody may aim a provider,
/// or us, at an inner network. Where the name leads is known when it is looked up.
///
/// # Errors
/// What is wrong with it, under the name of its field.
pub fn public_https(field: &'static str, text: &str) -> Result<Url, InvalidField> {
    let invalid = |problem: &str| InvalidField::new(field, problem);
    let mut url = Url::parse(text).map_err(|_| invalid("must be an https address"))?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must be https, without user or password"));
    }
    if url.port().is_some() {
        return Err(invalid("must be https, without a port"));
    }
    // One dot at the end is the root and changes nothing; it would only hide what stands before it.
    let host = match url.host() {
        Some(Host::Domain(host)) => host.strip_suffix('.').unwrap_or(host).to_owned(),
        _ => return Err(invalid("must name a public host, not an address")),
    };
    if !is_public(&host) || url.set_host(Some(&host)).is_err() {
        return Err(invalid("must name a public host"));
    }
    if text.chars().count() > CHARS_MAX || url.as_str().len() > KEPT_MAX {
        return Err(invalid("must be at most 2000 characters long"));
    }
    Ok(url)
}

fn is_public(host: &str) -> bool {
    let is_private = |suffix: &&str| {
        host.strip_suffix(*suffix)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    host.contains('.')
        && host.split('.').all(|label| !label.is_empty())
        && !PRIVATE_SUFFIXES.iter().any(is_private)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_name_is_taken_and_whatever_leads_inside_is_told_by_its_field() {
        let taken = public_https("url", "https://Hooks.Example.com./a?b=c").unwrap();
        assert_eq!(taken.as_str(), "https://hooks.example.com/a?b=c");
        for refused in [
            "http://hooks.example.com/",
            "https://user@hooks.example.com/",
            "https://hooks.example.com:8443/",
            "https://127.0.0.1/",
            "https://[fd00:ec2::254]/",
            "https://0xa9fea9fe/",
            "https://metadata.google.internal/",
            "https://localhost/",
            "https://intranet/",
            "ftp://hooks.example.com/",
            "hooks.example.com",
            "",
        ] {
            let problem = public_https("url", refused).unwrap_err();
            assert_eq!(problem.field, "url", "{refused}");
        }
        let long = format!("https://hooks.example.com/{}", "a".repeat(CHARS_MAX));
        assert!(public_https("url", &long).is_err());
    }
}

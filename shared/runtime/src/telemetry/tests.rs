//! How much is logged, and which settings of it are refused.

use super::*;

fn of<'v>(pairs: &'v [(&'v str, &'v str)]) -> impl Fn(&str) -> Option<String> + Copy + 'v {
    move |name| {
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}

#[test]
fn a_level_is_that_of_our_own_crates_and_ours_wins_over_that_of_the_platform() {
    let ours = "store=debug";
    for (set, expected) in [
        (
            vec![("LOG_LEVEL", "debug"), ("AWS_LAMBDA_LOG_LEVEL", "INFO")],
            ours,
        ),
        (vec![("DEBUG", "true"), ("RUST_LOG", "warn")], ours),
        (vec![("AWS_LAMBDA_LOG_LEVEL", "DEBUG")], ours),
        (
            vec![("DEBUG", "*"), ("RUST_LOG", "warn")],
            "warn,hyper=warn",
        ),
        (vec![("RUST_LOG", "info,store=trace")], "info,store=trace,"),
        (vec![], "info,hyper=warn"),
    ] {
        let levels = levels(of(&set));
        assert!(levels.contains(expected), "{set:?}: {levels}");
        assert!(levels.parse::<Targets>().is_ok(), "{levels}");
        let everybody = levels.split(',').next().unwrap();
        assert!(!everybody.contains("debug"), "{levels}");
    }
}

#[test]
fn a_dsn_or_a_share_that_cannot_be_used_is_told_by_its_name_alone() {
    let reports = |dsn: &str, rate: &str| {
        let variables = [("SENTRY_DSN", dsn), ("SENTRY_SAMPLE_RATE", rate)];
        reports_of("asset-worker", &Variables::from_pairs(variables))
    };
    let good = "https://k3y@o1.ingest.sentry.io/7";
    assert!(reports("", "").unwrap().is_none());
    assert!(reports(good, "").unwrap().is_some());
    assert!(reports(good, "0.1").unwrap().is_some());
    for (dsn, rate, name) in [
        ("k3y@nowhere", "", "SENTRY_DSN is not usable"),
        (good, "2", "SENTRY_SAMPLE_RATE is not usable"),
        (good, "some", "SENTRY_SAMPLE_RATE is not usable"),
    ] {
        let told = reports(dsn, rate).unwrap_err().to_string();
        assert!(told.starts_with(name) && !told.contains("k3y"), "{told}");
    }
}

#[test]
fn metrics_are_kept_where_a_namespace_says_so() {
    assert!(metrics_of(of(&[("ENVIRONMENT", "staging")])).is_none());
    let metrics = metrics_of(of(&[("METRICS_NAMESPACE", "Storytailor")])).unwrap();
    assert_eq!(
        (metrics.namespace.as_str(), metrics.environment.as_str()),
        ("Storytailor", "local")
    );
}

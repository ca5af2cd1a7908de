//! What becomes of a job whose work stops in an unexpected way.

use super::*;
use crate::test_services::{TestServices, Verdict, job, story_work};
use domain::FailureCode;
use runtime::{Deadline, Shutdown};
use serde_json::{Value, json};

#[tokio::test]
async fn what_a_job_paid_for_before_it_panicked_is_recorded_with_its_failure() {
    let services = TestServices::default();
    services.judge([Verdict::Panic]);
    let deps = services.deps("https://assets.example.com").await;
    let (_asking, shutdown) = Shutdown::by_hand();
    let invocation = Invocation::new(
        "request",
        Deadline::after(Duration::from_secs(60)),
        shutdown,
    );
    let cover = job(AssetType::Cover, 1, Value::Null, Value::Null);

    let report = run(deps, invocation, story_work(), vec![cover]).await;

    assert_eq!(report.assets["cover"], "failed");
    let failures = services.failures();
    let [failure] = failures.as_slice() else {
        panic!("told of {} failures", failures.len());
    };
    assert_eq!(failure["p_error_code"], json!(FailureCode::Internal));
    assert_eq!(failure["p_usage"][0]["kind"], "picture", "{failure}");
}

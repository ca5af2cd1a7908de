//! The bucket of assets and the distribution before it.

use super::document::{sub, template};
use serde_json::{Value, json};

#[test]
fn assets_are_private_kept_and_read_through_the_distribution_only() {
    let template = template();
    let bucket = &template["Resources"]["AssetsBucket"];
    // Not that of a first deployment that failed: its name would be taken for the second.
    assert_eq!(bucket["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(bucket["UpdateReplacePolicy"], "Retain");
    let locks = &bucket["Properties"]["PublicAccessBlockConfiguration"];
    for lock in [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ] {
        assert_eq!(locks[lock], true, "{lock}");
    }
    let name = &bucket["Properties"]["BucketName"]["!If"];
    assert_eq!(name[2], sub("storytailor-assets-${Environment}"));
    let policy =
        &template["Resources"]["AssetsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"];
    let allowed: Vec<&Value> = policy
        .as_array()
        .expect("statements")
        .iter()
        .filter(|s| s["Effect"] == "Allow")
        .collect();
    assert_eq!(allowed.len(), 1);
    assert_eq!(
        allowed[0]["Principal"],
        json!({ "Service": "cloudfront.amazonaws.com" })
    );
    assert!(
        !allowed[0]["Condition"]["StringEquals"]["AWS:SourceArn"].is_null(),
        "any distribution could read"
    );
    assert_eq!(allowed[0]["Action"], "s3:GetObject");
    assert_eq!(
        allowed[0]["Resource"],
        json!([
            sub("${AssetsBucket.Arn}/stories/*"),
            sub("${AssetsBucket.Arn}/app/*")
        ]),
        "drafts are read by nobody outside"
    );
}

#[test]
fn drafts_and_uploads_are_forgotten_after_some_days_and_published_files_never() {
    let template = template();
    let bucket = &template["Resources"]["AssetsBucket"]["Properties"];
    let rules = bucket["LifecycleConfiguration"]["Rules"]
        .as_array()
        .expect("rules");
    let forgetting: Vec<&Value> = rules
        .iter()
        .filter(|rule| !rule["ExpirationInDays"].is_null())
        .collect();
    let terms = forgetting.iter().map(|rule| {
        assert_eq!(rule["Status"], "Enabled");
        (
            rule["Prefix"].as_str().unwrap_or_default(),
            rule["ExpirationInDays"].as_i64(),
        )
    });
    let terms: Vec<_> = terms.collect();
    assert_eq!(
        terms,
        [
            ("drafts/", Some(3)),
            ("exchanges/", Some(14)),
            ("uploads/", Some(1))
        ]
    );
}

#[test]
fn a_page_of_any_origin_may_fetch_a_picture_and_show_a_book_in_a_frame() {
    let template = template();
    let distribution =
        &template["Resources"]["AssetsDistribution"]["Properties"]["DistributionConfig"];
    assert_eq!(
        distribution["DefaultCacheBehavior"]["ResponseHeadersPolicyId"],
        json!({ "!Ref": "AssetsHeaders" })
    );
    let headers =
        &template["Resources"]["AssetsHeaders"]["Properties"]["ResponseHeadersPolicyConfig"];
    assert_eq!(
        headers["CorsConfig"]["AccessControlAllowOrigins"]["Items"],
        json!(["*"])
    );
    let security = headers["SecurityHeadersConfig"]
        .as_object()
        .expect("headers");
    assert!(security.contains_key("ContentTypeOptions"));
    assert!(!security.contains_key("FrameOptions"));
}

#[test]
fn the_page_is_served_under_the_policy_that_the_local_stack_tries_it_under() {
    let template = template();
    let resources = &template["Resources"];
    let behaviours =
        &resources["AssetsDistribution"]["Properties"]["DistributionConfig"]["CacheBehaviors"];
    assert_eq!(behaviours[0]["PathPattern"], "app/*");
    assert_eq!(
        behaviours[0]["ResponseHeadersPolicyId"],
        json!({"!Ref": "PageHeaders"})
    );
    let headers = &resources["PageHeaders"]["Properties"]["ResponseHeadersPolicyConfig"];
    let policy =
        &headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]["!Sub"];
    let policy = policy[0].as_str().expect("a policy");
    let api = "https://*.lambda-url.${AWS::Region}.on.aws";
    let bucket = "https://${AssetsBucket.RegionalDomainName}";
    let local = stack::page::content_security_policy(api, "https://${Host}", bucket);
    assert_eq!(policy.replace("${SupabaseUrl}", "https://${Host}"), local);
}

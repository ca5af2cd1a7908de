//! A bucket of small pages, which may lie about what it deleted.

use super::*;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use url::form_urlencoded;

const STORY: &str = "00000000-0000-4000-8000-000000000007";
const OTHER: &str = "00000000-0000-4000-8000-000000000008";
const CDN: &str = "https://assets.example.com";
const PAGE: usize = 2;

#[derive(Clone, Default)]
struct Bucket(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    keys: BTreeSet<String>,
    /// Deletions that are answered as done, and are not.
    lies: usize,
}

impl Bucket {
    async fn files(&self) -> AssetFiles {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let key = Credentials::new("key", "secret", None, None, "test");
        let aws = aws_types::SdkConfig::builder()
            .http_client(runtime::SdkHttp::default())
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&base)
            .credentials_provider(SharedCredentialsProvider::new(key))
            .build();
        let cdn = CDN.parse().unwrap();
        AssetFiles::new(async { aws }, true, "assets".to_owned(), cdn)
    }

    fn hold(&self, keys: &[String]) {
        self.0.lock().unwrap().keys.extend(keys.iter().cloned());
    }

    fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().keys.iter().cloned().collect()
    }
}

async fn answer(State(bucket): State<Bucket>, request: Request) -> Response {
    let mut held = bucket.0.lock().unwrap();
    if request.method() == Method::DELETE {
        let key = request.uri().path().trim_start_matches("/assets/");
        if held.lies > 0 {
            held.lies -= 1;
        } else {
            held.keys.remove(key);
        }
        return StatusCode::NO_CONTENT.into_response();
    }
    let query = request.uri().query().unwrap_or_default();
    let asked: HashMap<_, _> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let after = asked.get("continuation-token").cloned().unwrap_or_default();
    let below = held
        .keys
        .iter()
        .filter(|key| key.starts_with(&asked["prefix"]) && **key > after);
    let below: Vec<_> = below.collect();
    let page = &below[..below.len().min(PAGE)];
    let contents: String = page
        .iter()
        .map(|key| format!("<Contents><Key>{key}</Key></Contents>"))
        .collect();
    let next = match page.last() {
        Some(last) if below.len() > PAGE => format!(
            "<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>"
        ),
        _ => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    format!("<ListBucketResult>{next}{contents}</ListBucketResult>").into_response()
}

fn story() -> StoryId {
    STORY.parse().unwrap()
}

#[tokio::test]
async fn everything_of_a_story_goes_page_by_page_and_nothing_of_another() {
    let bucket = Bucket::default();
    let other = format!("stories/{OTHER}/cover-v1-a1-0123456789abcdef.png");
    let mut keys = vec![
        other.clone(),
        format!("drafts/stories/{STORY}/a.png"),
        format!("snapshots/stories/{STORY}/v7.json"),
    ];
    keys.extend((0..5).map(|n| format!("stories/{STORY}/{n}.png")));
    bucket.hold(&keys);
    let files = bucket.files().await;
    assert_eq!(files.delete_story(story()).await.unwrap(), 7);
    assert_eq!(bucket.keys(), [other]);
    assert_eq!(files.delete_story(story()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_deletion_that_was_none_is_repeated_and_told_when_that_does_not_help() {
    let bucket = Bucket::default();
    bucket.hold(&[format!("stories/{STORY}/a.png")]);
    let files = bucket.files().await;
    bucket.0.lock().unwrap().lies = 1;
    assert_eq!(files.delete_story(story()).await.unwrap(), 1);
    assert_eq!(bucket.keys(), [""; 0]);

    bucket.hold(&[format!("stories/{STORY}/a.png")]);
    bucket.0.lock().unwrap().lies = usize::MAX;
    assert!(files.delete_story(story()).await.is_err());
}

#[tokio::test]
async fn an_orphan_is_of_an_attempt_that_ended_without_a_version_and_named_by_nobody() {
    let bucket = Bucket::default();
    let file = |name: &str| format!("stories/{STORY}/{name}");
    let orphan = file("cover-v1-a1-0123456789abcdef.png");
    let beside = file("cover-v1-a1-0123456789abcdef.small.jpg");
    let named = file("cover-v1-a1-00000000000000ff.png");
    let beside_named = file("cover-v1-a1-00000000000000ff.small.jpg");
    let of_another = file("cover-v1-a2-0123456789abcdef.png");
    let of_another_asset = file("scene_1-v1-a1-0123456789abcdef.png");
    let older_form = file("cover-v1-0123456789abcdef.png");
    let draft = format!("drafts/stories/{STORY}/cover-v1-0123456789abcdef-a1-1.png");
    let mut kept = [
        draft,
        older_form,
        named.clone(),
        beside_named,
        of_another,
        of_another_asset,
    ];
    kept.sort();
    bucket.hold(&kept);
    bucket.hold(&[orphan, beside]);
    let ended = BTreeSet::from([(AssetType::Cover, 1)]);
    let addresses = [format!("{CDN}/{named}")];
    let files = bucket.files().await;
    let deleted = files.delete_orphans(story(), &addresses, &ended).await;
    assert_eq!(deleted.unwrap(), 2);
    assert_eq!(bucket.keys(), kept);
}

//! The real S3 client writes, a plain HTTP client reads through the CDN.

use super::*;
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    primitives::ByteStream,
};
use reqwest::header::{CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RANGE};

const BUCKET: &str = "assets";

struct Served {
    folder: PathBuf,
    base: String,
    faults: FileFaults,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Served {
    async fn new() -> Self {
        let folder =
            std::env::temp_dir().join(format!("storytailor-files-{}", uuid::Uuid::new_v4()));
        let server = FilesServer::open(&folder, BUCKET, "local", "local-secret").unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = server.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            folder,
            base,
            faults: server.faults().clone(),
        }
    }

    fn client(&self, secret: &str) -> Client {
        let key = Credentials::builder()
            .access_key_id("local")
            .secret_access_key(secret)
            .provider_name("test")
            .build();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.base)
            .force_path_style(true)
            .http_client(runtime::SdkHttp::default())
            .retry_config(RetryConfig::disabled())
            .credentials_provider(key)
            .build();
        Client::from_conf(config)
    }

    async fn put(&self, secret: &str, key: &str, text: &'static [u8]) -> Result<(), String> {
        self.client(secret)
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .content_type("audio/mpeg")
            .cache_control("public, max-age=31536000")
            .body(ByteStream::from_static(text))
            .send()
            .await
            .map(drop)
            .map_err(|error| format!("{:?}", error.into_service_error()))
    }

    fn cdn(&self, key: &str) -> String {
        format!("{}/cdn/{key}", self.base)
    }
}

#[tokio::test]
async fn what_is_stored_through_s3_is_read_through_the_cdn_as_it_was_described() {
    let served = Served::new().await;
    served
        .put("local-secret", "stories/1/voice one.mp3", b"0123456789")
        .await
        .unwrap();
    let answer = reqwest::get(served.cdn("stories/1/voice%20one.mp3"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[CONTENT_TYPE], "audio/mpeg");
    assert_eq!(answer.headers()[CACHE_CONTROL], "public, max-age=31536000");
    assert_eq!(answer.headers()["accept-ranges"], "bytes");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let etag = answer.headers()[ETAG].clone();
    assert_eq!(answer.bytes().await.unwrap(), "0123456789");

    let http = reqwest::Client::new();
    let known = http
        .get(served.cdn("stories/1/voice%20one.mp3"))
        .header(IF_NONE_MATCH, etag)
        .send()
        .await
        .unwrap();
    assert_eq!(known.status(), 304);
    let head = http
        .head(served.cdn("stories/1/voice%20one.mp3"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            head.status().as_u16(),
            head.headers()["content-length"].to_str().unwrap()
        ),
        (200, "10")
    );
}

#[tokio::test]
async fn a_player_may_ask_for_a_range() {
    let served = Served::new().await;
    served
        .put("local-secret", "stories/1/voice.mp3", b"0123456789")
        .await
        .unwrap();
    let http = reqwest::Client::new();
    for (range, content_range, bytes) in [
        ("bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=-2", "bytes 8-9/10", "89"),
    ] {
        let answer = http
            .get(served.cdn("stories/1/voice.mp3"))
            .header(RANGE, range)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 206, "{range}");
        assert_eq!(answer.headers()[CONTENT_RANGE], content_range);
        assert_eq!(answer.bytes().await.unwrap(), bytes);
    }
    let beyond = http
        .get(served.cdn("stories/1/voice.mp3"))
        .header(RANGE, "bytes=10-")
        .send()
        .await
        .unwrap();
    assert_eq!(beyond.status(), 416);
    let preflight = http
        .request(reqwest::Method::OPTIONS, served.cdn("stories/1/voice.mp3"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        preflight.headers()["access-control-allow-headers"],
        "range, if-none-match"
    );
}

#[tokio::test]
async fn the_cdn_shows_objects_only_and_s3_only_those_who_sign() {
    let served = Served::new().await;
    served
        .put("local-secret", "stories/1/cover.png", b"png")
        .await
        .unwrap();
    assert_eq!(
        reqwest::get(served.cdn("stories/1/missing.png"))
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(
        reqwest::get(served.cdn("stories%2F..%2F..%2Fassets%2Fstories%2F1%2Fcover.png"))
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(
        reqwest::get(format!("{}/{BUCKET}/stories/1/cover.png", served.base))
            .await
            .unwrap()
            .status(),
        403
    );
    let refused = served
        .put("wrong", "stories/1/cover.png", b"other")
        .await
        .unwrap_err();
    assert!(refused.contains("SignatureDoesNotMatch"), "{refused}");
}

#[tokio::test]
async fn the_cdn_serves_published_files_and_no_drafts() {
    let served = Served::new().await;
    for key in ["drafts/stories/1/cover.png", "stories/1/cover.png"] {
        served.put("local-secret", key, b"png").await.unwrap();
    }
    let status = async |key: &str| reqwest::get(served.cdn(key)).await.unwrap().status();
    assert_eq!(status("stories/1/cover.png").await, 200);
    for hidden in [
        "drafts/stories/1/cover.png",
        "drafts%2Fstories%2F1%2Fcover.png",
        "%64rafts/stories/1/cover.png",
        "/drafts/stories/1/cover.png",
        "Stories/1/cover.png",
    ] {
        assert_eq!(status(hidden).await, 403, "of {hidden}");
    }
    assert_eq!(
        status("stories%2F..%2Fdrafts%2Fstories%2F1%2Fcover.png").await,
        404
    );
}

#[tokio::test]
async fn faults_refuse_their_share_of_the_writes_and_no_reading() {
    let served = Served::new().await;
    served.faults.refuse(0.25);
    let mut refused = 0;
    for _ in 0..8 {
        if let Err(error) = served
            .put("local-secret", "stories/1/cover.png", b"png")
            .await
        {
            assert!(error.contains("SlowDown"), "{error}");
            refused += 1;
        }
    }
    assert_eq!(refused, 2);
    served.faults.refuse(1.0);
    assert!(
        served
            .put("local-secret", "stories/1/cover.png", b"png")
            .await
            .is_err()
    );
    assert_eq!(
        reqwest::get(served.cdn("stories/1/cover.png"))
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_holds_an_error_is_no_success_and_only_the_first_stored_anything()
 {
    let served = Served::new().await;
    served
        .faults
        .strike(1.0, &[FileFault::Cut, FileFault::ErrorInside]);
    for key in ["stories/1/cut.png", "stories/1/inside.png"] {
        let answer = served.put("local-secret", key, b"png").await;
        assert!(answer.is_err(), "{key}");
    }
    served.faults.strike(0.0, &[]);
    let stored = async |key: &str| reqwest::get(served.cdn(key)).await.unwrap().status();
    assert_eq!(stored("stories/1/cut.png").await, 200);
    assert_eq!(stored("stories/1/inside.png").await, 404);
    assert_eq!(
        (
            served.faults.struck(),
            served.faults.uploads_of_one_key_max("stories/")
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn a_folder_is_no_object() {
    let served = Served::new().await;
    served
        .put("local-secret", "stories/1/cover.png", b"png")
        .await
        .unwrap();
    for key in ["stories/", "stories/1", "stories/2"] {
        let answer = reqwest::get(served.cdn(key)).await.unwrap();
        assert_eq!(answer.status(), 404, "{key}");
    }
}

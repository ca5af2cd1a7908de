//! What the CDN keeps of files that are deleted: invalidated by one signed call to CloudFront's API.

use crate::{
    StoreError,
    signed::{Problem, SignedCalls, Target},
};
use aws_types::SdkConfig;
use domain::StoryId;
use uuid::Uuid;

/// CloudFront is one service for the world, and signed for as if it stood there.
const ENDPOINT: &str = "https://cloudfront.amazonaws.com";
const REGION: &str = "us-east-1";
/// Paths with a wildcard that one distribution takes at a time.
const PATHS_MAX: usize = 15;

/// The distribution in front of the bucket.
#[derive(Clone, Debug)]
pub struct Cdn {
    calls: SignedCalls,
    distribution: Option<String>,
}

/// CloudFront took the call for a bad one, or cannot take it now.
#[derive(Debug, thiserror::Error)]
#[error("CloudFront answered HTTP {status}: {answer}")]
struct Refused {
    status: u16,
    answer: String,
}

impl Cdn {
    /// Without a distribution nothing is invalidated. `aws` is awaited with the first call.
    pub fn new(
        aws: impl Future<Output = SdkConfig> + Send + 'static,
        http: reqwest::Client,
        distribution: Option<String>,
    ) -> Self {
        Self {
            calls: SignedCalls::new(aws, http),
            distribution,
        }
    }

    /// Has the CDN forget the files of these stories; of many at once it forgets those of all stories, which are fetched
    /// from the bucket again. Repeated under the same `reference` it is one invalidation. False where there is no CDN to
    /// tell.
    ///
    /// # Errors
    /// When CloudFront does not take it, for one because too many invalidations are under way.
    pub async fn invalidate(
        &self,
        stories: &[StoryId],
        reference: Uuid,
    ) -> Result<bool, StoreError> {
        let Some(distribution) = &self.distribution else {
            return Ok(false);
        };
        let batch = batch(&paths(stories), reference);
        let sent = self.send(distribution, batch).await;
        sent.map(|()| true).map_err(|source| StoreError::Files {
            attempted: format!("invalidate files of {} stories in the CDN", stories.len()),
            source,
        })
    }

    async fn send(&self, distribution: &str, batch: String) -> Result<(), Problem> {
        let endpoint = self.calls.endpoint("CloudFront").await?;
        let endpoint = endpoint.unwrap_or_else(|| ENDPOINT.to_owned());
        let url = format!("{endpoint}/2020-05-31/distribution/{distribution}/invalidation");
        let target = Target {
            service: "cloudfront",
            region: REGION,
            url: &url,
            content_type: "application/xml",
        };
        let answer = self.calls.post(&target, batch).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let answer = answer.text().await.unwrap_or_default();
        Err(Box::new(Refused {
            status: status.as_u16(),
            answer: answer.chars().take(300).collect(),
        }))
    }
}

fn paths(stories: &[StoryId]) -> Vec<String> {
    if stories.len() > PATHS_MAX {
        return vec!["/stories/*".to_owned()];
    }
    let of_story = |story| format!("/stories/{story}/*");
    stories.iter().map(of_story).collect()
}

fn batch(paths: &[String], reference: Uuid) -> String {
    let items: String = paths
        .iter()
        .map(|path| format!("<Path>{path}</Path>"))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <Paths><Quantity>{}</Quantity><Items>{items}</Items></Paths>\
         <CallerReference>{reference}</CallerReference></InvalidationBatch>",
        paths.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
    use axum::{Router, extract::State, http::StatusCode, routing::post};
    use std::sync::{Arc, Mutex};

    const STORY: &str = "00000000-0000-4000-8000-000000000007";
    const REFERENCE: Uuid = Uuid::from_u128(9);

    /// Where CloudFront is in these tests.
    #[derive(Debug)]
    struct At(String);

    impl LoadServiceConfig for At {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            (key.service_id() == "CloudFront").then(|| self.0.clone())
        }
    }

    type Heard = Arc<Mutex<Vec<(String, String)>>>;

    /// A distribution whose API answers like this, and what it heard: the signature and the body.
    async fn cdn(status: u16) -> (Cdn, Heard) {
        let heard = Heard::default();
        let take = async move |State(heard): State<Heard>,
                               headers: axum::http::HeaderMap,
                               body: String| {
            let signature = headers["authorization"].to_str().unwrap().to_owned();
            heard.lock().unwrap().push((signature, body));
            StatusCode::from_u16(status).unwrap()
        };
        let path = "/2020-05-31/distribution/E1/invalidation";
        let router = Router::new()
            .route(path, post(take))
            .with_state(heard.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let key = Credentials::new("AKID", "secret", Some("token".to_owned()), None, "test");
        let aws = SdkConfig::builder()
            .credentials_provider(SharedCredentialsProvider::new(key))
            .service_config(At(base))
            .build();
        let cdn = Cdn::new(async { aws }, reqwest::Client::new(), Some("E1".to_owned()));
        (cdn, heard)
    }

    #[tokio::test]
    async fn one_signed_call_names_the_files_of_every_story() {
        let (cdn, heard) = cdn(201).await;
        let story: StoryId = STORY.parse().unwrap();
        assert!(cdn.invalidate(&[story], REFERENCE).await.unwrap());
        let (signature, body) = heard.lock().unwrap().pop().unwrap();
        assert!(
            signature.contains("/us-east-1/cloudfront/aws4_request"),
            "{signature}"
        );
        assert!(signature.contains("x-amz-security-token"), "{signature}");
        assert!(body.contains(&format!("<Path>/stories/{STORY}/*</Path>")));
        assert!(body.contains(&REFERENCE.to_string()));
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_and_without_a_distribution_nobody_is_asked() {
        let (mut cdn, heard) = cdn(429).await;
        assert!(cdn.invalidate(&[], REFERENCE).await.is_err());
        cdn.distribution = None;
        assert!(!cdn.invalidate(&[], REFERENCE).await.unwrap());
        assert_eq!(heard.lock().unwrap().len(), 1);
    }

    #[test]
    fn more_stories_than_cloudfront_takes_at_a_time_are_one_path() {
        let stories = [STORY.parse().unwrap(); PATHS_MAX + 1];
        assert_eq!(paths(&stories[1..]).len(), PATHS_MAX);
        assert_eq!(paths(&stories), ["/stories/*"]);
    }
}

//! Mail, by one signed call to SES's API.

use crate::signed::{Problem, SignedCalls, Target};
use aws_types::SdkConfig;
use serde::Deserialize;
use serde_json::json;

/// Who sends, and through what.
#[derive(Clone, Debug)]
pub struct Mailer {
    calls: SignedCalls,
    from: String,
    configuration_set: Option<String>,
}

/// One mail. It has no Debug form: an address and a family's words are in it.
pub struct Mail {
    /// One address.
    pub to: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    /// Beside those of every mail.
    pub headers: Vec<(&'static str, String)>,
    /// Comes back with what SES reports of this mail.
    pub notice: i64,
}

/// SES did not take a mail. Its own words are left out: they quote addresses.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("SES answered HTTP {status} {kind}")]
    Refused { status: u16, kind: String },
    #[error("could not reach SES")]
    Unreachable(#[source] Problem),
}

/// Of SES, and of nobody else.
const PATH: &str = "/v2/email/outbound-emails";
const CHARSET: &str = "UTF-8";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Taken {
    message_id: String,
}

impl Mailer {
    /// `from` is an address, or a name with one in angle brackets. `aws` is awaited with the first mail. What SES reports of a
    /// mail goes where the configuration set says.
    pub fn new(
        aws: impl Future<Output = SdkConfig> + Send + 'static,
        http: reqwest::Client,
        from: String,
        configuration_set: Option<String>,
    ) -> Self {
        Self {
            calls: SignedCalls::new(aws, http),
            from,
            configuration_set,
        }
    }

    /// Hands a mail to SES and answers its number there. Repeated, it is another mail: SES knows no key for that.
    pub async fn send(&self, mail: &Mail) -> Result<String, MailError> {
        let answer = self.post(mail).await.map_err(MailError::Unreachable)?;
        let status = answer.status();
        if !status.is_success() {
            let kind = answer.headers().get("x-amzn-errortype");
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            return Err(MailError::Refused {
                status: status.as_u16(),
                kind: kind.split(':').next().unwrap_or_default().to_owned(),
            });
        }
        let taken: Taken = answer
            .json()
            .await
            .map_err(|error| MailError::Unreachable(error.into()))?;
        Ok(taken.message_id)
    }

    async fn post(&self, mail: &Mail) -> Result<reqwest::Response, Problem> {
        let region = self.calls.region().await?;
        let endpoint = self.calls.endpoint("SESv2").await?;
        let endpoint = endpoint.unwrap_or_else(|| format!("https://email.{region}.amazonaws.com"));
        let part = |data: &str| json!({"Data": data, "Charset": CHARSET});
        let headers = mail.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| json!({"Name": name, "Value": value}))
            .collect();
        let mut body = json!({
            "FromEmailAddress": self.from,
            "Destination": {"ToAddresses": [mail.to]},
            "Content": {"Simple": {
                "Subject": part(&mail.subject),
                "Body": {"Html": part(&mail.html), "Text": part(&mail.text)},
                "Headers": headers,
            }},
            "EmailTags": [{"Name": "notice", "Value": mail.notice.to_string()}],
        });
        if let Some(set) = &self.configuration_set {
            body["ConfigurationSetName"] = json!(set);
        }
        let target = Target {
            service: "ses",
            region: &region,
            url: &format!("{endpoint}{PATH}"),
            content_type: "application/json",
        };
        self.calls.post(&target, body.to_string()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_types::{
        region::Region,
        service_config::{LoadServiceConfig, ServiceConfigKey},
    };
    use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
    use serde_json::Value;
    use std::sync::{Arc, Mutex};

    #[derive(Debug)]
    struct At(String);

    impl LoadServiceConfig for At {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            (key.service_id() == "SESv2").then(|| self.0.clone())
        }
    }

    type Heard = Arc<Mutex<Vec<(String, Value)>>>;

    /// SES that answers with this status, and what it heard: signature and body.
    async fn ses(status: u16) -> (Mailer, Heard) {
        let heard = Heard::default();
        let take =
            async move |State(heard): State<Heard>, headers: HeaderMap, Json(body): Json<Value>| {
                let signature = headers["authorization"].to_str().unwrap().to_owned();
                heard.lock().unwrap().push((signature, body));
                axum::http::Response::builder()
                    .status(status)
                    .header("x-amzn-errortype", "MessageRejected:http://internal")
                    .body(
                        r#"{"MessageId":"0100","message":"secret@example.com is not verified"}"#
                            .to_owned(),
                    )
                    .unwrap()
            };
        let router = Router::new()
            .route(PATH, post(take))
            .with_state(heard.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let key = Credentials::new("AKID", "secret", None, None, "test");
        let aws = SdkConfig::builder()
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(key))
            .service_config(At(base))
            .build();
        let from = "Storytailor <stories@example.com>".to_owned();
        let set = Some("storytailor-test".to_owned());
        let mailer = Mailer::new(async { aws }, reqwest::Client::new(), from, set);
        (mailer, heard)
    }

    fn mail() -> Mail {
        Mail {
            to: "a@example.com".to_owned(),
            subject: "Hello".to_owned(),
            html: "<p>Hello</p>".to_owned(),
            text: "Hello".to_owned(),
            headers: vec![("X-Notice-Kind", "ready".to_owned())],
            notice: 7,
        }
    }

    #[tokio::test]
    async fn a_mail_is_one_signed_call_with_its_headers_and_the_number_of_its_notice() {
        let (mailer, heard) = ses(200).await;
        assert_eq!(mailer.send(&mail()).await.unwrap(), "0100");
        let (signature, body) = heard.lock().unwrap().pop().unwrap();
        assert!(
            signature.contains("/eu-west-1/ses/aws4_request"),
            "{signature}"
        );
        let simple = &body["Content"]["Simple"];
        assert_eq!(simple["Body"]["Html"]["Data"], "<p>Hello</p>");
        let headers = json!([{"Name": "X-Notice-Kind", "Value": "ready"}]);
        assert_eq!(simple["Headers"], headers);
        assert_eq!(body["Destination"]["ToAddresses"], json!(["a@example.com"]));
        let tags = json!([{"Name": "notice", "Value": "7"}]);
        assert_eq!(body["EmailTags"], tags);
        assert_eq!(body["ConfigurationSetName"], "storytailor-test");
    }

    #[tokio::test]
    async fn a_refusal_is_told_by_its_kind_and_without_an_address() {
        let (mailer, _) = ses(400).await;
        let told = mailer.send(&mail()).await.unwrap_err().to_string();
        assert_eq!(told, "SES answered HTTP 400 MessageRejected");
    }
}

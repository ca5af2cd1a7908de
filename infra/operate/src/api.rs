//! A client of the REST API, as a front end would write one.

use serde_json::{Value, json};

/// The API said no, or nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("could not reach the API to {attempted}")]
    Unreachable {
        attempted: &'static str,
        #[source]
        source: reqwest::Error,
    },
    #[error("the API refused to {attempted}: HTTP {status}, {code}: {message}")]
    Refused {
        attempted: &'static str,
        status: u16,
        code: String,
        message: String,
    },
}

/// The API as one signed-in user sees it.
#[derive(Clone, Debug)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Api {
    /// `base` is `API_URL`.
    pub fn new(base: &str, token: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            base: format!("{base}/api/v1"),
            token: token.to_owned(),
        }
    }

    pub async fn create_character(&self, character: &Value) -> Result<Value, ApiError> {
        self.post("make a character", "/characters", character)
            .await
    }

    pub async fn create_story(&self, request: &Value) -> Result<Value, ApiError> {
        self.post("make a story", "/stories", request).await
    }

    pub async fn story(&self, id: &str) -> Result<Value, ApiError> {
        let request = self.http.get(format!("{}/stories/{id}", self.base));
        self.send("show the story", request).await
    }

    /// `DELETE /users/me`.
    pub async fn delete_account(&self) -> Result<Value, ApiError> {
        let request = self.http.delete(format!("{}/users/me", self.base));
        self.send("delete the account", request).await
    }

    /// `POST /stories/{id}/assets/{verb}`.
    pub async fn steer(&self, id: &str, verb: &str, body: &Value) -> Result<Value, ApiError> {
        let path = format!("/stories/{id}/assets/{verb}");
        self.post("change the assets", &path, body).await
    }

    async fn post(
        &self,
        attempted: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Value, ApiError> {
        let request = self.http.post(format!("{}{path}", self.base));
        self.send(attempted, request.json(body)).await
    }

    /// The `data` of the envelope.
    async fn send(
        &self,
        attempted: &'static str,
        request: reqwest::RequestBuilder,
    ) -> Result<Value, ApiError> {
        let unreachable = |source| ApiError::Unreachable { attempted, source };
        let response = request
            .bearer_auth(&self.token)
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        let mut body: Value = response.json().await.unwrap_or_else(|_| json!({}));
        if status.is_success() {
            return Ok(body["data"].take());
        }
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        Err(ApiError::Refused {
            attempted,
            status: status.as_u16(),
            code: text("code"),
            message: text("message"),
        })
    }
}

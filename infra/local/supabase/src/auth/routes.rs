//! The routes below `/auth/v1`, as `@supabase/auth-js` calls them.

use std::{collections::HashMap, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    ACCESS_TOKEN_LIFETIME_SECONDS, AuthServer, Claims, User, failure::AuthFailure,
    keys::TokenError, link, sessions::Session,
};

/// The platform's default minimum.
const PASSWORD_CHARACTERS_MIN: usize = 6;

pub(crate) fn router(server: AuthServer) -> Router {
    Router::new()
        .route("/.well-known/jwks.json", get(jwks))
        .route("/signup", post(sign_up))
        .route("/token", post(token))
        .route("/otp", post(mail_link))
        .route("/verify", get(open_link))
        .route("/user", get(current_user))
        .route("/logout", post(sign_out))
        .route("/admin/users", post(add_user))
        .route("/admin/users/{id}", delete(remove_user))
        .route("/health", get(health))
        .with_state(server)
}

type Parameters = Query<HashMap<String, String>>;
pub(super) type Answer = Result<Response, AuthFailure>;

fn render(request: &HeaderMap, answer: Answer) -> Response {
    answer.unwrap_or_else(|failure| failure.answer(request))
}

async fn jwks(State(server): State<AuthServer>) -> Response {
    (
        [(header::CACHE_CONTROL, "public, max-age=600")],
        Json(server.keys.jwks()),
    )
        .into_response()
}

async fn health() -> Json<Value> {
    Json(
        json!({"name": "GoTrue", "description": "local stand-in", "version": env!("CARGO_PKG_VERSION")}),
    )
}

async fn sign_up(State(server): State<AuthServer>, headers: HeaderMap, body: Bytes) -> Response {
    render(&headers, sign_up_user(&server, &body).await)
}

async fn token(
    State(server): State<AuthServer>,
    headers: HeaderMap,
    Query(query): Parameters,
    body: Bytes,
) -> Response {
    let answer = match query.get("grant_type").map(String::as_str) {
        Some("password") => sign_in_with_password(&server, &body).await,
        Some("refresh_token") => refresh(&server, &body).await,
        _ => {
            let message = "unsupported_grant_type";
            Err(AuthFailure::bad_request("validation_failed", message))
        }
    };
    render(&headers, answer)
}

async fn mail_link(
    State(server): State<AuthServer>,
    headers: HeaderMap,
    Query(query): Parameters,
    body: Bytes,
) -> Response {
    let sent = link::send(&server, &headers, &query, &body).await;
    render(&headers, sent)
}

async fn open_link(
    State(server): State<AuthServer>,
    headers: HeaderMap,
    Query(query): Parameters,
) -> Response {
    render(&headers, link::open(&server, &query).await)
}

async fn current_user(State(server): State<AuthServer>, headers: HeaderMap) -> Response {
    render(&headers, show_user(&server, &headers).await)
}

async fn sign_out(
    State(server): State<AuthServer>,
    headers: HeaderMap,
    Query(query): Parameters,
) -> Response {
    let scope = query.get("scope").map_or("global", String::as_str);
    render(&headers, end_sessions(&server, &headers, scope))
}

async fn add_user(State(server): State<AuthServer>, headers: HeaderMap, body: Bytes) -> Response {
    let added = async {
        require_service_role(&server, &headers)?;
        create_user(&server, &body).await
    };
    let answer = added.await.map(|user| Json(user.to_json()).into_response());
    render(&headers, answer)
}

async fn remove_user(
    State(server): State<AuthServer>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Response {
    let removed = async {
        require_service_role(&server, &headers)?;
        match server.accounts.remove(id).await? {
            true => Ok(Json(json!({})).into_response()),
            false => Err(AuthFailure::new(
                StatusCode::NOT_FOUND,
                "user_not_found",
                "User not found",
            )),
        }
    };
    render(&headers, removed.await)
}

/// The gateway of a hosted project makes a token of a secret key; a legacy key is one.
fn require_service_role(server: &AuthServer, headers: &HeaderMap) -> Result<(), AuthFailure> {
    let key = headers.get("apikey").and_then(|key| key.to_str().ok());
    if key == Some(crate::gateway::LOCAL_SECRET_KEY) {
        return Ok(());
    }
    match bearer_claims(server, headers)?.text("role") {
        Some("service_role") => Ok(()),
        _ => Err(AuthFailure::forbidden("not_admin", "User not allowed")),
    }
}

#[derive(Deserialize)]
struct SignUp {
    email: Option<String>,
    password: Option<String>,
    #[serde(default)]
    data: Option<Value>,
}

#[derive(Deserialize)]
struct PasswordGrant {
    email: String,
    password: String,
}

#[derive(Deserialize)]
struct RefreshGrant {
    refresh_token: String,
}

pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, AuthFailure> {
    serde_json::from_slice(body).map_err(|error| {
        AuthFailure::bad_request(
            "bad_json",
            format!("Could not parse request body as JSON: {error}"),
        )
    })
}

async fn sign_up_user(server: &AuthServer, body: &[u8]) -> Answer {
    let user = create_user(server, body).await?;
    Ok(signed_in(server, &user, Uuid::new_v4()))
}

async fn create_user(server: &AuthServer, body: &[u8]) -> Result<User, AuthFailure> {
    let request: SignUp = parse(body)?;
    let metadata = request
        .data
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({}));
    let invalid = |message| AuthFailure::bad_request("validation_failed", message);
    let credentials = match (&request.email, &request.password) {
        (None, _) => None,
        (Some(email), _) if !email.contains('@') => {
            return Err(invalid("Unable to validate email address: invalid format"));
        }
        (Some(_), None) => return Err(invalid("Signup requires a valid password")),
        (Some(_), Some(password)) if password.chars().count() < PASSWORD_CHARACTERS_MIN => {
            let message =
                format!("Password should be at least {PASSWORD_CHARACTERS_MIN} characters.");
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(AuthFailure::new(status, "weak_password", message));
        }
        (Some(email), Some(password)) => Some((email.as_str(), password.as_str())),
    };
    Ok(server.accounts.create(credentials, &metadata).await?)
}

async fn sign_in_with_password(server: &AuthServer, body: &[u8]) -> Answer {
    let grant: PasswordGrant = parse(body)?;
    let user = server
        .accounts
        .by_credentials(&grant.email, &grant.password)
        .await?
        .ok_or_else(AuthFailure::invalid_credentials)?;
    server.accounts.record_sign_in(user.id).await?;
    Ok(signed_in(server, &user, Uuid::new_v4()))
}

async fn refresh(server: &AuthServer, body: &[u8]) -> Answer {
    let grant: RefreshGrant = parse(body)?;
    let message = "Invalid Refresh Token: Refresh Token Not Found";
    let unknown = || AuthFailure::bad_request("refresh_token_not_found", message);
    let session = server
        .sessions
        .redeem(&server.keys, &grant.refresh_token)
        .ok_or_else(unknown)?;
    let user = server
        .accounts
        .by_id(session.user)
        .await?
        .ok_or_else(unknown)?;
    Ok(signed_in(server, &user, session.id))
}

fn signed_in(server: &AuthServer, user: &User, session: Uuid) -> Response {
    Json(session_of(server, user, session)).into_response()
}

pub(super) fn session_of(server: &AuthServer, user: &User, session: Uuid) -> Value {
    let lifetime = Duration::from_secs(ACCESS_TOKEN_LIFETIME_SECONDS);
    let access_token = server.keys.access_token_in_session(user, session, lifetime);
    let claims = server.keys.verify(&access_token).ok();
    json!({
        "access_token": access_token,
        "token_type": "bearer",
        "expires_in": ACCESS_TOKEN_LIFETIME_SECONDS,
        "expires_at": claims.map(|claims| claims.expires_at_unix()),
        "refresh_token": server.sessions.issue(&server.keys, Session { id: session, user: user.id }),
        "user": user.to_json(),
    })
}

async fn show_user(server: &AuthServer, headers: &HeaderMap) -> Answer {
    let claims = bearer_claims(server, headers)?;
    let message = "User from sub claim in JWT does not exist";
    let missing = || AuthFailure::forbidden("user_not_found", message);
    let id = user_id(&claims)?;
    let user = server.accounts.by_id(id).await?.ok_or_else(missing)?;
    Ok(Json(user.to_json()).into_response())
}

fn end_sessions(server: &AuthServer, headers: &HeaderMap, scope: &str) -> Answer {
    let claims = bearer_claims(server, headers)?;
    let session = claims.text("session_id").and_then(|id| id.parse().ok());
    match (scope, session) {
        ("local", Some(session)) => server.sessions.end(session),
        ("others", session) => server.sessions.end_all_of(user_id(&claims)?, session),
        _ => server.sessions.end_all_of(user_id(&claims)?, None),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn user_id(claims: &Claims) -> Result<Uuid, AuthFailure> {
    let id = claims.subject().and_then(|subject| subject.parse().ok());
    id.ok_or_else(|| AuthFailure::forbidden("bad_jwt", "invalid claim: missing sub claim"))
}

fn bearer_claims(server: &AuthServer, headers: &HeaderMap) -> Result<Claims, AuthFailure> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .filter(|token| !token.starts_with("sb_"))
        .ok_or_else(|| {
            let message = "This endpoint requires a valid Bearer token";
            AuthFailure::new(StatusCode::UNAUTHORIZED, "no_authorization", message)
        })?;
    server.keys.verify(token).map_err(|error| {
        let message = match error {
            TokenError::Expired { .. } => "invalid JWT: unable to parse or verify signature, token has invalid claims: token is expired",
            _ => "invalid JWT: unable to parse or verify signature",
        };
        AuthFailure::forbidden("bad_jwt", message)
    })
}

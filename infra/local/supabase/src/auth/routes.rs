//! The routes below `/auth/v1`, as `@supabase/auth-js` calls them.

use std::{collections::HashMap, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    ACCESS_TOKEN_LIFETIME_SECONDS, AuthServer, Claims, User,
    failure::{AuthFailure, name_codes},
    keys::TokenError,
    link,
    sessions::Session,
};

/// The platform's default minimum.
const PASSWORD_CHARACTERS_MIN: usize = 6;

pub(crate) fn router(server: AuthServer) -> Router {
    Router::new()
        .route("/.well-known/jwks.json", get(jwks))
        .route("/signup", post(sign_up))
        .route("/token", post(token))
        .route("/otp", post(link::send))
        .route("/verify", get(link::open))
        .route("/user", get(current_user))
        .route("/logout", post(sign_out))
        .route("/admin/users", post(add_user))
        .route("/admin/users/{id}", delete(remove_user))
        .route("/health", get(health))
        .with_state(server)
        .layer(middleware::from_fn(name_codes))
}

pub(super) type Answer = Result<Response, AuthFailure>;
type Server = State<AuthServer>;
pub(super) type Parameters = Query<HashMap<String, String>>;

async fn jwks(State(server): Server) -> Response {
    let caching = [(header::CACHE_CONTROL, "public, max-age=600")];
    (caching, Json(server.keys.jwks())).into_response()
}

async fn health() -> Json<Value> {
    let version = env!("CARGO_PKG_VERSION");
    Json(json!({"name": "GoTrue", "description": "local stand-in", "version": version}))
}

async fn sign_up(State(server): Server, body: Bytes) -> Answer {
    let user = create_user(&server, &body).await?;
    Ok(signed_in(&server, &user, Uuid::new_v4()))
}

async fn token(State(server): Server, Query(query): Parameters, body: Bytes) -> Answer {
    match query.get("grant_type").map(String::as_str) {
        Some("password") => sign_in_with_password(&server, &body).await,
        Some("refresh_token") => refresh(&server, &body).await,
        _ => {
            let message = "unsupported_grant_type";
            Err(AuthFailure::bad_request("validation_failed", message))
        }
    }
}

async fn sign_in_with_password(server: &AuthServer, body: &[u8]) -> Answer {
    let PasswordGrant { email, password } = parse(body)?;
    let found = server.accounts.by_credentials(&email, &password).await?;
    let user = found.ok_or_else(|| {
        AuthFailure::bad_request("invalid_credentials", "Invalid login credentials")
    })?;
    server.accounts.record_sign_in(user.id).await?;
    Ok(signed_in(server, &user, Uuid::new_v4()))
}

async fn refresh(server: &AuthServer, body: &[u8]) -> Answer {
    let grant: RefreshGrant = parse(body)?;
    let message = "Invalid Refresh Token: Refresh Token Not Found";
    let unknown = || AuthFailure::bad_request("refresh_token_not_found", message);
    let session = server.sessions.redeem(&server.keys, &grant.refresh_token);
    let session = session.ok_or_else(unknown)?;
    let user = server.accounts.by_id(session.user).await?;
    Ok(signed_in(server, &user.ok_or_else(unknown)?, session.id))
}

async fn current_user(State(server): Server, headers: HeaderMap) -> Answer {
    let claims = bearer_claims(&server, &headers)?;
    let message = "User from sub claim in JWT does not exist";
    let missing = || AuthFailure::forbidden("user_not_found", message);
    let user = server.accounts.by_id(user_id(&claims)?).await?;
    Ok(Json(user.ok_or_else(missing)?.to_json()).into_response())
}

async fn sign_out(State(server): Server, headers: HeaderMap, Query(query): Parameters) -> Answer {
    let claims = bearer_claims(&server, &headers)?;
    let session = claims.text("session_id").and_then(|id| id.parse().ok());
    let scope = query.get("scope").map_or("global", String::as_str);
    match (scope, session) {
        ("local", Some(session)) => server.sessions.end(session),
        ("others", session) => server.sessions.end_all_of(user_id(&claims)?, session),
        _ => server.sessions.end_all_of(user_id(&claims)?, None),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn add_user(State(server): Server, headers: HeaderMap, body: Bytes) -> Answer {
    require_service_role(&server, &headers)?;
    let user = create_user(&server, &body).await?;
    Ok(Json(user.to_json()).into_response())
}

async fn remove_user(State(server): Server, headers: HeaderMap, Path(id): Path<Uuid>) -> Answer {
    require_service_role(&server, &headers)?;
    if server.accounts.remove(id).await? {
        return Ok(Json(json!({})).into_response());
    }
    let (status, message) = (StatusCode::NOT_FOUND, "User not found");
    Err(AuthFailure::new(status, "user_not_found", message))
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
    let user = server.accounts.create(credentials, &metadata).await?;
    user.ok_or_else(|| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        AuthFailure::new(status, "user_already_exists", "User already registered")
    })
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

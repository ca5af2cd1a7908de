//! Signing in by a mailed link: an `.eml` file in the folder of mails, whose link works once.

use std::{collections::HashMap, fs};

use axum::{
    Json,
    response::{IntoResponse, Redirect},
};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::{Serializer, byte_serialize};
use uuid::Uuid;

use super::{
    AuthServer, User,
    failure::AuthFailure,
    routes::{Answer, parse, session_of},
    sessions::Session,
};

#[derive(Deserialize)]
struct Wish {
    email: String,
}

/// `POST /otp?redirect_to=…`: whoever has no account yet gets one.
pub(super) async fn send(
    server: &AuthServer,
    headers: &HeaderMap,
    query: &HashMap<String, String>,
    body: &[u8],
) -> Answer {
    let Wish { email } = parse(body)?;
    let user = match server.accounts.by_email(&email).await? {
        Some(user) => user,
        None => {
            let password = Uuid::new_v4().to_string();
            let credentials = Some((email.as_str(), password.as_str()));
            server.accounts.create(credentials, &json!({})).await?
        }
    };
    let session = Session {
        id: Uuid::new_v4(),
        user: user.id,
    };
    let token = server.sessions.issue(&server.keys, session);
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let pairs = Serializer::new(String::new())
        .extend_pairs([
            ("token", token.as_str()),
            ("type", "magiclink"),
            ("redirect_to", back(query)),
        ])
        .finish();
    let link = format!("http://{}/auth/v1/verify?{pairs}", host.unwrap_or_default());
    let mail = format!(
        "From: noreply@storytailor.local\r\nTo: {email}\r\nSubject: Your link to Storytailor\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{link}\r\n"
    );
    let write = || {
        fs::create_dir_all(&server.mails)?;
        fs::write(server.mails.join(format!("{}.eml", session.id)), mail)
    };
    write().map_err(|error| {
        tracing::error!(%error, "a mailed link could not be written");
        AuthFailure::bad_request("email_address_invalid", "The mail could not be written")
    })?;
    Ok(Json(json!({})).into_response())
}

/// `GET /verify`: back to the page, with a session or with the reason why there is none behind `#`.
pub(super) async fn open(server: &AuthServer, query: &HashMap<String, String>) -> Answer {
    let token = query.get("token").map_or("", String::as_str);
    let session = server.sessions.redeem(&server.keys, token);
    let user: Option<User> = match &session {
        Some(session) => server.accounts.by_id(session.user).await?,
        None => None,
    };
    let brought = match (session, user) {
        (Some(session), Some(user)) => {
            server.accounts.record_sign_in(user.id).await?;
            let made = session_of(server, &user, session.id);
            let names = ["access_token", "refresh_token", "expires_in", "expires_at", "token_type"];
            let pairs = names.map(|name| {
                let value = made[name].to_string();
                format!("{name}={}&", byte_serialize(value.trim_matches('"').as_bytes()).collect::<String>())
            });
            pairs.concat() + "type=magiclink"
        }
        _ => "error=access_denied&error_code=otp_expired&error_description=Email+link+is+invalid+or+has+expired".to_owned(),
    };
    Ok(Redirect::to(&format!("{}#{brought}", back(query))).into_response())
}

fn back(query: &HashMap<String, String>) -> &str {
    query.get("redirect_to").map_or("/", String::as_str)
}

//! Refresh tokens: signed rather than stored, so that a browser's session outlives a restart of the
//! local stack; used and revoked ones are remembered for the life of the process.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::json;
use uuid::Uuid;

use super::keys::Keys;

/// A refresh token sent twice within this time is answered again (the platform's
/// `refresh_token_reuse_interval`): two tabs often refresh at once.
const REUSE_INTERVAL: Duration = Duration::from_secs(10);
/// Marks a refresh token. It carries no `role`, so that it never passes for an access token.
const TOKEN_USE: &str = "refresh";

/// Who a refresh token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) user: Uuid,
}

#[derive(Default)]
pub(crate) struct Sessions {
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    used_at: HashMap<Uuid, Instant>,
    ended: HashSet<Uuid>,
    ended_users: HashMap<Uuid, Ended>,
}

struct Ended {
    at_ms: i64,
    except: Option<Uuid>,
}

impl Sessions {
    /// A token that can be exchanged once.
    pub(crate) fn issue(&self, keys: &Keys, session: Session) -> String {
        keys.sign_with_legacy_secret(&json!({
            "use": TOKEN_USE,
            "jti": Uuid::new_v4(),
            "sub": session.user,
            "session_id": session.id,
            "iat_ms": jiff::Timestamp::now().as_millisecond(),
        }))
    }

    /// The session behind `token`, which is thereby used up. `None` when it is foreign, used or revoked.
    pub(crate) fn redeem(&self, keys: &Keys, token: &str) -> Option<Session> {
        let content = keys.verified_content(token).ok()?;
        let text = |name: &str| content.get(name).and_then(|value| value.as_str());
        if text("use") != Some(TOKEN_USE) {
            return None;
        }
        let session = Session {
            id: text("session_id")?.parse().ok()?,
            user: text("sub")?.parse().ok()?,
        };
        let token_id: Uuid = text("jti")?.parse().ok()?;
        let issued_at_ms = content.get("iat_ms").and_then(serde_json::Value::as_i64)?;

        let mut ledger = self.ledger.lock();
        let ended_with_the_user = ledger
            .ended_users
            .get(&session.user)
            .is_some_and(|ended| issued_at_ms <= ended.at_ms && ended.except != Some(session.id));
        if ended_with_the_user || ledger.ended.contains(&session.id) {
            return None;
        }
        let first_used = *ledger.used_at.entry(token_id).or_insert_with(Instant::now);
        (first_used.elapsed() <= REUSE_INTERVAL).then_some(session)
    }

    /// Ends one session; its access token lives on until it expires.
    pub(crate) fn end(&self, session: Uuid) {
        self.ledger.lock().ended.insert(session);
    }

    /// Ends every session the user has now, but for `except`.
    pub(crate) fn end_all_of(&self, user: Uuid, except: Option<Uuid>) {
        let ended = Ended {
            at_ms: jiff::Timestamp::now().as_millisecond(),
            except,
        };
        self.ledger.lock().ended_users.insert(user, ended);
    }
}

//! Access tokens of Supabase Auth: whose key signed them, and whether they say what ours must say.

mod jwks;
mod verifier;

#[cfg(test)]
mod hostile;

pub(crate) use jwks::KeysError;
pub use verifier::TokenVerifier;
pub(crate) use verifier::{TOKEN_BYTES_MAX, TokenError};

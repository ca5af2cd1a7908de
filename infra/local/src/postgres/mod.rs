//! The real Postgres behind the local stack.

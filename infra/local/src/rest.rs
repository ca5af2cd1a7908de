//! PostgREST.

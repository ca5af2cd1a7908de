//! A local Supabase: the real Postgres, PostgREST, Auth, Realtime and the API gateway, true enough that
//! an unmodified supabase-js cannot tell the difference. Development only: bind to 127.0.0.1.

pub mod auth;
mod capture;
mod chance;
mod change;
pub mod gateway;
pub mod postgres;
pub mod postgrest;
pub mod realtime;
mod sql;
pub mod trouble;

//! Local stand-ins for Supabase Realtime, Supabase Auth and the API gateway, true enough that an
//! unmodified supabase-js cannot tell the difference. Development only: bind to 127.0.0.1.

pub mod auth;
mod capture;
mod chance;
pub mod gateway;
pub mod realtime;

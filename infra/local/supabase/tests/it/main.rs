//! The stand-ins from outside: over HTTP and websockets, on a real PostgreSQL of their own.

mod auth;
mod bindings;
mod capacity;
mod changes;
mod channels;
mod cluster;
mod gateway;
mod phoenix;
mod row_security;
mod stack;
mod supabase_js;
mod tokens;

//! The database, black box: its rules and verbs by SQL over a real Postgres, one database a test.

mod catalogue;
mod constraints;
mod fixture;
mod races;
mod rls;
mod rules;
mod schemas;
mod verbs;

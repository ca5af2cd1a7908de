//! Everything that is tested from outside, in one binary: the database by SQL, the pipeline by its protocols, the
//! template and the tree by reading them.

mod citations;
mod database;
mod dependencies;
mod failure_codes;
mod faults;
mod page;
mod pipeline;
mod proxy;
mod stack;
mod template;
mod tidy;
mod wire;

//! The pages of the book, one file per kind.

mod back;
mod cover;
mod front;
mod spread;
mod text;

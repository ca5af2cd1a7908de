//! What the stand-ins answer with: stories, pictures and speech, made on this machine from the words of
//! a request. The same words always give the same answer. No HTTP; development and tests only.

mod data;
pub mod pictures;
pub mod seeded;
pub mod speech;
pub mod story;

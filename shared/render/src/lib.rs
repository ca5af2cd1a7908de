//! Bytes from data, pure and synchronous: the colours of a picture, the words and blocks of a
//! narration, the length of its sound, the book as a PDF and as a page of the web, and a picture for when there is none. No network, no clock, no
//! environment: whatever could differ between two runs is an argument.

pub mod book;
pub mod colors;
pub mod html;
pub mod language;
pub mod mp3;
pub mod narration;
pub mod picture;
pub mod placeholder;

mod landscape;

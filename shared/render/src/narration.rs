//! What a reader page needs to light up words while they are spoken: when each word sounds, and the
//! story's text as HTML in which each word carries its number.
//!
//! Both sides number the same words in the same way, that of [`domain::words`].

mod alignment;
mod blocks;
mod loudness;

pub use alignment::{Alignment, AlignmentError, Chunk, SpokenWord, spoken_words};
pub use blocks::{NarrationBlocks, blocks, narrated_text};
pub use loudness::{AIM_LUFS, LoudnessError, Metering};

//! Chance that is always the same: a small generator seeded from a text's hash, so that one
//! request has one answer on every machine and in every release of a library.

use sha2::{Digest, Sha256};

/// SHA-256 of the bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal of a digest.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SplitMix64 generator (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014).
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// The generator whose numbers a text decides.
    pub fn from_text(text: &str) -> Self {
        Seeded::from_digest(&digest(text.as_bytes()))
    }

    /// The generator whose numbers a digest decides.
    pub fn from_digest(digest: &[u8; 32]) -> Self {
        Seeded(
            digest
                .iter()
                .take(8)
                .fold(0, |state, byte| (state << 8) | u64::from(*byte)),
        )
    }

    /// The next 64 bits.
    #[expect(
        clippy::should_implement_trait,
        reason = "a generator has no end, so it is no iterator"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 (included) to 1 (excluded).
    pub fn unit(&mut self) -> f64 {
        // 53 bits are what an f64 holds exactly.
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number from `low` (included) to `high` (excluded).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number below `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            0
        } else {
            (self.next() % bound as u64) as usize
        }
    }

    /// True for that share of all calls.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of the choices; the list must not be empty.
    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_gives_the_same_numbers_and_another_text_others() {
        let draw = |text: &str| {
            let mut seeded = Seeded::from_text(text);
            [seeded.next(), seeded.next(), seeded.next()]
        };
        assert_eq!(draw("ember"), draw("ember"));
        assert_ne!(draw("ember"), draw("embers"));
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut seeded = Seeded::from_text("range");
        for _ in 0..1000 {
            assert!((2.0..5.0).contains(&seeded.between(2.0, 5.0)));
            assert!(seeded.below(7) < 7);
        }
    }
}

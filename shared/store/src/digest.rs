//! SHA-256 in hexadecimal digits: of files, of what a file is made for, and of requests.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The 64 hexadecimal digits of the SHA-256 of `bytes`.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// As [`sha256_hex`], of these parts in this order. Where one ends and the next begins makes a difference.
pub fn digest_parts<Part: AsRef<[u8]>>(parts: impl IntoIterator<Item = Part>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex(&digest.finalize())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

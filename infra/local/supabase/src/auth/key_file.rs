//! The file that keeps the project's private key from one start to the next.

use std::{fs, io, path::Path};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::trouble::{Context as _, Trouble};

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// The PKCS #8 document at `path`, made and stored if there is none; `None` when something else is there.
pub(crate) fn load_or_create(path: &Path) -> Result<Option<Vec<u8>>, Trouble> {
    let name = path.display();
    let unusable = format!("could not read the signing key {name}, or make one there");
    if !path.exists() {
        store(path, &generate()?).context(&unusable)?;
    }
    let pem = fs::read_to_string(path).context(&unusable)?;
    let body = pem.trim().strip_prefix(PEM_BEGIN);
    let body = body.and_then(|body| body.strip_suffix(PEM_END));
    let body = body.map(|body| body.split_whitespace().collect::<String>());
    Ok(body.and_then(|body| STANDARD.decode(body).ok()))
}

pub(crate) fn generate() -> Result<Vec<u8>, Trouble> {
    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map(|document| document.as_ref().to_vec())
        .context("could not make a new P-256 signing key")
}

fn store(path: &Path, der: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let pem = format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(der));
    io::Write::write_all(&mut options.open(path)?, pem.as_bytes())
}

//! The file that keeps the project's private key from one start to the next.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// The signing key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read, or a new key not stored there.
    #[error("reading the signing key from {path}, or making one there")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file holds something else. Delete it to get a new key.
    #[error("{path} does not hold a P-256 private key in PKCS #8 PEM; delete it to have one made")]
    NotAKey { path: PathBuf },
    /// The library refused to make a key.
    #[error("making a new P-256 signing key")]
    Generate,
}

/// The PKCS #8 document at `path`, made and stored if there is none.
pub(crate) fn load_or_create(path: &Path) -> Result<Vec<u8>, KeyError> {
    let unusable = |source| KeyError::File {
        path: path.to_owned(),
        source,
    };
    match fs::read_to_string(path) {
        Ok(pem) => pem_to_der(&pem).ok_or_else(|| KeyError::NotAKey {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let der = generate()?;
            store(path, &der).map_err(unusable)?;
            Ok(der)
        }
        Err(source) => Err(unusable(source)),
    }
}

pub(crate) fn generate() -> Result<Vec<u8>, KeyError> {
    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map(|document| document.as_ref().to_vec())
        .map_err(|_| KeyError::Generate)
}

fn pem_to_der(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
    STANDARD
        .decode(body.split_whitespace().collect::<String>())
        .ok()
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

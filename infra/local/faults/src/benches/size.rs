//! How large each function is as it is uploaded: one stripped program in a zip.

use crate::benches::binaries::{self, FUNCTIONS};
use crate::prelude::*;
use stack::home;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::process::Command;

pub(crate) const RUN: Run = alone!(measure);

const MB: f64 = 1_000_000.0;
/// Local header, central directory and its end, for one file named `bootstrap` (APPNOTE.TXT of PKWARE, 4.3).
const ZIP_FRAME: f64 = (30 + 9 + 46 + 9 + 22) as f64;
/// Header and trailer of gzip without a name (RFC 1952); what is between them is what a zip holds too.
const GZIP_FRAME: f64 = 18.0;

async fn measure(options: TrialOptions) -> Result<Figures> {
    let release = binaries::release(options).await?;
    let mut figures = Figures::default();
    for function in FUNCTIONS {
        let (program, machine) = deployable(&release, function);
        let bytes = fs::metadata(&program)
            .context("look at a function's program")?
            .len();
        let zipped = deflate(&program).await? + ZIP_FRAME;
        let limit = match function {
            "content-agent" => 5,
            "universal-agent" => 4,
            _ => 3,
        };
        figures.extend(figures! {
            format!("{function}, zip") => zipped / MB, "MB", at_most limit,
                beside format!("{machine}, {:.1} MB unzipped; Rust with the whole SDK 11 MB", bytes as f64 / MB);
        });
    }
    Ok(figures)
}

/// What `cargo lambda build` made for Lambda's own processor, else what runs here.
fn deployable(release: &Path, function: &str) -> (PathBuf, &'static str) {
    let for_lambda = home::workspace()
        .join("target/lambda")
        .join(function)
        .join("bootstrap");
    let here = release.join(function);
    if is_newer(&for_lambda, &here) {
        (for_lambda, "as built for Lambda")
    } else {
        (here, std::env::consts::ARCH)
    }
}

/// Whether a deployment was built from what is there now; an old one would tell an old size.
fn is_newer(program: &Path, than: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    matches!((modified(program), modified(than)), (Some(a), Some(b)) if a >= b)
}

/// Bytes of a file compressed as a zip would, at the usual level.
async fn deflate(program: &Path) -> Result<f64> {
    let output = Command::new("gzip")
        .args(["-6", "--no-name", "--stdout"])
        .arg(program)
        .output()
        .await
        .context("run gzip")?;
    if !output.status.success() {
        return stuck(format!("gzip could not read {}", program.display()));
    }
    Ok(output.stdout.len() as f64 - GZIP_FRAME)
}

//! The page: built from `web/` where there is Node, and served as the CDN serves it, with this stack's addresses put in.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use supabase::trouble::{Context as _, Trouble};

use axum::{
    Router,
    extract::{Path as PathOf, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde_json::json;
use tokio::process::Command;

use crate::demo;

/// Where the build puts it, below the workspace.
const BUILT: &str = "web/app/dist/app";
const FIRST: &str = "index.html";
/// What a page leaves open for its addresses, and for that of the API, which a browser connects to at once.
const CONFIG: &str = "{{config}}";
const API: &str = "{{api}}";
/// Files that the build has compressed, as the CDN does.
const COMPRESSED: &str = "br";

/// Which of its packages are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packages {
    /// What it is made of and built with.
    ToBuild,
    /// Those of its tests as well.
    ToTest,
}

/// Builds the page; half a minute the first time, a second later.
pub async fn build(workspace: &Path, packages: Packages) -> Result<(), Trouble> {
    let web = workspace.join("web");
    if !is_installed(&web, packages) {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-audit", "--no-fund"]);
        if packages == Packages::ToBuild {
            npm.arg("--omit=dev");
        }
        let failed = "the page's packages could not be installed (`npm ci` in web/)";
        run(&mut npm, &web, failed).await?;
    }
    let mut node = Command::new("node");
    let failed = "the page could not be built (`node build.mjs` in web/)";
    run(node.arg("build.mjs"), &web, failed).await
}

/// npm leaves its own lock file with what it installed, newer than ours once all of it is there.
fn is_installed(web: &Path, packages: Packages) -> bool {
    let changed = |file: &str| web.join(file).metadata().and_then(|file| file.modified());
    let is_newer = matches!(
        (changed("node_modules/.package-lock.json"), changed("package-lock.json")),
        (Ok(installed), Ok(wanted)) if installed >= wanted
    );
    let has_tests = web.join("node_modules/playwright-core").is_dir();
    is_newer && (packages == Packages::ToBuild || has_tests)
}

async fn run(command: &mut Command, folder: &Path, failed: &str) -> Result<(), Trouble> {
    let command = command.current_dir(folder).stdin(Stdio::null());
    match command.kill_on_drop(true).output().await {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            tracing::error!(said = %String::from_utf8_lossy(&output.stderr), "the page");
            Err(Trouble::new(failed))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Trouble::new(
            "the page needs Node.js 20 or later with npm (Debian: apt-get install nodejs npm)",
        )),
        Err(error) => Err(error).context(failed),
    }
}

/// The built page and what it is told.
#[derive(Clone, Debug)]
struct Page {
    folder: PathBuf,
    /// Its addresses, as they stand in an attribute.
    config: String,
    api: String,
    policy: String,
}

/// Serves `/app/`. The files are looked for with each request, so the page may be built while the stack is up.
pub fn router(workspace: &Path, variables: &BTreeMap<String, String>) -> Router {
    let of = |name: &str| variables.get(name).map_or("", String::as_str);
    let config = json!({
        "apiUrl": of("API_URL"),
        "supabaseUrl": of("SUPABASE_URL"),
        "anonKey": of("SUPABASE_ANON_KEY"),
        "demo": {"email": demo::EMAIL, "password": demo::PASSWORD},
    });
    let page = Page {
        folder: workspace.join(BUILT),
        config: config
            .to_string()
            .replace('&', "&amp;")
            .replace('"', "&quot;"),
        api: of("API_URL").to_owned(),
        policy: content_security_policy(
            of("API_URL"),
            of("SUPABASE_URL"),
            of("AWS_ENDPOINT_URL_S3"),
        ),
    };
    Router::new()
        .route("/app", get(|| async { Redirect::permanent("/app/") }))
        .route("/app/", get(first))
        .route("/app/{file}", get(file))
        .with_state(page)
}

/// The policy of template.yaml (a test compares), for the addresses of this stack.
#[must_use]
pub fn content_security_policy(api: &str, supabase: &str, files: &str) -> String {
    let socket = supabase.replacen("http", "ws", 1);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
         media-src 'self' https:; connect-src 'self' {api} {supabase} {socket} {files}; manifest-src 'self'; \
         worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

async fn first(state: State<Page>, asked: HeaderMap) -> Response {
    file(state, PathOf(FIRST.to_owned()), asked).await
}

async fn file(
    State(page): State<Page>,
    PathOf(name): PathOf<String>,
    asked: HeaderMap,
) -> Response {
    // One folder without folders: nothing that leads out of it is a name.
    if name.contains(['/', '\\']) || name.starts_with('.') {
        return StatusCode::NOT_FOUND.into_response();
    }
    let kind = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let compressed = match takes_brotli(&asked) {
        true => tokio::fs::read(page.folder.join(COMPRESSED).join(&name)).await,
        false => Err(io::ErrorKind::NotFound.into()),
    };
    let mut encoding = HeaderMap::new();
    let bytes = if let Ok(bytes) = compressed {
        encoding.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static(COMPRESSED),
        );
        bytes
    } else if let Ok(bytes) = tokio::fs::read(page.folder.join(&name)).await {
        match kind {
            "html" => String::from_utf8_lossy(&bytes)
                .replace(CONFIG, &page.config)
                .replace(API, &page.api)
                .into_bytes(),
            _ => bytes,
        }
    } else {
        return missing(&page, &name);
    };
    let headers = [
        (header::VARY, "accept-encoding"),
        (header::CONTENT_TYPE, content_type(kind)),
        (header::CACHE_CONTROL, cache_control(&name)),
        (header::CONTENT_SECURITY_POLICY, &page.policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    (headers, encoding, bytes).into_response()
}

fn takes_brotli(asked: &HeaderMap) -> bool {
    let encodings = asked.get(header::ACCEPT_ENCODING);
    let encodings = encodings.and_then(|encodings| encodings.to_str().ok());
    encodings.is_some_and(|encodings| encodings.split(',').any(|each| each.trim() == COMPRESSED))
}

fn missing(page: &Page, name: &str) -> Response {
    if page.folder.join(FIRST).exists() {
        return (StatusCode::NOT_FOUND, format!("There is no {name}.\n")).into_response();
    }
    let advice = "The page is not built: `cargo local up` builds it and says what is missing.\n";
    (StatusCode::SERVICE_UNAVAILABLE, advice).into_response()
}

fn content_type(kind: &str) -> &'static str {
    match kind {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        _ => "text/plain; charset=utf-8",
    }
}

/// What is named after its content never changes; the rest is asked for again.
fn cache_control(name: &str) -> &'static str {
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let is_hashed = stem.rsplit_once('-').is_some_and(|(_, hash)| {
        hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    if is_hashed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use tower::ServiceExt as _;

    fn workspace(files: &[(&str, &str)]) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("storytailor-page-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(folder.join(BUILT).join(COMPRESSED)).unwrap();
        for (name, text) in files {
            std::fs::write(folder.join(BUILT).join(name), text).unwrap();
        }
        folder
    }

    async fn ask(workspace: &Path, path: &str) -> (StatusCode, HeaderMap, String) {
        let variables = BTreeMap::from([("API_URL".to_owned(), "http://api".to_owned())]);
        let request = Request::get(path).header(header::ACCEPT_ENCODING, "gzip, br");
        let request = request.body(Body::empty()).unwrap();
        let response = router(workspace, &variables)
            .oneshot(request)
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (
            parts.status,
            parts.headers,
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    #[tokio::test]
    async fn a_page_is_told_its_addresses_and_allows_no_script_of_its_own() {
        let folder = workspace(&[
            (
                FIRST,
                "<meta content=\"{{config}}\"><link href=\"{{api}}\">",
            ),
            ("read-ABCD1234.js", "1"),
            ("br/read-ABCD1234.js", "compressed"),
        ]);
        let (status, headers, text) = ask(&folder, "/app/").await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            text.contains("&quot;apiUrl&quot;:&quot;http://api&quot;"),
            "{text}"
        );
        assert!(text.contains("<link href=\"http://api\">"), "{text}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("script-src 'self';") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        let (_, headers, text) = ask(&folder, "/app/read-ABCD1234.js").await;
        assert_eq!(headers[header::CONTENT_ENCODING], "br");
        assert_eq!(text, "compressed");
        assert_eq!(
            headers[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(
            ask(&folder, "/app/..%2fdist%2fapp%2findex.html").await.0,
            StatusCode::NOT_FOUND
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_page_that_is_not_built_says_who_builds_it() {
        let folder = workspace(&[]);
        let (status, _, text) = ask(&folder, "/app/").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("cargo local up"), "{text}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

//! S3 and the CDN over one folder: the real S3 protocol for those who write, plain GET for those who read.

mod faults;

pub use faults::{FileFault, FileFaults};

use axum::{
    Router,
    body::Body,
    error_handling::HandleError,
    extract::{Path as PathOf, Request, State},
    http::{StatusCode, Uri, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use s3s::{
    HttpError,
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use s3s_fs::FileSystem;
use std::{
    fs,
    path::{Path, PathBuf},
};
use supabase::trouble::{Context as _, Trouble};

/// S3 with one bucket, and a CDN in front of it.
#[derive(Clone, Debug)]
pub struct FilesServer {
    signed: S3Service,
    cdn: Cdn,
    faults: FileFaults,
}

/// What the CDN may read of the bucket, as the bucket's policy says in AWS.
const PUBLIC: &str = "stories/";

/// Reads of one bucket without a signature.
#[derive(Clone, Debug)]
struct Cdn {
    storage: S3Service,
    bucket: String,
    /// Where the bucket's files are.
    folder: PathBuf,
}

impl FilesServer {
    /// Serves `folder`; makes `bucket` where it is missing. Only this key may sign.
    pub fn open(
        folder: &Path,
        bucket: &str,
        access_key_id: &str,
        secret_access_key: &str,
    ) -> Result<Self, Trouble> {
        let path = folder.join(bucket);
        let failed = format!("could not make the bucket {}", path.display());
        fs::create_dir_all(&path).context(failed)?;
        let failed = format!("could not open {} as file storage", folder.display());
        let storage = || {
            let storage = FileSystem::new(folder).map_err(|error| format!("{error:?}"));
            storage.context(&failed)
        };
        let mut signed = S3ServiceBuilder::new(storage()?);
        signed.set_auth(SimpleAuth::from_single(access_key_id, secret_access_key));
        let cdn = Cdn {
            storage: S3ServiceBuilder::new(storage()?).build(),
            bucket: bucket.to_owned(),
            folder: path,
        };
        Ok(Self {
            signed: signed.build(),
            cdn,
            faults: FileFaults::default(),
        })
    }

    /// The switch for refusals.
    pub fn faults(&self) -> &FileFaults {
        &self.faults
    }

    /// `GET /cdn/{key}` for readers; everything else is S3, path style.
    pub fn router(&self) -> Router {
        let s3 = HandleError::new(self.signed.clone(), broken);
        let s3 = Router::new()
            .fallback_service(s3)
            .layer(middleware::from_fn_with_state(
                self.faults.clone(),
                faults::meet,
            ))
            .layer(middleware::map_response(share_with_any_origin::<Response>));
        Router::new()
            .route("/cdn/{*key}", get(read).options(allow_any_origin))
            .with_state(self.cdn.clone())
            .fallback_service(s3)
    }
}

async fn broken(error: HttpError) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}"))
}

/// Answers with the object as it was stored: type, cache control, ETag; a range of it where one is asked for.
async fn read(State(cdn): State<Cdn>, PathOf(key): PathOf<String>, request: Request) -> Response {
    // Files beside the bucket hold what S3 knows about its objects; they are not objects.
    if key.split('/').any(|part| part == ".." || part == ".") {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !key.starts_with(PUBLIC) {
        return StatusCode::FORBIDDEN.into_response();
    }
    // A part of a key is no object, though the file system keeps a folder for it.
    if cdn.folder.join(&key).is_dir() {
        return share_with_any_origin(StatusCode::NOT_FOUND).await;
    }
    let (parts, _) = request.into_parts();
    let known_version = parts.headers.get(header::IF_NONE_MATCH).cloned();
    let Some(uri) = object_uri(&cdn.bucket, parts.uri.path()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut inner = axum::http::Request::new(s3s::Body::empty());
    *inner.method_mut() = parts.method;
    *inner.uri_mut() = uri;
    for name in [header::RANGE, header::HOST] {
        if let Some(value) = parts.headers.get(&name) {
            inner.headers_mut().insert(name, value.clone());
        }
    }
    let mut response = match cdn.storage.call(inner).await {
        Ok(response) => response.map(Body::new),
        Err(error) => return broken(error).await.into_response(),
    };
    if known_version.is_some() && known_version.as_ref() == response.headers().get(header::ETAG) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    share_with_any_origin(([(header::ACCEPT_RANGES, "bytes")], response)).await
}

fn object_uri(bucket: &str, cdn_path: &str) -> Option<Uri> {
    let key = cdn_path.strip_prefix("/cdn/")?;
    format!("/{bucket}/{key}").parse().ok()
}

async fn allow_any_origin() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "range, if-none-match"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    share_with_any_origin((StatusCode::NO_CONTENT, headers)).await
}

async fn share_with_any_origin<R: IntoResponse>(response: R) -> Response {
    let exposed = "accept-ranges, content-length, content-range, etag";
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed),
    ];
    (headers, response).into_response()
}

#[cfg(test)]
mod tests;

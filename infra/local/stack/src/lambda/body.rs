//! Reading HTTP bodies up to a limit.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

/// How far beyond the limit a body is still read and thrown away: a client that is cut off while
/// it sends never sees the answer that says why.
const DRAIN_FACTOR: usize = 8;

#[derive(Debug)]
pub(crate) enum BodyError {
    TooLarge,
    Broken(axum::Error),
}

/// Reads a body; what is behind it is thrown away.
pub(crate) async fn read(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut bytes = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else {
            continue;
        };
        length += data.len();
        if length > limit.saturating_mul(DRAIN_FACTOR) {
            break;
        }
        if length <= limit {
            bytes.extend_from_slice(&data);
        }
    }
    if length > limit {
        Err(BodyError::TooLarge)
    } else {
        Ok(bytes.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
        let bytes = read(Body::from("12345"), 5).await.unwrap();
        assert_eq!(bytes, "12345");
        assert!(matches!(
            read(Body::from("123456"), 5).await,
            Err(BodyError::TooLarge)
        ));
    }
}

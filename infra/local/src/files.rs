//! S3 and CDN.

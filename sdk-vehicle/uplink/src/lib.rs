//! Hands sealed clips to object storage.
//!
//! Read first: [`Uplink`] and [`Sent`]. The clip goes first and its manifest last (docs/clip-format.md), each whole or
//! not at all; a clip has arrived when its manifest exists. Sending one again does nothing.
//!
//! ```
//! use cloverleaf_uplink::{RetryPolicy, Uplink};
//! use cloverleaf_vocabulary::Draw;
//! # let dir = tempfile::tempdir()?;
//! # let url = dir.path().display().to_string();
//! let uplink = Uplink::open(&url, RetryPolicy::default(), Draw::new(1, 0, 0))?;
//! println!("clips go to {}", uplink.url());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where to: a folder (a path or `file://`), or `s3://bucket/prefix` with the usual `AWS_*` variables
//! (`AWS_ENDPOINT_URL` for another service, `AWS_ALLOW_HTTP=true` without TLS). Messages never show what a URL may hide:
//! user names, passwords and queries are cut out.
//!
//! Limits: an upload that breaks off starts again from its beginning. A clip's file is read part by part, so memory is
//! one part (8 MiB).

mod error;
mod retry;
mod store;
mod uplink;

pub use error::{UplinkError, redact};
pub use retry::RetryPolicy;
pub use uplink::{Sent, Uplink};

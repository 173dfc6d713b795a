//! What tests that cross crates share: the built programs, an S3 server, Python peers, real data.
//!
//! Read first: [`Program`], [`S3Server`]. A test that needs something this machine lacks calls [`skipped`], so that its
//! name stands in the output.

mod program;
mod s3;

use std::path::{Path, PathBuf};

pub use program::{Output, Program};
pub use s3::S3Server;

/// Root of the checkout.
pub fn workspace() -> &'static Path {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.ancestors().nth(2).unwrap_or(crate_dir)
}

/// A path of the real input (`$CLOVERLEAF_DATA`, else `../shared/data`), when it is there.
pub fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CLOVERLEAF_DATA").map_or_else(|| workspace().join("../shared/data"), PathBuf::from);
    let found = root.join(path);
    found.exists().then_some(found)
}

/// The Python interpreter that has the peers installed: `$CLOVERLEAF_PYTHON`, else what `cargo xtask setup` made.
pub fn python() -> Option<PathBuf> {
    let given = std::env::var_os("CLOVERLEAF_PYTHON").map(PathBuf::from);
    let made = program::target_dir().join("python/bin/python");
    given.or(Some(made)).filter(|python| python.exists())
}

/// Says that a test did not run and why.
pub fn skipped(test: &str, lacking: &str) {
    eprintln!("skipped {test}: {lacking} is absent");
}

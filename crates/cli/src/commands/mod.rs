//! One module a command: arguments, the work through the library crates, what is printed.

pub mod drive;
pub mod ingest;
pub mod r#loop;
pub mod mine;
pub mod replay;
pub mod search;
pub mod simulate;
pub mod test;

use clap::Args;

/// Which lake a command works on.
#[derive(Args, Debug, Clone)]
pub struct LakeArgument {
    /// The lake: a folder, or a URL such as s3://bucket/prefix.
    #[arg(long, env = "CLOVERLEAF_LAKE", default_value = "./lake", value_name = "URL")]
    pub lake: String,
}

/// Runs what has to wait for storage.
pub fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

//! The lake: four Delta tables, the clips they describe and the landing zone, on any object store.
//!
//! Read first: [`Lake`] (one lake by URL), [`Table`] and [`schema`] (what its tables hold), [`Lake::insert`] (rows of
//! clips, each clip at most once per table whoever else is writing), [`Lake::session`] and [`Lake::sql`] (reading).
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! use cloverleaf_catalog::Lake;
//! use futures::TryStreamExt;
//!
//! let lake = Lake::open("memory://").await?;
//! let rows = lake.sql("SELECT count(*) AS n FROM clips").await?;
//! let batches: Vec<_> = rows.try_collect().await?;
//! assert_eq!(batches[0].num_rows(), 1); // an empty lake has empty tables, not missing ones
//! assert!(lake.sql("DELETE FROM clips").await.is_err()); // queries never write
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: the number of commits to one table is bounded by its log (a few per second), so writers group clips. Private
//! signals of single vehicles stay in the clips; `signals` has the columns of the standard catalogue only.

mod delta;
mod error;
mod lake;
pub mod schema;
mod session;

pub use delta::Inserted;
pub use error::CatalogError;
pub use lake::{CLIPS, LANDING, Lake, QUARANTINE};
pub use schema::Table;

//! Finding clips, and moments in clips: the rules' own expressions, and SQL.
//!
//! Read first: [`search`] and [`fields`] (what an expression may name), [`sql`], then [`write_rows`] (table, JSON lines
//! or CSV). The language is that of the car's rules (`cloverleaf_triggers`), so what is searched here can be copied into
//! a rule. An expression that names signals finds *moments*, the stretches of a clip in which it holds on the 20 Hz grid
//! of the `signals` table; one that does not finds clips.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! use cloverleaf_catalog::Lake;
//! use cloverleaf_search::{Format, SearchOptions, search, write_rows};
//!
//! let lake = Lake::open("memory://").await?;
//! let found = search(&lake, r#"vehicle == "gen-7" && Vehicle.Speed > 100.0"#, &SearchOptions::default()).await?;
//! let mut text = Vec::new();
//! assert_eq!(write_rows(found, Format::Jsonl, &mut text).await?, 0);
//!
//! let error = search(&lake, "Vehicle.Sped > 100.0", &SearchOptions::default()).await.err();
//! assert!(error.is_some_and(|error| error.to_string().contains("did you mean `Vehicle.Speed`?")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: functions of values over time (`rising`, `for`, `window_max`, ...) need every sample a car saw, which the
//! 20 Hz table does not have; they are refused by name, and the firings of a rule that uses them are found by
//! `rule == "..."`. Signals private to a vehicle are not in the table.

pub mod fields;
mod format;
mod lower;
mod query;

pub use format::{Format, OutputError, TABLE_ROWS, write_rows};
pub use query::{Order, SearchError, SearchOptions, search, sql};

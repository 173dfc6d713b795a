//! Decides, from decoded signals, which stretches of a drive are worth keeping.
//!
//! A rule is a condition in CEL syntax over VSS signal names, with functions over time (`for`, `rate`, `window_max`, ...);
//! an engine takes samples one by one and says when each rule begins and ceases to fire and what window to capture. Read
//! first: [`read_rules`] and [`Rule`], then [`Engine`]; [`Expression`] is the checked tree, which `search` shares;
//! [`semantics`] says what expressions mean over time.
//!
//! ```
//! use cloverleaf_signals::vss::Catalogue;
//! use cloverleaf_triggers::{Engine, read_rules};
//! use cloverleaf_vocabulary::BootTime;
//!
//! let catalogue = Catalogue::standard();
//! let file = r#"
//! [[rule]]
//! id = "hard-brake"
//! description = "Demand above 5 m/s2"
//! when = "Vehicle.Acceleration.Longitudinal < -5.0"
//! for_s = 0.1
//! source = "UN R157 5.3.1.1"
//! "#;
//! let rules = read_rules("example.toml", file, catalogue)?;
//! let mut engine = Engine::new(rules, catalogue)?;
//!
//! let acceleration = catalogue.id("Vehicle.Acceleration.Longitudinal").ok_or("no such signal")?;
//! for (ms, value) in [(0, -1.0), (50, -6.0), (100, -6.5), (150, -6.5), (200, -2.0)] {
//!     engine.push(BootTime::from_nanos(60_000_000_000 + ms * 1_000_000), acceleration, value);
//! }
//! let firings: Vec<_> = engine.drain().collect();
//! assert_eq!(firings[1].at.as_secs_f64(), 60.15);
//! assert_eq!(firings[1].window.start.as_secs_f64(), 50.15);
//! assert_eq!(firings[0].message, "Vehicle.Acceleration.Longitudinal -6.5 m/s^2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: no IO, no clock, no async. Expressions are at most 8 KiB long, 100 deep, 256 operations and 128 KiB of state;
//! windows reach back at most 5 minutes. Text and lists exist in the tree for `search` and are refused in rules.

mod check;
mod diagnostic;
mod engine;
mod expression;
mod program;
mod rule;
pub mod semantics;
mod syntax;
mod window;

pub use diagnostic::{ExpressionError, Span};
pub use engine::{CaptureWindow, Counts, Engine, EngineError, Firing, MAX_RULES};
pub use expression::{Binary, Expression, Function, Kind, Scope, Symbol, Temporal, Type, Unary, Unit};
pub use program::{Cost, MAX_OPERATIONS, MAX_STATE_BYTES};
pub use rule::{MAX_FILE_BYTES, Rule, RuleFileError, read_rules};
pub use syntax::{MAX_DEPTH, MAX_TEXT_BYTES};

//! OpenSCENARIO XML 1.0 to 1.3: scenarios read, checked, written and varied.
//!
//! Read first: [`Scenario`] (what happens, with every parameter resolved), [`load`] (text to scenario and roads) and
//! [`write`] (scenario to text). All structs of [`model`] have public fields: mining fills them, the simulator reads them.
//!
//! ```
//! use cloverleaf_scenario::model::*;
//! use cloverleaf_scenario::{InMemory, read, write};
//!
//! let car = |name: &str| ScenarioObject {
//!     name: name.to_owned(),
//!     object: EntityObject::Vehicle(Vehicle::passenger_car(name)),
//!     controllers: Vec::new(),
//! };
//! let begins = |name: &str, position| InitAction::Private { entity: name.to_owned(), action: PrivateAction::Teleport(position) };
//! let scenario = Scenario {
//!     header: FileHeader { date: "2026-05-01T12:00:00".to_owned(), ..FileHeader::default() },
//!     road_file: Some("motorway.xodr".to_owned()),
//!     entities: vec![car("Ego"), car("Target")],
//!     storyboard: Storyboard {
//!         init: vec![
//!             begins("Ego", Position::lane("1", -2, 10.0, 0.0)),
//!             begins("Target", Position::lane("1", -1, 40.0, 0.0)),
//!         ],
//!         ..Storyboard::default()
//!     },
//!     ..Scenario::default()
//! };
//! let text = write(&scenario)?;
//! let back = read("written.xosc", &text, &Default::default(), &InMemory::default())?;
//! assert_eq!(back.scenario.entities, scenario.entities);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A file is first checked against the standard's element table (`grammar.txt`), so that what is not in the standard is
//! an error and what is in it but not modelled is an [`model::Unsupported`] at its place and in
//! [`Scenario::unsupported`]. Nothing is dropped in silence.
//!
//! Limits: expressions are evaluated when a scenario is read, so a scenario that is read and written again has values
//! where its source had expressions, and catalog entries in place of references. Stochastic distributions are refused.
//! Only [`Folder`] touches files.

pub mod model;

mod load;
mod read;

mod context;
mod read_actions;
mod read_conditions;
mod read_entities;
mod read_positions;

mod diagnostic;
mod expression;
mod grammar;
mod names;
mod resolver;

mod write;
mod write_actions;
mod write_conditions;
mod write_positions;
mod xml_writer;

mod distribution;

pub use diagnostic::{Diagnostic, ScenarioError};
pub use distribution::{Dimension, Distribution};
pub use load::{Loaded, load};
pub use model::Scenario;
pub use read::{Reading, read};
pub use resolver::{Folder, InMemory, Resolver};
pub use write::{WriteError, write};

/// Whether `value` stands in a relation to `limit`: as numbers when both are numbers, else as texts, of which only
/// equality is defined. For parameter and variable conditions and for constraints.
pub fn compare(rule: model::Rule, value: &str, limit: &str) -> bool {
    match (value.trim().parse::<f64>(), limit.trim().parse::<f64>()) {
        (Ok(value), Ok(limit)) => rule.holds(value, limit),
        _ => match rule {
            model::Rule::EqualTo => value == limit,
            model::Rule::NotEqualTo => value != limit,
            _ => false,
        },
    }
}

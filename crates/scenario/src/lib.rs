//! OpenSCENARIO XML 1.0 to 1.3: scenarios read, checked and written.

mod context;
mod diagnostic;
mod expression;
mod grammar;
pub mod model;
mod names;
mod read;
mod read_actions;
mod read_conditions;
mod read_entities;
mod read_positions;
mod resolver;
mod write;
mod write_actions;
mod write_conditions;
mod write_positions;
mod xml_writer;

pub use diagnostic::{Diagnostic, ScenarioError};
pub use model::Scenario;
pub use read::{Reading, read};
pub use resolver::{Folder, InMemory, Resolver};
pub use write::{WriteError, write};

/// Whether `value` stands in a relation to `limit`: as numbers when both are numbers, else as texts, of which only
/// equality is defined.
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

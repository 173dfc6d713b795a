//! OpenSCENARIO XML 1.0 to 1.3: scenarios read, checked and written.

pub mod model;

pub use model::Scenario;

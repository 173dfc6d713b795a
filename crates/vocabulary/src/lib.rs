//! The words every other crate speaks: clocks, units, identifiers, places and motion states.
//!
//! Read first: [`BootTime`] (the order of everything a car records), [`Timestamp`] (wall time, an attribute), and
//! [`ActorState`] (one road user at one instant, the currency of mining, simulation and judgement).
//!
//! ```
//! use cloverleaf_vocabulary::{BootTime, TimeDelta};
//! let start = BootTime::from_nanos(5_000_000_000);
//! assert_eq!(start + TimeDelta::from_secs_f64(0.5), BootTime::from_nanos(5_500_000_000));
//! ```
//!
//! Limits: no IO, no clock and no random source live here; binaries make those and pass them in.

mod geodesy;
mod ids;
mod motion;
mod random;
mod time;
mod units;

pub use geodesy::{Ecef, LocalFrame, Wgs84};
pub use ids::{BootId, ClipId, IdError, RuleId, RunId, ScenarioId, VehicleId};
pub use motion::{ActorClass, ActorState, ActorTrace, Footprint};
pub use random::Draw;
pub use time::{BootTime, Clock, ClockOffset, TimeDelta, Timestamp};
pub use units::{Acceleration, Angle, Length, STANDARD_GRAVITY_MPS2, Speed};

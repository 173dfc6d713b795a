//! Criticality metrics and pass criteria over trajectories, the same for recorded and for simulated ones.
//!
//! Read first: [`Scene`] (what is judged), [`Criteria`] (what it must satisfy), [`Verdict`] (what came out: findings, the
//! extremes and the measures over time). [`measures`] holds the formulas with their sources.
//!
//! ```
//! use cloverleaf_judgement::{Criteria, Criterion, Scene, judge};
//! use cloverleaf_vocabulary::{ActorClass, ActorState, ActorTrace, Footprint};
//!
//! let drive = |name: &str, from_m: f64, speed_mps: f64| ActorTrace {
//!     name: name.into(),
//!     class: ActorClass::Car,
//!     footprint: Footprint::CAR,
//!     states: (0..100)
//!         .map(|i| f64::from(i) * 0.1)
//!         .map(|t_s| ActorState { t_s, x_m: from_m + speed_mps * t_s, y_m: 0.0, yaw_rad: 0.0, speed_mps, accel_mps2: 0.0 })
//!         .collect(),
//! };
//! // 50 m behind a slower car, closing with 10 m/s and never braking.
//! let traces = [drive("ego", 0.0, 30.0), drive("lead", 54.6, 20.0)];
//! let verdict = judge(&Scene { traces: &traces, subject: "ego", road: None }, &Criteria::default())?;
//! assert!(!verdict.passed);
//! let collision = verdict.findings.iter().find(|f| f.criterion == Criterion::Collision).unwrap();
//! assert!((collision.at_s - 5.0).abs() < 0.01);
//! # Ok::<(), cloverleaf_judgement::JudgementError>(())
//! ```
//!
//! Limits: everything is planar; a leader is whoever reaches into the subject's path ahead, nearest first, within 300 m;
//! what comes from behind is seen by contact only. Without a road the path is the arc of the present yaw rate. Values that
//! are not finite are set aside and counted, never computed with. No IO, no clock.

mod collision;
mod criteria;
pub mod measures;
mod path;
mod rectangle;
mod roadway;
mod timeline;
mod track;
mod verdict;

pub use collision::{Contact, first_contact};
pub use criteria::{Criteria, CriteriaError, CriteriaOverrides, HARD_BRAKING_MPS2, Limit};
pub use path::{Along, ArcPath};
pub use rectangle::Rectangle;
pub use timeline::{ACCEL_WINDOW_S, JERK_WINDOW_S, Sample};
pub use track::Track;
pub use verdict::{Criterion, Extreme, Finding, JudgementError, Scene, Summary, Verdict, judge};

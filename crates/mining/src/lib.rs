//! Situations found in the lake's tables become concrete scenarios: OpenSCENARIO on an OpenDRIVE road, with where they
//! came from in the file.
//!
//! Read first: [`Workflow`] (`pipelines/mining.toml`: what is looked for), [`ClipInput`] (what is known of a clip),
//! [`mine`] and [`MinedScenario`] (what comes out). The way there: `OwnPath` integrates speed and yaw rate, a road of
//! straights, arcs and clothoids is fitted through it, [`ClipTracks`] smooths the objects in that road's coordinates, and
//! the situations are found in the tracks.
//!
//! The caller runs SQL: each situation's `candidates` query gives [`Candidate`]s, and for each clip they name, the rows of
//! `clips`, `signals` and `objects` make a [`ClipInput`].
//!
//! ```
//! use cloverleaf_mining::{Candidate, ClipInput, ClipRow, ObjectRow, SignalRow, Workflow, mine};
//!
//! let workflow = Workflow::parse(include_str!("../../../pipelines/mining.toml"), "pipelines/mining.toml")?;
//! // 20 s at 25 m/s, 30 m behind another car.
//! let signals = (0..400).map(|i| SignalRow {
//!     boot_ns: i * 50_000_000,
//!     speed_mps: Some(25.0),
//!     yaw_rate_radps: Some(0.0),
//!     ..SignalRow::default()
//! });
//! let objects = (0..400).map(|i| ObjectRow {
//!     boot_ns: i * 50_000_000,
//!     sensor: "front".into(),
//!     object_id: 7,
//!     class: None,
//!     x_m: 30.0,
//!     y_m: 0.0,
//!     vx_mps: Some(0.0),
//!     length_m: None,
//!     width_m: None,
//! });
//! let clip = ClipRow {
//!     clip_id: "clip-1".into(),
//!     vehicle_id: "car-1".into(),
//!     boot_id: "boot-1".into(),
//!     start_boot_ns: 0,
//!     end_boot_ns: 20_000_000_000,
//!     start_utc_us: Some(1_790_000_000_000_000),
//!     sha256: "00".repeat(32),
//!     origin: "an example".into(),
//!     utc_uncertainty_s: None,
//! };
//! let candidate = Candidate {
//!     situation: "car-following".into(),
//!     clip_id: "clip-1".into(),
//!     start_boot_ns: 0,
//!     end_boot_ns: 20_000_000_000,
//!     rule_id: None,
//! };
//! let input = ClipInput { clip, signals: signals.collect(), objects: objects.collect(), candidates: vec![candidate] };
//! let mined = mine(&workflow, &input);
//! let scenario = &mined.scenarios[0];
//! assert!((scenario.parameter("dx0_m").unwrap() - 30.0).abs() < 0.1);
//! assert!(scenario.xosc.contains("HighwayPilot") && scenario.xodr.contains("<planView>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: planar, right-hand traffic; the road has lanes of one width, as many as ego and target use and one on either
//! side of the ego lane at least; only what is wholly ahead is followed, by the rear its sensor sees; other road users are
//! left out. Where the vehicle reports no lane position, the middle of its path is taken as the middle of its lane, and the
//! scenario says so. Nothing here reads a clock; only [`MinedScenario::write_to`] touches files.

mod mine;
mod rows;
mod situation;

mod find;
mod scene;
mod tracks;

mod own_path;
mod road_fit;
mod smoother;

pub use mine::{Mined, MinedScenario, Provenance, Rejected, WriteFileError, mine};
pub use own_path::{AXLE_TO_BUMPER_M, Anchor, OwnPath, OwnState};
pub use road_fit::FittedRoad;
pub use rows::{
    CANDIDATE_COLUMNS, CLIP_COLUMNS, Candidate, ClipInput, ClipRow, OBJECT_COLUMNS, ObjectRow, RowError,
    SIGNAL_COLUMNS, SignalRow,
};
pub use scene::{CONTROLLER, EGO, TARGET};
pub use situation::{
    CarFollowingThresholds, CutInThresholds, RoadSettings, Situation, SituationKind, Workflow, WorkflowError,
};
pub use tracks::{ClipTracks, Detection, Track, TrackState};

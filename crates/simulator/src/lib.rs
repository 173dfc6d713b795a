//! A deterministic closed-loop simulator: OpenSCENARIO storyboards, reacting traffic and a driver under test on one road.
//!
//! Read first: [`Simulation`] (one run, step by step; [`run`] does all of it), [`Driver`] with [`Observation`] (the port of the
//! system under test), [`HighwayPilot`] (the driver we ship), then [`Run`] (what a run leaves behind and how it is judged).
//!
//! ```
//! use std::{collections::BTreeMap, sync::Arc};
//! use cloverleaf_simulator::{Command, HighwayPilot, Observation, RunOptions, run};
//! # use cloverleaf_road::Network;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/motorway/cut-in.xosc").canonicalize()?;
//! # let folder = file.parent().ok_or("no folder")?;
//! # let files = cloverleaf_scenario::Folder::new(folder);
//! # let (text, roads) = (std::fs::read_to_string(&file)?, folder.join("../roads/straight-3-lane.xodr"));
//! let scenario = Arc::new(cloverleaf_scenario::read("cut-in.xosc", &text, &BTreeMap::new(), &files)?.scenario);
//! let road = Arc::new(Network::parse("straight-3-lane.xodr", &std::fs::read_to_string(roads)?)?);
//!
//! let run = run(scenario, road.clone(), Box::new(HighwayPilot::default()), RunOptions::default())?;
//! let verdict = run.judge(&road, &cloverleaf_judgement::Criteria::default())?;
//! assert!(verdict.passed);
//! # Ok(())
//! # }
//! ```
//!
//! How a step goes: the storyboard is evaluated on the state of step n and starts, ends and stops actions; every brain (driver,
//! traffic) decides on the state of step n; then everybody moves to step n + 1. Nothing reads what others already became, so
//! neither order nor threads matter, and random numbers are keyed by (seed, entity, step). [`Run::digest`] is a hash over the
//! exact bits of all states.
//!
//! Who decides: an action of the storyboard wins; else the entity's controller, if it is active; else speed and lane are kept.
//! The entity under test is driven from the beginning unless the storyboard itself activates its controller. Vehicles with a
//! controller named [`TRAFFIC_CONTROLLER`] follow and change lane by our traffic model; vehicles that no story moves keep speed
//! and lane but follow instead of running into whoever is ahead.
//!
//! Limits: planar motion on the road's surface; one driver under test, its vehicle a kinematic single-track model; sensors see
//! everything within range. What a scenario asks for beyond what is executed is refused by name before anything runs
//! ([`check()`]); what cannot be done at run time is noted in [`Run::notes`]. No IO, no clock, no async runtime.

mod action;
mod bicycle;
mod car_following;
mod cast;
mod check;
mod condition;
mod distance;
mod driver;
mod lane_choice;
mod motion;
mod pilot;
mod place;
mod run;
mod sense;
mod simulation;
mod storyboard;
mod traffic;
mod trajectory;
mod transition;
mod world;

pub use bicycle::{Bicycle, Command, VehicleLimits};
pub use car_following::{Idm, Leader};
pub use cast::TRAFFIC_CONTROLLER;
pub use check::{Coverage, check};
pub use driver::{Driver, Ego, LanePoint, Object, Observation, SENSOR_RANGE_M};
pub use lane_choice::{Mobil, Prospect};
pub use pilot::{BlindCruise, DRIVER_NAMES, HighwayPilot, driver_by_name};
pub use run::{Run, RunEnd, RunOptions, SimulationError, run};
pub use simulation::Simulation;
pub use storyboard::{ElementState, ElementTransition, StoryEvent};
pub use world::State;

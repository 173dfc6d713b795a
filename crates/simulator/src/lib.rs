//! A deterministic closed-loop simulator: OpenSCENARIO storyboards, reacting traffic and a driver under test on one road.

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
pub use simulation::{Run, RunEnd, RunOptions, Simulation, SimulationError, run};
pub use storyboard::{ElementState, ElementTransition, StoryEvent};
pub use world::State;

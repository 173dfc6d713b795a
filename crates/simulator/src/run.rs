//! What goes into a run and what comes out of it.

use std::sync::Arc;

use cloverleaf_judgement::{Criteria, Criterion, Finding, JudgementError, Scene, Verdict, judge};
use cloverleaf_road::Network;
use cloverleaf_scenario::Scenario;
use cloverleaf_vocabulary::ActorTrace;
use serde::{Deserialize, Serialize};

use crate::driver::Driver;
use crate::simulation::Simulation;
use crate::storyboard::StoryEvent;

/// Runs a scenario to its end.
pub fn run(
    scenario: Arc<Scenario>,
    network: Arc<Network>,
    driver: Box<dyn Driver>,
    options: RunOptions,
) -> Result<Run, SimulationError> {
    let mut simulation = Simulation::new(scenario, network, driver, options)?;
    while simulation.step() {}
    Ok(simulation.finish())
}

impl Run {
    /// Judges the run. A driver's faults are findings too.
    pub fn judge(&self, network: &Network, criteria: &Criteria) -> Result<Verdict, JudgementError> {
        let scene = Scene { traces: &self.traces, subject: &self.subject, road: Some(network) };
        let mut verdict = judge(&scene, criteria)?;
        if let Some(at_s) = self.first_driver_fault_s {
            verdict.add(Finding {
                criterion: Criterion::DriverFault,
                measured: self.driver_faults as f64,
                limit: 0.0,
                unit: "commands that are not finite".to_owned(),
                at_s,
                actors: vec![self.subject.clone()],
            });
        }
        Ok(verdict)
    }
}

/// How a scenario is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOptions {
    /// Length of a step, s.
    pub step_s: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// The run ends here at the latest, s.
    pub max_duration_s: f64,
    /// Entity under test; otherwise the one named `ego` or `hero`, else the one whose controller's
    /// or own name begins so, else the first vehicle.
    pub subject: Option<String>,
    /// Every how many steps traces get a state.
    pub record_every: u64,
    /// Every how many steps the driver is asked. 4 steps of 10 ms are 25 Hz, a usual perception cycle.
    pub drive_every: u64,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { step_s: 0.01, seed: 0, max_duration_s: 600.0, subject: None, record_every: 5, drive_every: 4 }
    }
}

/// Why a scenario cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SimulationError {
    /// It asks for things the simulator does not execute.
    #[error("the scenario needs what the simulator does not execute:\n  {}", .0.join("\n  "))]
    Unsupported(Vec<String>),
    /// Nobody can be tested.
    #[error("{0}")]
    Subject(String),
    /// An action of `Init` cannot be done.
    #[error("Init of {entity}: {message}")]
    Init {
        /// Whose.
        entity: String,
        /// Why.
        message: String,
    },
    /// The subject has no place in the world.
    #[error("{0:?} is under test but Init gives it no position (a TeleportAction)")]
    NoPlace(String),
    /// An option that cannot be meant.
    #[error("{name} is {value}; expected {expected}")]
    Option {
        /// Which.
        name: &'static str,
        /// What it was.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// The storyboard's stop trigger.
    StopTrigger,
    /// All of the storyboard is complete and it has no stop trigger.
    StoryComplete,
    /// The longest duration allowed.
    MaxDuration,
    /// The subject came to where its road ends.
    EndOfRoad,
}

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Name of the entity under test.
    pub subject: String,
    /// Everybody over time, in the scenario's order.
    pub traces: Vec<ActorTrace>,
    /// What the storyboard did.
    pub events: Vec<StoryEvent>,
    /// Why it ended.
    pub end: RunEnd,
    /// Simulated time, s.
    pub duration_s: f64,
    /// Steps computed.
    pub steps: u64,
    /// First command of the driver that was not finite: when, s. Later ones are counted in [`Self::driver_faults`].
    pub first_driver_fault_s: Option<f64>,
    /// How many commands were not finite.
    pub driver_faults: u64,
    /// What could not be done as written, and what was left out.
    pub notes: Vec<String>,
    /// Hash (XXH3, 128 bit) over the exact bits of all states of all steps: equal digests are equal runs.
    pub digest: String,
}

impl RunOptions {
    /// Refuses options that cannot be meant.
    pub(crate) fn check(&self) -> Result<(), SimulationError> {
        let options = self;
        let refuse = |name, value: String, expected| Err(SimulationError::Option { name, value, expected });
        if !(1e-4..=0.1).contains(&options.step_s) {
            return refuse("step_s", options.step_s.to_string(), "0.0001 to 0.1 s");
        }
        if !(options.max_duration_s > 0.0 && options.max_duration_s <= 86_400.0) {
            return refuse("max_duration_s", options.max_duration_s.to_string(), "more than 0 and at most 86400 s");
        }
        if options.record_every == 0 || options.drive_every == 0 {
            return refuse("record_every or drive_every", "0".to_owned(), "at least 1");
        }
        Ok(())
    }
}

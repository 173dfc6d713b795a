//! A scenario together with its road network.

use std::collections::BTreeMap;

use cloverleaf_road::Network;

use crate::diagnostic::{Diagnostic, ScenarioError};
use crate::model::{Position, Scenario};
use crate::read::{Reading, fail, read};
use crate::resolver::Resolver;

/// Everything a simulator needs.
#[derive(Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// Its roads.
    pub network: Network,
    /// What is doubtful in the scenario; the network has diagnostics of its own.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a scenario as [`read`] does, and the road network it names, and checks that the roads and lanes of the
/// initial positions exist.
pub fn load(
    name: &str,
    text: &str,
    overrides: &BTreeMap<String, String>,
    resolver: &dyn Resolver,
) -> Result<Loaded, ScenarioError> {
    let Reading { scenario, warnings } = read(name, text, overrides, resolver)?;
    let Some(road_file) = &scenario.road_file else {
        let hint = "expected RoadNetwork/LogicFile with an OpenDRIVE file";
        return Err(fail(name, 1, "the scenario names no road network".to_owned(), hint));
    };
    let road_text = resolver.read(road_file).map_err(|why| {
        fail(name, 1, format!("road network {road_file:?} cannot be read: {why}"), "put it there or correct LogicFile")
    })?;
    let network = Network::parse(road_file, &road_text)
        .map_err(|e| fail(&e.file, e.line, format!("{}: {}", e.path, e.message), ""))?;
    let problems: Vec<String> =
        scenario.initial_positions().into_iter().filter_map(|position| missing_place(&network, position)).collect();
    if let Some(problem) = problems.first() {
        return Err(fail(name, 1, problem.clone(), &format!("the road network is {road_file}")));
    }
    Ok(Loaded { scenario, network, warnings })
}

/// What a position names that the network does not have.
fn missing_place(network: &Network, position: &Position) -> Option<String> {
    let (id, s_m, lane) = match position {
        Position::Lane { road, s_m, lane, .. } => (road, *s_m, Some(*lane)),
        Position::Road { road, s_m, .. } => (road, *s_m, None),
        _ => return None,
    };
    let Some(road) = network.road_by_id(id).and_then(|index| network.road(index)) else {
        return Some(format!("a position is on road {id:?}, which does not exist"));
    };
    if !(-1e-6..=road.length_m + 1e-6).contains(&s_m) {
        return Some(format!("a position is at s={s_m} of road {id:?}, which is {} m long", road.length_m));
    }
    let lane = lane?;
    let section = road.section_at(s_m)?;
    if section.lane(lane).is_none() {
        let known: Vec<String> = section.lanes().map(|lane| lane.id.to_string()).collect();
        return Some(format!(
            "a position is on lane {lane} of road {id:?} at s={s_m}, which has lanes {}",
            known.join(", ")
        ));
    }
    None
}

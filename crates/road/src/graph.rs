//! The lane graph: which lane a vehicle comes to when it keeps to its lane.

use crate::model::{ContactPoint, LaneDirection, Network, Road, RoadLink};
use crate::{LaneRef, RoadIndex};

/// Successors and predecessors in driving direction for every lane of every section.
#[derive(Debug, Default)]
pub(crate) struct LaneGraph {
    /// First node of each road's sections.
    first: Vec<Vec<u32>>,
    nodes: Vec<LaneRef>,
    forward: Vec<Vec<LaneRef>>,
    backward: Vec<Vec<LaneRef>>,
}

impl LaneGraph {
    pub(crate) fn build(network: &Network) -> (Self, Vec<(RoadIndex, String)>) {
        let mut graph = Self::default();
        for (road_index, road) in (0u32..).zip(&network.roads) {
            let mut first = Vec::with_capacity(road.sections.len());
            for (section_index, section) in (0u32..).zip(&road.sections) {
                first.push(graph.nodes.len() as u32);
                for lane in section.left.iter().chain(&section.right) {
                    graph.nodes.push(LaneRef { road: RoadIndex(road_index), section: section_index, lane: lane.id });
                }
            }
            graph.first.push(first);
        }
        graph.forward = vec![Vec::new(); graph.nodes.len()];
        graph.backward = vec![Vec::new(); graph.nodes.len()];
        let mut diagnostics = Vec::new();
        for node in 0..graph.nodes.len() {
            let from = graph.nodes[node];
            let Some(direction) = network.lane(from).map(|lane| lane.direction) else { continue };
            for along_s in [true, false] {
                if !runs(direction, along_s) {
                    continue;
                }
                for (to, enters_at_start) in neighbours(network, from, along_s) {
                    match network.lane(to).map(|lane| lane.direction) {
                        Some(next) if runs(next, enters_at_start) => {
                            let Some(target) = graph.node(network, to) else { continue };
                            if !graph.forward[node].contains(&to) {
                                graph.forward[node].push(to);
                                graph.backward[target].push(from);
                            }
                        }
                        found => {
                            let road = |index: RoadIndex| network.road(index).map_or("?", |road| road.id.as_str());
                            let why = if found.is_some() { "runs the other way" } else { "does not exist" };
                            diagnostics.push((
                                from.road,
                                format!(
                                    "lane {} of section {} leads to lane {} of road {}, which {why}; the link is ignored",
                                    from.lane,
                                    from.section,
                                    to.lane,
                                    road(to.road)
                                ),
                            ));
                        }
                    }
                }
            }
        }
        (graph, diagnostics)
    }

    fn node(&self, network: &Network, lane: LaneRef) -> Option<usize> {
        let section = network.road(lane.road)?.sections.get(lane.section as usize)?;
        let within = (lane.lane.unsigned_abs() as usize).checked_sub(1)?;
        let (count, base) =
            if lane.lane > 0 { (section.left.len(), 0) } else { (section.right.len(), section.left.len()) };
        (within < count).then(|| self.first[lane.road.0 as usize][lane.section as usize] as usize + base + within)
    }

    pub(crate) fn neighbours<'a>(&'a self, network: &Network, lane: LaneRef, forward: bool) -> &'a [LaneRef] {
        let lists = if forward { &self.forward } else { &self.backward };
        self.node(network, lane).map_or(&[], |node| &lists[node])
    }
}

fn runs(direction: LaneDirection, along_s: bool) -> bool {
    match direction {
        LaneDirection::Forward => along_s,
        LaneDirection::Backward => !along_s,
        LaneDirection::Both => true,
    }
}

/// Where the lane leads when it is left at its section's end (`along_s`) or start: the lane and whether it is entered
/// at its section's start.
fn neighbours(network: &Network, from: LaneRef, along_s: bool) -> Vec<(LaneRef, bool)> {
    let (Some(road), Some(lane)) = (network.road(from.road), network.lane(from)) else { return Vec::new() };
    let ids = if along_s { &lane.successors } else { &lane.predecessors };
    let next_section = if along_s {
        Some(from.section + 1).filter(|&next| (next as usize) < road.sections.len())
    } else {
        from.section.checked_sub(1)
    };
    if let Some(section) = next_section {
        return ids.iter().map(|&lane| (LaneRef { road: from.road, section, lane }, along_s)).collect();
    }
    let enter = |road: RoadIndex, contact: ContactPoint, lane: i32| {
        let last = network.road(road).map_or(0, |road| road.sections.len().saturating_sub(1) as u32);
        let at_start = contact == ContactPoint::Start;
        (LaneRef { road, section: if at_start { 0 } else { last }, lane }, at_start)
    };
    match if along_s { road.successor } else { road.predecessor } {
        None => Vec::new(),
        Some(RoadLink::Road(next, contact)) => ids.iter().map(|&lane| enter(next, contact, lane)).collect(),
        Some(RoadLink::Junction(junction)) => {
            let end = if along_s { ContactPoint::End } else { ContactPoint::Start };
            let Some(junction) = network.junctions.get(junction as usize) else { return Vec::new() };
            junction
                .connections
                .iter()
                .filter(|way| {
                    way.incoming == from.road
                        && (way.direct || begins_at(network, way.connecting, way.contact, from.road, end))
                })
                .flat_map(|way| {
                    way.lane_links
                        .iter()
                        .filter(|(incoming, _)| *incoming == from.lane)
                        .map(|&(_, lane)| enter(way.connecting, way.contact, lane))
                })
                .collect()
        }
    }
}

/// Whether the connecting road, entered at `contact`, is joined to this end of the incoming road. A road whose both ends
/// touch one junction is otherwise ambiguous. A connecting road without that link is taken at its word.
fn begins_at(
    network: &Network,
    connecting: RoadIndex,
    contact: ContactPoint,
    incoming: RoadIndex,
    end: ContactPoint,
) -> bool {
    let link = |road: &Road| if contact == ContactPoint::Start { road.predecessor } else { road.successor };
    match network.road(connecting).and_then(link) {
        Some(RoadLink::Road(road, contact)) => road == incoming && contact == end,
        _ => true,
    }
}

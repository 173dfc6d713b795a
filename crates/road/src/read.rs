//! OpenDRIVE text to a compiled network.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

use crate::geometry::{PieceSpec, ReferenceLine, Shape};
use crate::graph::LaneGraph;
use crate::index::SpatialIndex;
use crate::model::{
    Connection, ContactPoint, Header, Junction, Network, Road, RoadError, RoadLink, SpeedLimit, TrafficRule,
};
use crate::poly::{Cubic, Profile};
use crate::read_lanes::read_sections;
use crate::xml::{Reader, child, children};
use crate::{Diagnostic, RoadIndex};

/// Bounds the tree the XML parser builds, and with it memory.
const MAX_NODES: u32 = 20_000_000;
/// No road of the world is longer; keeps tables bounded when a length is a typing error.
const MAX_ROAD_M: f64 = 1.0e7;

impl Network {
    /// Reads OpenDRIVE 1.4 to 1.8. `name` is the file's name, for messages. What the file holds beyond a road network
    /// (objects, signals, ...) and what looks wrong but can be read is listed in [`Network::diagnostics`].
    pub fn parse(name: &str, text: &str) -> Result<Self, RoadError> {
        let at_top =
            |line: u32, message: String| RoadError { file: name.to_owned(), line, path: "/".to_owned(), message };
        let text = text.trim_start_matches('\u{feff}');
        let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options)
            .map_err(|e| at_top(e.pos().row, format!("not well-formed XML: {e}; expected an OpenDRIVE file")))?;
        let root = document.root_element();
        let mut reader = Reader { file: name, diagnostics: Vec::new() };
        if root.tag_name().name() != "OpenDRIVE" {
            return Err(
                reader.error(root, format!("the root element is {}; expected OpenDRIVE", root.tag_name().name()))
            );
        }
        reader.note_unknown(root, &["header", "road", "junction"]);
        let header = read_header(&mut reader, root)?;
        let road_nodes: Vec<_> = children(root, "road").collect();
        let junction_nodes: Vec<_> = children(root, "junction").collect();
        let road_ids = index_ids(&reader, &road_nodes)?;
        let junction_ids = index_ids(&reader, &junction_nodes)?;
        let ids = Ids { roads: &road_ids, junctions: &junction_ids };
        let roads = road_nodes.iter().map(|&node| read_road(&mut reader, node, &ids)).collect::<Result<Vec<_>, _>>()?;
        if roads.is_empty() {
            return Err(reader.error(root, "there is no road; expected at least one"));
        }
        let junctions =
            junction_nodes.iter().map(|&node| read_junction(&mut reader, node, &ids)).collect::<Result<Vec<_>, _>>()?;
        let mut network = Self {
            header,
            roads,
            junctions,
            diagnostics: Vec::new(),
            graph: LaneGraph::default(),
            index: SpatialIndex::default(),
        };
        let (graph, broken) = LaneGraph::build(&network);
        network.graph = graph;
        network.index = SpatialIndex::build(&network);
        network.diagnostics = reader.diagnostics;
        network.diagnostics.extend(broken.into_iter().map(|(road, message)| Diagnostic {
            line: road_nodes.get(road.0 as usize).map_or(0, |&node| crate::xml::line(node)),
            path: road_nodes.get(road.0 as usize).map_or_else(String::new, |&node| crate::xml::path(node)),
            message,
        }));
        network.diagnostics.sort_by_key(|diagnostic| diagnostic.line);
        Ok(network)
    }
}

struct Ids<'a> {
    roads: &'a BTreeMap<&'a str, u32>,
    junctions: &'a BTreeMap<&'a str, u32>,
}

fn index_ids<'a>(reader: &Reader<'_>, nodes: &[Node<'a, '_>]) -> Result<BTreeMap<&'a str, u32>, RoadError> {
    let mut ids = BTreeMap::new();
    for (index, &node) in (0u32..).zip(nodes) {
        let id = reader.text(node, "id")?;
        if ids.insert(id, index).is_some() {
            return Err(reader.error(node, format!("id {id:?} is used twice; expected ids to be unique")));
        }
    }
    Ok(ids)
}

fn read_header(reader: &mut Reader<'_>, root: Node<'_, '_>) -> Result<Header, RoadError> {
    let Some(node) = child(root, "header") else {
        return Err(reader.error(root, "element header is missing; OpenDRIVE requires it"));
    };
    let revision = |attribute: &str| -> Result<u32, RoadError> {
        let value = reader.integer(node, attribute)?;
        u32::try_from(value)
            .map_err(|_| reader.error(node, format!("attribute {attribute}={value}: expected a revision number")))
    };
    let (rev_major, rev_minor) = (revision("revMajor")?, revision("revMinor")?);
    if rev_major != 1 {
        return Err(reader.error(node, format!("revision {rev_major}.{rev_minor}: expected OpenDRIVE 1.4 to 1.8")));
    }
    if !(4..=8).contains(&rev_minor) {
        reader
            .note(node, format!("revision 1.{rev_minor} is outside 1.4 to 1.8; it is read as if it were one of these"));
    }
    if let Some(offset) = child(node, "offset") {
        reader.note(offset, "header offset is not applied: coordinates stay as in the file's own inertial frame");
    }
    let text = |attribute: &str| node.attribute(attribute).unwrap_or_default().to_owned();
    Ok(Header {
        rev_major,
        rev_minor,
        name: text("name"),
        vendor: text("vendor"),
        geo_reference: child(node, "geoReference")
            .and_then(|n| n.text())
            .map(|t| t.trim().to_owned())
            .filter(|t| !t.is_empty()),
    })
}

fn read_road(reader: &mut Reader<'_>, node: Node<'_, '_>, ids: &Ids<'_>) -> Result<Road, RoadError> {
    reader.note_unknown(node, &["link", "type", "planView", "elevationProfile", "lateralProfile", "lanes"]);
    let declared_m = reader.number(node, "length")?;
    let Some(plan_view) = child(node, "planView") else {
        return Err(reader.error(node, "element planView is missing; OpenDRIVE requires it"));
    };
    let line = read_plan_view(reader, plan_view)?;
    let length_m = line.length_m();
    if (declared_m - length_m).abs() > 0.01 {
        reader.note(
            node,
            format!("length={declared_m} differs from the plan view's length {length_m:.4} m; the plan view's length is used"),
        );
    }
    let rule = match node.attribute("rule") {
        None | Some("RHT") => TrafficRule::RightHand,
        Some("LHT") => TrafficRule::LeftHand,
        Some(other) => return Err(reader.error(node, format!("attribute rule={other:?}: expected RHT or LHT"))),
    };
    let lateral = child(node, "lateralProfile");
    if let Some(lateral) = lateral {
        reader.note_unknown(lateral, &["superelevation"]);
    }
    let elevation = profile(reader, child(node, "elevationProfile"), "elevation", "s")?;
    let superelevation = profile(reader, lateral, "superelevation", "s")?;
    let Some(lanes) = child(node, "lanes") else {
        return Err(reader.error(node, "element lanes is missing; OpenDRIVE requires it"));
    };
    reader.note_unknown(lanes, &["laneOffset", "laneSection"]);
    let lane_offset = profile(reader, Some(lanes), "laneOffset", "s")?;
    let sections = read_sections(reader, lanes, length_m, rule)?;
    let link = child(node, "link");
    let junction = match node.attribute("junction") {
        None | Some("-1") => None,
        Some(id) => match ids.junctions.get(id) {
            Some(&index) => Some(index),
            None => {
                reader.note(
                    node,
                    format!("junction={id:?} does not exist; the road is taken as a road outside junctions"),
                );
                None
            }
        },
    };
    Ok(Road {
        id: reader.text(node, "id")?.to_owned(),
        name: node.attribute("name").unwrap_or_default().to_owned(),
        length_m,
        rule,
        junction,
        line,
        elevation,
        superelevation,
        lane_offset,
        sections,
        speeds: read_road_speeds(reader, node)?,
        predecessor: read_link(reader, link, "predecessor", ids)?,
        successor: read_link(reader, link, "successor", ids)?,
    })
}

fn read_plan_view(reader: &mut Reader<'_>, plan_view: Node<'_, '_>) -> Result<ReferenceLine, RoadError> {
    let mut specs: Vec<PieceSpec> = Vec::new();
    let mut nodes = Vec::new();
    for node in children(plan_view, "geometry") {
        let length_m = reader.number(node, "length")?;
        let start_m = reader.number(node, "s")?;
        if !(0.0..=MAX_ROAD_M).contains(&length_m) || !(0.0..=MAX_ROAD_M).contains(&start_m) {
            return Err(reader.error(node, format!("s={start_m} length={length_m}: expected 0 to {MAX_ROAD_M} m")));
        }
        if length_m < 1e-9 {
            reader.note(node, "a geometry of no length is left out");
            continue;
        }
        let expected_m = specs.last().map_or(0.0, |last| last.start_m + last.length_m);
        if (start_m - expected_m).abs() > 0.01 {
            if specs.last().is_some_and(|last| start_m <= last.start_m) || specs.is_empty() {
                return Err(reader
                    .error(node, format!("s={start_m}: expected {expected_m:.4}, where the geometry before ends")));
            }
            reader.note(
                node,
                format!("s={start_m} but the geometry before ends at {expected_m:.4} m; positions follow s"),
            );
        }
        let shape = read_shape(reader, node, length_m)?;
        specs.push(PieceSpec {
            start_m,
            length_m,
            x_m: reader.number(node, "x")?,
            y_m: reader.number(node, "y")?,
            heading_rad: reader.number(node, "hdg")?,
            shape,
        });
        nodes.push(node);
    }
    let line = ReferenceLine::new(specs)
        .map_err(|(piece, why)| reader.error(nodes.get(piece).copied().unwrap_or(plan_view), why))?;
    let gaps: Vec<(usize, f64)> = line.gaps().filter(|&(_, gap_m)| gap_m > 0.05).collect();
    for (piece, gap_m) in gaps {
        reader.note(
            nodes[piece],
            format!("begins {gap_m:.3} m away from where the geometry before ends; the jump is kept"),
        );
    }
    Ok(line)
}

fn read_shape(reader: &mut Reader<'_>, node: Node<'_, '_>, length_m: f64) -> Result<Shape, RoadError> {
    let Some(form) = node
        .children()
        .find(|n| n.is_element() && !matches!(n.tag_name().name(), "userData" | "include" | "dataQuality"))
    else {
        return Err(reader.error(node, "no form; expected line, arc, spiral, poly3 or paramPoly3"));
    };
    Ok(match form.tag_name().name() {
        "line" => Shape::Line,
        "arc" => Shape::Arc { curvature_per_m: reader.number(form, "curvature")? },
        "spiral" => {
            Shape::Spiral { start_per_m: reader.number(form, "curvStart")?, end_per_m: reader.number(form, "curvEnd")? }
        }
        "poly3" => Shape::Poly3 { v: reader.coefficients(form, "")? },
        "paramPoly3" => {
            let p_end = match form.attribute("pRange") {
                // 1.4 made normalized the default when the attribute is absent.
                None | Some("normalized") => 1.0,
                Some("arcLength") => length_m,
                Some(other) => {
                    return Err(
                        reader.error(form, format!("attribute pRange={other:?}: expected arcLength or normalized"))
                    );
                }
            };
            Shape::ParamPoly3 { u: reader.coefficients(form, "U")?, v: reader.coefficients(form, "V")?, p_end }
        }
        other => {
            return Err(
                reader.error(form, format!("form {other} is unknown; expected line, arc, spiral, poly3 or paramPoly3"))
            );
        }
    })
}

/// The pieces of a piecewise cubic. Pieces that begin where one before them begins replace it.
pub(crate) fn profile(
    reader: &mut Reader<'_>,
    parent: Option<Node<'_, '_>>,
    name: &'static str,
    s: &str,
) -> Result<Profile, RoadError> {
    let mut pieces: Vec<Cubic> = Vec::new();
    for node in parent.into_iter().flat_map(|parent| children(parent, name)) {
        let start_m = reader.number(node, s)?;
        let [a, b, c, d] = reader.coefficients(node, "")?;
        if pieces.last().is_some_and(|last| start_m < last.start_m) {
            return Err(reader.error(node, format!("{s}={start_m} comes after a greater one; expected increasing {s}")));
        }
        if pieces.last().is_some_and(|last| start_m == last.start_m) {
            pieces.pop();
        }
        pieces.push(Cubic { start_m, a, b, c, d });
    }
    Ok(Profile { pieces })
}

fn read_road_speeds(reader: &mut Reader<'_>, road: Node<'_, '_>) -> Result<Vec<SpeedLimit>, RoadError> {
    let mut out = Vec::new();
    for node in children(road, "type") {
        let max_mps = match child(node, "speed") {
            Some(speed) => read_speed(reader, speed)?,
            None => None,
        };
        out.push(SpeedLimit { s_m: reader.number(node, "s")?, max_mps });
    }
    out.sort_by(|a, b| a.s_m.total_cmp(&b.s_m));
    Ok(out)
}

/// The limit of a `speed` element, m/s. `no limit` and `undefined` are no limit.
pub(crate) fn read_speed(reader: &mut Reader<'_>, node: Node<'_, '_>) -> Result<Option<f64>, RoadError> {
    let text = reader.text(node, "max")?;
    if matches!(text, "no limit" | "undefined") {
        return Ok(None);
    }
    let value = reader.number(node, "max")?;
    let factor = match node.attribute("unit") {
        None | Some("m/s") => 1.0,
        Some("km/h") => 1.0 / 3.6,
        Some("mph") => 0.447_04,
        Some(other) => return Err(reader.error(node, format!("attribute unit={other:?}: expected m/s, km/h or mph"))),
    };
    if value < 0.0 {
        // Editors write -1 for "unknown".
        reader.note(node, format!("max={text:?} is negative; taken as no limit"));
        return Ok(None);
    }
    Ok(Some(value * factor))
}

fn read_link(
    reader: &mut Reader<'_>,
    link: Option<Node<'_, '_>>,
    name: &'static str,
    ids: &Ids<'_>,
) -> Result<Option<RoadLink>, RoadError> {
    let Some(node) = link.and_then(|link| child(link, name)) else { return Ok(None) };
    let id = reader.text(node, "elementId")?;
    let found = match node.attribute("elementType").unwrap_or("road") {
        "road" => match ids.roads.get(id) {
            Some(&road) => {
                if node.has_attribute("elementS") {
                    reader.note(node, "a link to the middle of a road (elementS, virtual junctions) is not supported; the link is ignored");
                    return Ok(None);
                }
                Some(RoadLink::Road(RoadIndex(road), contact(reader, node)?))
            }
            None => None,
        },
        "junction" => ids.junctions.get(id).map(|&junction| RoadLink::Junction(junction)),
        other => return Err(reader.error(node, format!("attribute elementType={other:?}: expected road or junction"))),
    };
    if found.is_none() {
        reader.note(node, format!("elementId={id:?} does not exist; the link is ignored"));
    }
    Ok(found)
}

fn contact(reader: &Reader<'_>, node: Node<'_, '_>) -> Result<ContactPoint, RoadError> {
    match reader.text(node, "contactPoint")? {
        "start" => Ok(ContactPoint::Start),
        "end" => Ok(ContactPoint::End),
        other => Err(reader.error(node, format!("attribute contactPoint={other:?}: expected start or end"))),
    }
}

fn read_junction(reader: &mut Reader<'_>, node: Node<'_, '_>, ids: &Ids<'_>) -> Result<Junction, RoadError> {
    reader.note_unknown(node, &["connection"]);
    let kind = node.attribute("type").unwrap_or("default");
    if !matches!(kind, "default" | "common" | "direct") {
        reader.note(node, format!("junctions of type {kind:?} are not supported; its connections are not used"));
    }
    let mut connections = Vec::new();
    for way in children(node, "connection").filter(|_| matches!(kind, "default" | "common" | "direct")) {
        reader.note_unknown(way, &["laneLink"]);
        let direct = way.has_attribute("linkedRoad");
        let beyond = if direct { "linkedRoad" } else { "connectingRoad" };
        let (incoming, connecting) = (reader.text(way, "incomingRoad")?, reader.text(way, beyond)?);
        let (Some(&incoming), Some(&connecting)) = (ids.roads.get(incoming), ids.roads.get(connecting)) else {
            reader.note(
                way,
                format!(
                    "incomingRoad={incoming:?} or {beyond}={connecting:?} does not exist; the connection is ignored"
                ),
            );
            continue;
        };
        let lane_links = children(way, "laneLink")
            .map(|n| Ok((reader.integer(n, "from")?, reader.integer(n, "to")?)))
            .collect::<Result<Vec<_>, RoadError>>()?;
        connections.push(Connection {
            incoming: RoadIndex(incoming),
            connecting: RoadIndex(connecting),
            contact: contact(reader, way)?,
            lane_links,
            direct,
        });
    }
    Ok(Junction {
        id: reader.text(node, "id")?.to_owned(),
        name: node.attribute("name").unwrap_or_default().to_owned(),
        connections,
    })
}

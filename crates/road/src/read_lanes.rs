//! Lane sections of an OpenDRIVE road.

use roxmltree::Node;

use crate::model::{Lane, LaneDirection, LaneSection, LaneType, RoadError, RoadMark, SpeedLimit, TrafficRule};
use crate::poly::Profile;
use crate::read::{profile, read_speed};
use crate::xml::{Reader, child, children};

/// A road with more lanes on one side is a mistake in the file.
const MAX_LANES: usize = 200;

pub(crate) fn read_sections(
    reader: &mut Reader<'_>,
    lanes: Node<'_, '_>,
    road_length_m: f64,
    rule: TrafficRule,
) -> Result<Vec<LaneSection>, RoadError> {
    let mut out: Vec<LaneSection> = Vec::new();
    for node in children(lanes, "laneSection") {
        let start_m = reader.number(node, "s")?;
        if let Some(last) = out.last_mut() {
            if start_m < last.start_m {
                return Err(
                    reader.error(node, format!("s={start_m} comes after {}; expected increasing s", last.start_m))
                );
            }
            last.end_m = start_m;
        } else if start_m.abs() > 1e-6 {
            return Err(reader.error(node, format!("the first lane section begins at s={start_m}; expected 0")));
        }
        if start_m > road_length_m + 0.01 {
            return Err(reader.error(node, format!("s={start_m} lies beyond the road's length {road_length_m:.4} m")));
        }
        if node.attribute("singleSide") == Some("true") {
            reader.note(node, "singleSide sections are read like others: the side that is not given ends there");
        }
        reader.note_unknown(node, &["left", "center", "right"]);
        let start_m = start_m.min(road_length_m);
        let center_marks = match child(node, "center").and_then(|center| child(center, "lane")) {
            Some(lane) => read_marks(reader, lane)?,
            None => return Err(reader.error(node, "element center with lane 0 is missing; OpenDRIVE requires it")),
        };
        let left = read_side(reader, child(node, "left"), 1, rule)?;
        let right = read_side(reader, child(node, "right"), -1, rule)?;
        out.push(LaneSection { start_m, end_m: road_length_m, left, right, center_marks });
    }
    if out.is_empty() {
        return Err(reader.error(lanes, "there is no laneSection; OpenDRIVE requires one"));
    }
    Ok(out)
}

fn read_side(
    reader: &mut Reader<'_>,
    side: Option<Node<'_, '_>>,
    sign: i32,
    rule: TrafficRule,
) -> Result<Vec<Lane>, RoadError> {
    let Some(side) = side else { return Ok(Vec::new()) };
    reader.note_unknown(side, &["lane"]);
    let mut found = Vec::new();
    for node in children(side, "lane") {
        found.push((reader.integer(node, "id")?, node));
    }
    found.sort_by_key(|(id, _)| id * sign);
    if found.len() > MAX_LANES {
        return Err(reader.error(side, format!("{} lanes on one side; expected at most {MAX_LANES}", found.len())));
    }
    for (expected, (id, node)) in (1..).zip(&found) {
        if *id != expected * sign {
            return Err(reader.error(
                *node,
                format!("lane id {id}; expected {}: ids on a side count on from lane 0", expected * sign),
            ));
        }
    }
    found.into_iter().map(|(id, node)| read_lane(reader, id, node, rule)).collect()
}

fn read_lane(reader: &mut Reader<'_>, id: i32, node: Node<'_, '_>, rule: TrafficRule) -> Result<Lane, RoadError> {
    reader.note_unknown(node, &["link", "width", "border", "roadMark", "speed", "height"]);
    if let Some(height) = child(node, "height") {
        reader.note(height, "lane heights (kerbs) are not supported; the lane lies on the road surface");
    }
    let kind = LaneType::from_name(reader.text(node, "type")?);
    let widths = profile(reader, Some(node), "width", "sOffset")?;
    let borders = profile(reader, Some(node), "border", "sOffset")?;
    let is_border = widths.pieces.is_empty() && !borders.pieces.is_empty();
    if widths.pieces.is_empty() && borders.pieces.is_empty() {
        reader.note(node, "the lane has neither width nor border; its width is 0");
    }
    let along_s = (id < 0) == (rule == TrafficRule::RightHand);
    let direction = match (node.attribute("direction"), &kind) {
        (Some("both"), _) | (None, LaneType::Bidirectional) => LaneDirection::Both,
        (Some("reversed"), _) => {
            if along_s {
                LaneDirection::Backward
            } else {
                LaneDirection::Forward
            }
        }
        (None | Some("standard"), _) => {
            if along_s {
                LaneDirection::Forward
            } else {
                LaneDirection::Backward
            }
        }
        (Some(other), _) => {
            return Err(
                reader.error(node, format!("attribute direction={other:?}: expected standard, reversed or both"))
            );
        }
    };
    let link = child(node, "link");
    let ids = |name: &'static str| -> Result<Vec<i32>, RoadError> {
        let links = link.into_iter().flat_map(|link| children(link, name));
        links.map(|n| reader.integer(n, "id")).filter(|id| !matches!(id, Ok(0))).collect()
    };
    let (predecessors, successors) = (ids("predecessor")?, ids("successor")?);
    let mut speeds = Vec::new();
    for speed in children(node, "speed") {
        speeds.push(SpeedLimit { s_m: reader.number(speed, "sOffset")?, max_mps: read_speed(reader, speed)? });
    }
    speeds.sort_by(|a, b| a.s_m.total_cmp(&b.s_m));
    let shape: Profile = if is_border { borders } else { widths };
    Ok(Lane {
        id,
        kind,
        direction,
        shape,
        is_border,
        predecessors,
        successors,
        marks: read_marks(reader, node)?,
        speeds,
    })
}

fn read_marks(reader: &mut Reader<'_>, lane: Node<'_, '_>) -> Result<Vec<RoadMark>, RoadError> {
    let mut out = Vec::new();
    for node in children(lane, "roadMark") {
        out.push(RoadMark {
            s_offset_m: reader.number_or(node, "sOffset", 0.0)?,
            kind: reader.text(node, "type")?.to_owned(),
            color: node.attribute("color").unwrap_or("standard").to_owned(),
            width_m: if node.has_attribute("width") { Some(reader.number(node, "width")?) } else { None },
        });
    }
    out.sort_by(|a, b| a.s_offset_m.total_cmp(&b.s_offset_m));
    Ok(out)
}

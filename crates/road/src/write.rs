//! Roads of our own making, as OpenDRIVE 1.7.

use std::fmt::Write as _;

use crate::geometry::{PieceSpec, ReferenceLine, Shape};
use crate::model::{ContactPoint, LaneType, Network, RoadError, RoadMark, TrafficRule};
use crate::poly::Profile;

/// A network to be written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetworkSpec {
    /// Name, for people.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// ISO 8601 date and time; left out when empty.
    pub date: String,
    /// PROJ string of the frame the coordinates are in.
    pub geo_reference: Option<String>,
    /// Roads, with unique ids.
    pub roads: Vec<RoadSpec>,
}

/// A road to be written: one lane section over its whole length.
#[derive(Debug, Clone, PartialEq)]
pub struct RoadSpec {
    /// Unique id.
    pub id: String,
    /// Name, for people.
    pub name: String,
    /// Where the reference line begins, m.
    pub x_m: f64,
    /// Where the reference line begins, m.
    pub y_m: f64,
    /// Where it heads there, rad.
    pub heading_rad: f64,
    /// The reference line, piece joined to piece.
    pub segments: Vec<Segment>,
    /// Height over s; empty is flat at 0.
    pub elevation: Profile,
    /// Driving side.
    pub rule: TrafficRule,
    /// Type by the standard's name: `motorway`, `rural`, `town`, ...
    pub kind: String,
    /// Speed limit, m/s.
    pub speed_limit_mps: Option<f64>,
    /// Lanes left of the reference line, nearest first.
    pub left: Vec<LaneSpec>,
    /// Lanes right of the reference line, nearest first.
    pub right: Vec<LaneSpec>,
    /// Mark on the reference line.
    pub center_mark: RoadMark,
    /// The road joined to the beginning, by id, and its end that touches. Lanes join by equal number.
    pub predecessor: Option<(String, ContactPoint)>,
    /// The road joined to the end.
    pub successor: Option<(String, ContactPoint)>,
}

/// One piece of a reference line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Arc length, m, positive.
    pub length_m: f64,
    /// Form.
    pub shape: Shape,
}

/// A lane to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneSpec {
    /// What it is for.
    pub kind: LaneType,
    /// Width over s, m.
    pub width: Profile,
    /// Mark on its outer border.
    pub mark: RoadMark,
}

impl RoadMark {
    /// A white mark of 0.12 m from the section's start: `solid`, `broken`, `none`, ...
    pub fn white(kind: &str) -> Self {
        Self {
            s_offset_m: 0.0,
            kind: kind.to_owned(),
            color: "white".to_owned(),
            width_m: (kind != "none").then_some(0.12),
        }
    }
}

impl LaneSpec {
    /// A lane of one width.
    pub fn new(kind: LaneType, width_m: f64, mark: RoadMark) -> Self {
        Self { kind, width: Profile::constant(width_m), mark }
    }
}

impl RoadSpec {
    /// One carriageway of a motorway, right-hand traffic: `lanes` driving lanes (ids -1, -2, ... outwards) and a hard
    /// shoulder of 2.5 m right of the reference line, broken marks between lanes, solid marks at both edges.
    pub fn motorway(id: impl Into<String>, segments: Vec<Segment>, lanes: usize, lane_width_m: f64) -> Self {
        let lane = |i: usize| {
            let mark = if i + 1 == lanes { "solid" } else { "broken" };
            LaneSpec::new(LaneType::Driving, lane_width_m, RoadMark::white(mark))
        };
        let shoulder = LaneSpec::new(LaneType::Shoulder, 2.5, RoadMark::white("none"));
        Self {
            id: id.into(),
            name: String::new(),
            x_m: 0.0,
            y_m: 0.0,
            heading_rad: 0.0,
            segments,
            elevation: Profile::default(),
            rule: TrafficRule::RightHand,
            kind: "motorway".to_owned(),
            speed_limit_mps: None,
            left: Vec::new(),
            right: (0..lanes).map(lane).chain([shoulder]).collect(),
            center_mark: RoadMark::white("solid"),
            predecessor: None,
            successor: None,
        }
    }

    /// Puts the reference line through points, m, in order: a cubic between each two, with a common heading at each
    /// point (chord-weighted tangents). Points should be smooth and some metres apart. The error says what is wrong.
    pub fn through(mut self, points: &[[f64; 2]]) -> Result<Self, String> {
        let chords = points.windows(2).map(|w| (w[1][0] - w[0][0]).hypot(w[1][1] - w[0][1])).collect::<Vec<_>>();
        if chords.is_empty() {
            return Err(format!("{} point(s); expected at least 2", points.len()));
        }
        if let Some(i) = chords.iter().position(|chord| !(chord.is_finite() && *chord > 0.01)) {
            return Err(format!("points {i} and {} are {} m apart; expected more than 0.01 m", i + 1, chords[i]));
        }
        let slope = |i: usize, axis: usize| (points[i + 1][axis] - points[i][axis]) / chords[i];
        let last = points.len() - 1;
        // The parabola through three points gives the slope at the middle one; ends take their chord's.
        let tangent = |i: usize| -> [f64; 2] {
            [0, 1].map(|axis| match i {
                0 => slope(0, axis),
                i if i == last => slope(last - 1, axis),
                i => {
                    let (before, after) = (chords[i - 1], chords[i]);
                    (slope(i - 1, axis) * after + slope(i, axis) * before) / (before + after)
                }
            })
        };
        let heading = |i: usize| -> f64 {
            let [x, y] = tangent(i);
            y.atan2(x)
        };
        [self.x_m, self.y_m] = points[0];
        self.heading_rad = heading(0);
        self.segments.clear();
        for i in 0..last {
            let (sin, cos) = heading(i).sin_cos();
            let (dx, dy) = (points[i + 1][0] - points[i][0], points[i + 1][1] - points[i][1]);
            let (u_end, v_end) = (dx * cos + dy * sin, dy * cos - dx * sin);
            let (turn_sin, turn_cos) = (heading(i + 1) - heading(i)).sin_cos();
            // Hermite cubic on [0, 1] with end tangents of the chord's length.
            let cubic = |start: f64, end: f64, value: f64| {
                [0.0, start, 3.0 * value - 2.0 * start - end, start + end - 2.0 * value]
            };
            let u = cubic(chords[i], chords[i] * turn_cos, u_end);
            let v = cubic(0.0, chords[i] * turn_sin, v_end);
            let length_m = crate::geometry::curve_length(&u, &v, 1.0);
            self.segments.push(Segment { length_m, shape: Shape::ParamPoly3 { u, v, p_end: 1.0 } });
        }
        Ok(self)
    }

    fn pieces(&self) -> Result<Vec<PieceSpec>, String> {
        let (mut x_m, mut y_m, mut heading_rad, mut start_m) = (self.x_m, self.y_m, self.heading_rad, 0.0);
        let mut out = Vec::with_capacity(self.segments.len());
        for (i, segment) in self.segments.iter().enumerate() {
            let Segment { length_m, shape } = *segment;
            if !(length_m.is_finite() && length_m > 0.0) {
                return Err(format!("segment {i} has a length of {length_m} m; expected a positive number"));
            }
            let piece = PieceSpec { start_m, length_m, x_m, y_m, heading_rad, shape };
            let local = PieceSpec { start_m: 0.0, ..piece.clone() };
            let end = ReferenceLine::new(vec![local]).map_err(|(_, why)| format!("segment {i}: {why}"))?.at(length_m);
            (x_m, y_m, heading_rad) = (end.x_m, end.y_m, end.heading_rad);
            start_m += length_m;
            out.push(piece);
        }
        Ok(out)
    }
}

/// Writes a network as OpenDRIVE 1.7. What is written is read back before it is given out, so a text that comes back is
/// a network; the error says which road or line is wrong.
pub fn write_opendrive(network: &NetworkSpec) -> Result<String, RoadError> {
    let fail = |road: &RoadSpec, message: String| RoadError {
        file: network.name.clone(),
        line: 0,
        path: format!("/OpenDRIVE/road[id={}]", road.id),
        message,
    };
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OpenDRIVE>\n");
    let date = if network.date.is_empty() { String::new() } else { format!(" date=\"{}\"", escape(&network.date)) };
    line(
        &mut out,
        1,
        &format!(
            "<header revMajor=\"1\" revMinor=\"7\" name=\"{}\"{date} vendor=\"{}\">",
            escape(&network.name),
            escape(&network.vendor)
        ),
    );
    if let Some(frame) = &network.geo_reference {
        line(&mut out, 2, &format!("<geoReference>{}</geoReference>", escape(frame)));
    }
    line(&mut out, 1, "</header>");
    for road in &network.roads {
        let pieces = road.pieces().map_err(|why| fail(road, why))?;
        write_road(&mut out, road, &pieces);
    }
    out.push_str("</OpenDRIVE>\n");
    Network::parse(&network.name, &out)?;
    Ok(out)
}

fn write_road(out: &mut String, road: &RoadSpec, pieces: &[PieceSpec]) {
    let length_m = pieces.last().map_or(0.0, |last| last.start_m + last.length_m);
    let rule = if road.rule == TrafficRule::RightHand { "RHT" } else { "LHT" };
    line(
        out,
        1,
        &format!(
            "<road name=\"{}\" length=\"{length_m}\" id=\"{}\" junction=\"-1\" rule=\"{rule}\">",
            escape(&road.name),
            escape(&road.id)
        ),
    );
    if road.predecessor.is_some() || road.successor.is_some() {
        line(out, 2, "<link>");
        for (name, link) in [("predecessor", &road.predecessor), ("successor", &road.successor)] {
            if let Some((id, contact)) = link {
                let contact = if *contact == ContactPoint::Start { "start" } else { "end" };
                line(
                    out,
                    3,
                    &format!("<{name} elementType=\"road\" elementId=\"{}\" contactPoint=\"{contact}\"/>", escape(id)),
                );
            }
        }
        line(out, 2, "</link>");
    }
    line(out, 2, &format!("<type s=\"0\" type=\"{}\">", escape(&road.kind)));
    if let Some(mps) = road.speed_limit_mps {
        line(out, 3, &format!("<speed max=\"{mps}\" unit=\"m/s\"/>"));
    }
    line(out, 2, "</type>");
    line(out, 2, "<planView>");
    for piece in pieces {
        let PieceSpec { start_m, length_m, x_m, y_m, heading_rad, shape } = piece;
        line(
            out,
            3,
            &format!("<geometry s=\"{start_m}\" x=\"{x_m}\" y=\"{y_m}\" hdg=\"{heading_rad}\" length=\"{length_m}\">"),
        );
        line(out, 4, &shape_element(shape));
        line(out, 3, "</geometry>");
    }
    line(out, 2, "</planView>");
    if !road.elevation.pieces.is_empty() {
        line(out, 2, "<elevationProfile>");
        write_profile(out, 3, "elevation", "s", &road.elevation);
        line(out, 2, "</elevationProfile>");
    }
    line(out, 2, "<lanes>");
    line(out, 3, "<laneSection s=\"0\">");
    if !road.left.is_empty() {
        line(out, 4, "<left>");
        for (id, lane) in (1..).zip(&road.left).collect::<Vec<_>>().into_iter().rev() {
            write_lane(out, road, id, lane);
        }
        line(out, 4, "</left>");
    }
    line(out, 4, "<center>");
    line(out, 5, "<lane id=\"0\" type=\"none\" level=\"false\">");
    write_mark(out, &road.center_mark);
    line(out, 5, "</lane>");
    line(out, 4, "</center>");
    if !road.right.is_empty() {
        line(out, 4, "<right>");
        for (id, lane) in (1..).zip(&road.right) {
            write_lane(out, road, -id, lane);
        }
        line(out, 4, "</right>");
    }
    line(out, 3, "</laneSection>");
    line(out, 2, "</lanes>");
    line(out, 1, "</road>");
}

fn shape_element(shape: &Shape) -> String {
    let four = |suffix: &str, c: &[f64; 4]| {
        let letters = ["a", "b", "c", "d"].iter().zip(c);
        letters.fold(String::new(), |mut out, (letter, value)| {
            let _infallible = write!(out, " {letter}{suffix}=\"{value}\"");
            out
        })
    };
    match shape {
        Shape::Line => "<line/>".to_owned(),
        Shape::Arc { curvature_per_m } => format!("<arc curvature=\"{curvature_per_m}\"/>"),
        Shape::Spiral { start_per_m, end_per_m } => {
            format!("<spiral curvStart=\"{start_per_m}\" curvEnd=\"{end_per_m}\"/>")
        }
        Shape::Poly3 { v } => format!("<poly3{}/>", four("", v)),
        Shape::ParamPoly3 { u, v, p_end } => {
            // Written for p from 0 to 1, whatever the range it was made for.
            let unit = |c: &[f64; 4]| [c[0], c[1] * p_end, c[2] * p_end * p_end, c[3] * p_end * p_end * p_end];
            format!("<paramPoly3{}{} pRange=\"normalized\"/>", four("U", &unit(u)), four("V", &unit(v)))
        }
    }
}

fn write_lane(out: &mut String, road: &RoadSpec, id: i32, lane: &LaneSpec) {
    line(out, 5, &format!("<lane id=\"{id}\" type=\"{}\" level=\"false\">", escape(lane.kind.name())));
    // Joined end to start the ids go on; joined end to end, or start to start, left becomes right.
    let same = |own: ContactPoint, link: &Option<(String, ContactPoint)>| {
        link.as_ref().map(|(_, contact)| if *contact == own { -id } else { id })
    };
    let before = same(ContactPoint::Start, &road.predecessor);
    let after = same(ContactPoint::End, &road.successor);
    if before.is_some() || after.is_some() {
        line(out, 6, "<link>");
        for (name, id) in [("predecessor", before), ("successor", after)] {
            if let Some(id) = id {
                line(out, 7, &format!("<{name} id=\"{id}\"/>"));
            }
        }
        line(out, 6, "</link>");
    }
    write_profile(out, 6, "width", "sOffset", &lane.width);
    write_mark(out, &lane.mark);
    line(out, 5, "</lane>");
}

fn write_mark(out: &mut String, mark: &RoadMark) {
    let width = mark.width_m.map_or_else(String::new, |m| format!(" width=\"{m}\""));
    line(
        out,
        6,
        &format!(
            "<roadMark sOffset=\"{}\" type=\"{}\" weight=\"standard\" color=\"{}\"{width}/>",
            mark.s_offset_m,
            escape(&mark.kind),
            escape(&mark.color)
        ),
    );
}

fn write_profile(out: &mut String, depth: usize, name: &str, s: &str, profile: &Profile) {
    for piece in &profile.pieces {
        line(
            out,
            depth,
            &format!(
                "<{name} {s}=\"{}\" a=\"{}\" b=\"{}\" c=\"{}\" d=\"{}\"/>",
                piece.start_m, piece.a, piece.b, piece.c, piece.d
            ),
        );
    }
}

fn line(out: &mut String, depth: usize, text: &str) {
    for _ in 0..depth {
        out.push_str("  ");
    }
    out.push_str(text);
    out.push('\n');
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

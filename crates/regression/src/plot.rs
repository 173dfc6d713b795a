//! Curves of a run, thinned for a report, and their SVG.

use cloverleaf_judgement::{Criteria, Verdict};
use cloverleaf_road::Network;
use cloverleaf_simulator::Run;

/// What a report shows of a run.
#[derive(Debug, Clone, Default)]
pub struct Pictures {
    /// Lines of the road around the tracks, m.
    pub road: Vec<Vec<[f64; 2]>>,
    /// Everybody's way, the subject first, m.
    pub tracks: Vec<Track>,
    /// Everybody's speed, the subject first, over time.
    pub speeds: Vec<Curve>,
    /// Acceleration of the subject over time.
    pub acceleration: Curve,
    /// Gap to the leader over time.
    pub gap: Curve,
    /// Time to collision over time, up to 10 s.
    pub ttc: Curve,
    /// Time headway over time, up to 5 s.
    pub thw: Curve,
    /// When something was found, s.
    pub marks_s: Vec<f64>,
    /// Limits that were in force: least TTC, least headway, strongest deceleration.
    pub limits: [Option<f64>; 3],
}

/// Somebody's way over ground.
#[derive(Debug, Clone, Default)]
pub struct Track {
    /// Who.
    pub name: String,
    /// Points, m.
    pub points: Vec<[f64; 2]>,
}

/// A value over time, in stretches between which it has none.
#[derive(Debug, Clone, Default)]
pub struct Curve {
    /// Whose or what.
    pub name: String,
    /// Time (s) and value.
    pub stretches: Vec<Vec<[f64; 2]>>,
}

/// Points per curve a report keeps.
const MOST_POINTS: usize = 400;
/// Curves per plot; a legend of more is no help.
const MOST_ACTORS: usize = 12;
const TTC_CEILING_S: f64 = 10.0;
const THW_CEILING_S: f64 = 5.0;

impl Pictures {
    /// Thins a run and its verdict for the report.
    pub fn of(run: &Run, verdict: &Verdict, criteria: &Criteria, network: &Network) -> Self {
        let mut traces: Vec<_> = run.traces.iter().filter(|trace| !trace.states.is_empty()).collect();
        traces.sort_by_key(|trace| trace.name != run.subject);
        traces.truncate(MOST_ACTORS);
        let tracks: Vec<Track> = traces
            .iter()
            .map(|trace| Track {
                name: trace.name.clone(),
                points: thin(&trace.states).map(|state| [state.x_m, state.y_m]).collect(),
            })
            .collect();
        let speeds = traces
            .iter()
            .map(|trace| Curve {
                name: trace.name.clone(),
                stretches: vec![thin(&trace.states).map(|state| [state.t_s, state.speed_mps]).collect()],
            })
            .collect();
        let measured = |name: &str, value: fn(&cloverleaf_judgement::Sample) -> Option<f64>, ceiling: f64| {
            let mut stretches: Vec<Vec<[f64; 2]>> = vec![Vec::new()];
            for sample in thin(&verdict.timeline) {
                match (value(sample).filter(|value| *value <= ceiling), stretches.last_mut()) {
                    (Some(value), Some(stretch)) => stretch.push([sample.t_s, value]),
                    (None, Some(stretch)) if !stretch.is_empty() => stretches.push(Vec::new()),
                    _ => {}
                }
            }
            stretches.retain(|stretch| !stretch.is_empty());
            Curve { name: name.to_owned(), stretches }
        };
        let mut marks_s: Vec<f64> = verdict.findings.iter().map(|finding| finding.at_s).collect();
        marks_s.dedup();
        Self {
            road: road_lines(network, &tracks),
            tracks,
            speeds,
            acceleration: measured("acceleration", |s| s.accel_mps2, f64::INFINITY),
            gap: measured("gap", |s| s.gap_m, f64::INFINITY),
            ttc: measured("TTC", |s| s.ttc_s, TTC_CEILING_S),
            thw: measured("time headway", |s| s.thw_s, THW_CEILING_S),
            marks_s,
            limits: [criteria.min_ttc_s, criteria.min_thw_s, criteria.max_deceleration_mps2],
        }
    }
}

/// At most [`MOST_POINTS`] of the items, evenly, the last one included.
fn thin<T>(items: &[T]) -> impl Iterator<Item = &T> {
    let step = items.len().div_ceil(MOST_POINTS).max(1);
    let last = items.len().saturating_sub(1);
    items.iter().enumerate().filter(move |(index, _)| index % step == 0 || *index == last).map(|(_, item)| item)
}

/// Lane borders within reach of the tracks.
fn road_lines(network: &Network, tracks: &[Track]) -> Vec<Vec<[f64; 2]>> {
    const STEP_M: f64 = 10.0;
    const MARGIN_M: f64 = 40.0;
    const MOST_LINES: usize = 300;
    let Some([low, high]) = bounds(tracks.iter().map(|track| &track.points)) else { return Vec::new() };
    let near = |[x, y]: [f64; 2]| {
        (low[0] - MARGIN_M..=high[0] + MARGIN_M).contains(&x) && (low[1] - MARGIN_M..=high[1] + MARGIN_M).contains(&y)
    };
    let mut lines = Vec::new();
    for road in &network.roads {
        for section in &road.sections {
            let steps = ((section.end_m - section.start_m) / STEP_M).ceil().max(1.0) as usize;
            let inside = |i: usize| {
                let s_m = section.start_m + (section.end_m - section.start_m) * i as f64 / steps as f64;
                // The very end belongs to the next section already.
                s_m.min(section.end_m.next_down()).max(section.start_m)
            };
            for lane in section.lanes() {
                let mut line = Vec::new();
                for s_m in (0..=steps).map(inside) {
                    let point = road.lane_borders(s_m, lane.id).map(|(_, outer_m)| road.pose(s_m, outer_m));
                    match point.map(|pose| [pose.x_m, pose.y_m]).filter(|point| near(*point)) {
                        Some(point) => line.push(point),
                        None if line.len() > 1 => lines.push(std::mem::take(&mut line)),
                        None => line.clear(),
                    }
                }
                if line.len() > 1 {
                    lines.push(line);
                }
                if lines.len() > MOST_LINES {
                    return lines;
                }
            }
        }
    }
    lines
}

fn bounds<'a>(lines: impl Iterator<Item = &'a Vec<[f64; 2]>>) -> Option<[[f64; 2]; 2]> {
    lines.flatten().fold(None, |bounds, &[x, y]| {
        Some(match bounds {
            None => [[x, y], [x, y]],
            Some([[x0, y0], [x1, y1]]) => [[x0.min(x), y0.min(y)], [x1.max(x), y1.max(y)]],
        })
    })
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 46.0;
const BOTTOM: f64 = 24.0;
const TOP: f64 = 8.0;
const RIGHT: f64 = 8.0;

/// Where data coordinates lie on a drawing.
struct Axes {
    low: [f64; 2],
    scale: [f64; 2],
}

impl Axes {
    fn new([low, high]: [[f64; 2]; 2]) -> Self {
        let span = [0, 1].map(|axis| (high[axis] - low[axis]).max(1e-9));
        Self { low, scale: [(WIDTH - LEFT - RIGHT) / span[0], (HEIGHT - TOP - BOTTOM) / span[1]] }
    }

    fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [LEFT + (x - self.low[0]) * self.scale[0], HEIGHT - BOTTOM - (y - self.low[1]) * self.scale[1]]
    }

    fn line(&self, svg: &mut String, class: &str, points: &[[f64; 2]]) {
        let mut path = String::new();
        for point in points {
            let [x, y] = self.at(*point);
            write_to(&mut path, format_args!("{x:.1},{y:.1} "));
        }
        write_to(svg, format_args!("<polyline class=\"{class}\" points=\"{}\"/>", path.trim_end()));
    }
}

/// Values over time with a time axis, limits as dashed lines and findings as vertical ones.
pub fn time_plot(
    curves: &[&Curve],
    unit: &str,
    marks_s: &[f64],
    limits: &[f64],
    duration_s: f64,
    from_zero: bool,
) -> String {
    let Some([low, high]) = bounds(curves.iter().flat_map(|curve| &curve.stretches)) else {
        return "<p class=\"none\">never had a value</p>".to_owned();
    };
    let (mut least, mut most) = (low[1], high[1]);
    for limit in limits {
        (least, most) = (least.min(*limit), most.max(*limit));
    }
    if from_zero {
        least = least.min(0.0);
    }
    if most - least < 1e-6 {
        (least, most) = (least - 1.0, most + 1.0);
    }
    let axes = Axes::new([[0.0, least], [duration_s.max(1.0), most]]);
    let mut svg = open(&format!("{unit} over time"));
    grid(&mut svg, &axes, [duration_s.max(1.0), most], unit, "s");
    for limit in limits {
        axes.line(&mut svg, "limit", &[[0.0, *limit], [duration_s.max(1.0), *limit]]);
    }
    for mark in marks_s {
        axes.line(&mut svg, "mark", &[[*mark, least], [*mark, most]]);
    }
    // The subject is drawn last, on top.
    for (index, curve) in curves.iter().enumerate().rev() {
        for stretch in &curve.stretches {
            axes.line(&mut svg, &format!("curve c{}", index % 8), stretch);
        }
    }
    svg.push_str("</svg>");
    svg
}

/// The scene from above. Motorways are long and narrow, so both axes have their own scale; the caption says how much.
pub fn top_view(pictures: &Pictures) -> String {
    let Some([mut low, mut high]) = bounds(pictures.tracks.iter().map(|track| &track.points)) else {
        return "<p class=\"none\">nobody moved</p>".to_owned();
    };
    for axis in 0..2 {
        let missing = (20.0 - (high[axis] - low[axis])).max(0.0);
        low[axis] -= 0.5 * missing + 4.0;
        high[axis] += 0.5 * missing + 4.0;
    }
    let axes = Axes::new([low, high]);
    let mut svg = open("top view");
    let (clip_w, clip_h) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    write_to(
        &mut svg,
        format_args!(
            "<svg x=\"{LEFT}\" y=\"{TOP}\" width=\"{clip_w}\" height=\"{clip_h}\" viewBox=\"{LEFT} {TOP} {clip_w} {clip_h}\">"
        ),
    );
    for line in &pictures.road {
        axes.line(&mut svg, "road", line);
    }
    for (index, track) in pictures.tracks.iter().enumerate().rev() {
        axes.line(&mut svg, &format!("curve c{}", index % 8), &track.points);
        if let Some(end) = track.points.last() {
            let [x, y] = axes.at(*end);
            write_to(
                &mut svg,
                format_args!("<circle class=\"dot c{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>", index % 8),
            );
        }
    }
    svg.push_str("</svg>");
    grid(&mut svg, &axes, high, "m", "m");
    svg.push_str("</svg>");
    let stretch = axes.scale[1] / axes.scale[0];
    write_to(
        &mut svg,
        format_args!(
            "<p class=\"caption\">y is drawn {stretch:.1} times the scale of x; dots are where the run ended</p>"
        ),
    );
    svg
}

fn open(label: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">")
}

fn grid(svg: &mut String, axes: &Axes, high: [f64; 2], y_unit: &str, x_unit: &str) {
    for (axis, count) in [(0, 8.0), (1, 4.0)] {
        let (low, high) = (axes.low[axis], high[axis]);
        let step = round_step((high - low) / count);
        let mut value = (low / step).ceil() * step;
        while value <= high + 1e-9 {
            let point = if axis == 0 { [value, axes.low[1]] } else { [axes.low[0], value] };
            let [x, y] = axes.at(point);
            // -0 is 0.
            let label = tidy(value + 0.0, step);
            if axis == 0 {
                write_to(
                    svg,
                    format_args!(
                        "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>",
                        HEIGHT - BOTTOM
                    ),
                );
                write_to(
                    svg,
                    format_args!("<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>", HEIGHT - 8.0),
                );
            } else {
                write_to(
                    svg,
                    format_args!(
                        "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
                        WIDTH - RIGHT
                    ),
                );
                write_to(
                    svg,
                    format_args!(
                        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                        LEFT - 5.0,
                        y + 3.5
                    ),
                );
            }
            value += step;
        }
    }
    write_to(
        svg,
        format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{x_unit}</text>",
            WIDTH - RIGHT,
            HEIGHT - BOTTOM - 4.0
        ),
    );
    write_to(svg, format_args!("<text x=\"{:.1}\" y=\"{:.1}\">{y_unit}</text>", LEFT + 4.0, TOP + 10.0));
}

fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.max(1e-9).log10().floor());
    let part = raw / power;
    power
        * if part <= 1.0 {
            1.0
        } else if part <= 2.0 {
            2.0
        } else if part <= 5.0 {
            5.0
        } else {
            10.0
        }
}

fn tidy(value: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    format!("{value:.decimals$}")
}

fn write_to(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.push_str(&arguments.to_string());
}

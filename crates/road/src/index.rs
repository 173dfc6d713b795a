//! From the ground to the network: a bounding-box tree over short stretches of road.

use crate::model::{LaneDirection, Network};
use crate::{LanePosition, Located, RoadIndex, wrap_angle};

/// A static binary tree of boxes around stretches of road, their lanes included.
#[derive(Debug, Default)]
pub(crate) struct SpatialIndex {
    nodes: Vec<Node>,
    stretches: Vec<Stretch>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    road: RoadIndex,
    from_m: f64,
    to_m: f64,
    area: Area,
}

#[derive(Debug, Clone, Copy)]
struct Area {
    low: [f64; 2],
    high: [f64; 2],
}

#[derive(Debug, Clone, Copy)]
struct Node {
    area: Area,
    /// A leaf holds `stretches[first..first + count]`; an inner node (count 0) its right child at `first`, the left one next to it.
    first: u32,
    count: u32,
}

/// Longest stretch, m: short enough that one Newton search inside it cannot pick a wrong minimum.
const STRETCH_M: f64 = 20.0;
/// Added around every box, m: widths between the samples.
const MARGIN_M: f64 = 2.0;

impl Area {
    const EMPTY: Self = Self { low: [f64::INFINITY; 2], high: [f64::NEG_INFINITY; 2] };

    fn include(&mut self, other: &Self) {
        for i in 0..2 {
            self.low[i] = self.low[i].min(other.low[i]);
            self.high[i] = self.high[i].max(other.high[i]);
        }
    }

    fn distance(&self, point: [f64; 2]) -> f64 {
        let gap = |i: usize| (self.low[i] - point[i]).max(point[i] - self.high[i]).max(0.0);
        gap(0).hypot(gap(1))
    }
}

impl SpatialIndex {
    pub(crate) fn build(network: &Network) -> Self {
        let mut stretches = Vec::new();
        for (index, road) in (0u32..).zip(&network.roads) {
            for (from_m, to_m) in road.line.stretches(STRETCH_M) {
                let mut area = Area::EMPTY;
                for i in 0..=4 {
                    let s_m = from_m + (to_m - from_m) * f64::from(i) / 4.0;
                    let point = road.line.at(s_m);
                    let (right, left) = road.edges(s_m);
                    let reach = right.abs().max(left.abs()) + MARGIN_M;
                    area.include(&Area {
                        low: [point.x_m - reach, point.y_m - reach],
                        high: [point.x_m + reach, point.y_m + reach],
                    });
                }
                stretches.push(Stretch { road: RoadIndex(index), from_m, to_m, area });
            }
        }
        let mut index = Self { nodes: Vec::new(), stretches };
        let count = index.stretches.len();
        if count > 0 {
            index.split(0, count);
        }
        index
    }

    /// Builds the subtree of a range, by the median of the longer side; its depth is the logarithm of the count.
    fn split(&mut self, from: usize, to: usize) -> u32 {
        let mut area = Area::EMPTY;
        for stretch in &self.stretches[from..to] {
            area.include(&stretch.area);
        }
        let node = self.nodes.len();
        self.nodes.push(Node { area, first: from as u32, count: (to - from) as u32 });
        if to - from > 4 {
            let axis = usize::from(area.high[1] - area.low[1] > area.high[0] - area.low[0]);
            let middle = (to - from) / 2;
            self.stretches[from..to].select_nth_unstable_by(middle, |a, b| {
                let center = |s: &Stretch| s.area.low[axis] + s.area.high[axis];
                center(a).total_cmp(&center(b)).then(a.road.cmp(&b.road)).then(a.from_m.total_cmp(&b.from_m))
            });
            self.split(from, from + middle);
            let right = self.split(from + middle, to);
            self.nodes[node].first = right;
            self.nodes[node].count = 0;
        }
        node as u32
    }

    /// Calls `visit` for every stretch whose box is no farther than the limit, which `visit` returns anew each time.
    fn visit(&self, point: [f64; 2], mut limit_m: f64, mut visit: impl FnMut(&Stretch) -> f64) {
        if self.nodes.is_empty() {
            return;
        }
        let mut stack = vec![0u32];
        while let Some(at) = stack.pop() {
            let node = self.nodes[at as usize];
            if node.area.distance(point) > limit_m {
                continue;
            }
            if node.count > 0 {
                let first = node.first as usize;
                for stretch in &self.stretches[first..first + node.count as usize] {
                    if stretch.area.distance(point) <= limit_m {
                        limit_m = visit(stretch);
                    }
                }
            } else {
                // The nearer child last, so that it is looked at first.
                let (left, right) = (at + 1, node.first);
                let distance = |child: u32| self.nodes[child as usize].area.distance(point);
                if distance(left) <= distance(right) {
                    stack.extend([right, left]);
                } else {
                    stack.extend([left, right]);
                }
            }
        }
    }
}

/// How good a match is; smaller is better, field by field.
#[derive(PartialEq, PartialOrd)]
struct Badness(f64, bool, bool, f64, u32);

impl Network {
    /// The lane under a point; outside all lanes the nearest one. On overlapping roads (junctions) drivable lanes win, then
    /// the smallest distance from the lane's centre. `None` only for a network without lanes or a point that is not finite.
    pub fn locate(&self, x_m: f64, y_m: f64) -> Option<Located> {
        self.locate_best(x_m, y_m, None)
    }

    /// As [`locate`](Self::locate), but among overlapping lanes the one whose driving direction fits the heading best.
    pub fn locate_toward(&self, x_m: f64, y_m: f64, heading_rad: f64) -> Option<Located> {
        self.locate_best(x_m, y_m, Some(heading_rad))
    }

    /// As [`locate`](Self::locate), on one road only.
    pub fn locate_on(&self, road: RoadIndex, x_m: f64, y_m: f64) -> Option<Located> {
        self.road(road)?;
        if !(x_m.is_finite() && y_m.is_finite()) {
            return None;
        }
        let mut best: Option<Located> = None;
        self.index.visit([x_m, y_m], f64::INFINITY, |stretch| {
            if stretch.road == road
                && let Some(found) = self.locate_within(road, stretch.from_m, stretch.to_m, x_m, y_m)
                && best.is_none_or(|b| (found.outside_m, found.t_m.abs()) < (b.outside_m, b.t_m.abs()))
            {
                best = Some(found);
            }
            best.map_or(f64::INFINITY, |found| found.outside_m)
        });
        best
    }

    fn locate_best(&self, x_m: f64, y_m: f64, heading_rad: Option<f64>) -> Option<Located> {
        if !(x_m.is_finite() && y_m.is_finite()) {
            return None;
        }
        let mut best: Option<(Badness, Located)> = None;
        self.index.visit([x_m, y_m], f64::INFINITY, |stretch| {
            if let Some(found) = self.locate_within(stretch.road, stretch.from_m, stretch.to_m, x_m, y_m) {
                let badness = self.badness(&found, heading_rad);
                if best.as_ref().is_none_or(|(least, _)| badness < *least) {
                    best = Some((badness, found));
                }
            }
            best.as_ref().map_or(f64::INFINITY, |(badness, _)| badness.0)
        });
        best.map(|(_, found)| found)
    }

    fn badness(&self, found: &Located, heading_rad: Option<f64>) -> Badness {
        let drivable = self.road(found.lane.road).is_some_and(|road| road.is_drivable(found.lane.s_m, found.lane.lane));
        let turn_rad = heading_rad.map_or(0.0, |heading| {
            let Some(road) = self.road(found.lane.road) else { return 0.0 };
            let along = wrap_angle(heading - road.line.at(found.lane.s_m).heading_rad).abs();
            match road.direction(found.lane.s_m, found.lane.lane) {
                Some(LaneDirection::Backward) => std::f64::consts::PI - along,
                Some(LaneDirection::Both) => along.min(std::f64::consts::PI - along),
                _ => along,
            }
        });
        let against = turn_rad > std::f64::consts::FRAC_PI_2;
        // A metre off centre weighs as much as 0.1 rad off course: lanes are about 3 m wide and junction paths fan out slowly.
        Badness(found.outside_m, !drivable, against, turn_rad * 10.0 + found.lane.offset_m.abs(), found.lane.road.0)
    }

    fn locate_within(&self, road_index: RoadIndex, from_m: f64, to_m: f64, x_m: f64, y_m: f64) -> Option<Located> {
        let road = self.road(road_index)?;
        let s_m = road.line.nearest_between(x_m, y_m, from_m, to_m);
        let point = road.line.at(s_m);
        let (sin, cos) = point.heading_rad.sin_cos();
        let (dx, dy) = (x_m - point.x_m, y_m - point.y_m);
        let (ahead, left) = (dx * cos + dy * sin, dy * cos - dx * sin);
        let t_m = left / road.superelevation.value(s_m).cos();
        let (lane, beside_m) = road.nearest_lane(s_m, t_m)?;
        // At a kink of the line the foot point is a corner: what is left ahead of it counts as outside only beyond rounding.
        let past_m = if ahead.abs() < 1e-6 { 0.0 } else { ahead.abs() };
        let offset_m = t_m - road.lane_center_t(s_m, lane)?;
        Some(Located {
            lane: LanePosition { road: road_index, s_m, lane, offset_m },
            t_m,
            outside_m: beside_m.hypot(past_m),
        })
    }
}

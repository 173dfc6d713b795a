//! Along the lanes: poses, advancing and distances.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};

use crate::model::{LaneDirection, Network, Road};
use crate::{Advanced, LanePosition, LaneRef, Pose, RoadPosition, wrap_angle};

impl Network {
    /// The pose at track coordinates; heading along increasing s. `None` for a road that is not of this network.
    pub fn pose(&self, at: RoadPosition) -> Option<Pose> {
        Some(self.road(at.road)?.pose(at.s_m, at.t_m))
    }

    /// The pose at a lane position; heading in the lane's driving direction (along increasing s on a two-way lane).
    pub fn lane_pose(&self, at: LanePosition) -> Option<Pose> {
        let road = self.road(at.road)?;
        let t_m = road.lane_center_t(at.s_m, at.lane)? + at.offset_m;
        let mut pose = road.pose(at.s_m, t_m);
        if road.direction(at.s_m, at.lane) == Some(LaneDirection::Backward) {
            pose.heading_rad = wrap_angle(pose.heading_rad + std::f64::consts::PI);
        }
        Some(pose)
    }

    /// Track coordinates of a lane position.
    pub fn road_position(&self, at: LanePosition) -> Option<RoadPosition> {
        let t_m = self.road(at.road)?.lane_center_t(at.s_m, at.lane)? + at.offset_m;
        Some(RoadPosition { road: at.road, s_m: at.s_m, t_m })
    }

    /// Lane position of track coordinates; the nearest lane when t lies outside all lanes.
    pub fn lane_position(&self, at: RoadPosition) -> Option<LanePosition> {
        let road = self.road(at.road)?;
        let s_m = at.s_m.clamp(0.0, road.length_m);
        let (lane, _) = road.nearest_lane(s_m, at.t_m)?;
        Some(LanePosition { road: at.road, s_m, lane, offset_m: at.t_m - road.lane_center_t(s_m, lane)? })
    }

    /// The graph node a lane position lies on.
    pub fn lane_ref(&self, at: LanePosition) -> Option<LaneRef> {
        let section = self.road(at.road)?.section_index_at(at.s_m) as u32;
        let lane = LaneRef { road: at.road, section, lane: at.lane };
        self.lane(lane).map(|_| lane)
    }

    /// The lanes a vehicle can come to by keeping to its lane, in driving direction.
    pub fn successors(&self, lane: LaneRef) -> &[LaneRef] {
        self.graph.neighbours(self, lane, true)
    }

    /// The lanes from which a vehicle can have come.
    pub fn predecessors(&self, lane: LaneRef) -> &[LaneRef] {
        self.graph.neighbours(self, lane, false)
    }

    /// Moves along the lane in driving direction (against it for a negative distance), keeping the offset from the lane's
    /// centre, and on through successors. Where the lane forks, the way that turns least is taken, the first on a tie.
    /// The distance is measured on the travelled path, not on the reference line. `None` if the position is on no lane.
    pub fn advance(&self, from: LanePosition, distance_m: f64) -> Option<Advanced> {
        self.advance_by(from, distance_m, |ways| self.straightest(ways, distance_m >= 0.0))
    }

    /// As [`advance`](Self::advance), with `choose` picking among two or more ways on (an index into the slice; one out
    /// of range ends the journey there).
    pub fn advance_by(
        &self,
        from: LanePosition,
        distance_m: f64,
        mut choose: impl FnMut(&[LaneRef]) -> usize,
    ) -> Option<Advanced> {
        let ahead = distance_m >= 0.0;
        let mut node = self.lane_ref(from)?;
        let mut along_s = self.runs_along_s(node)? == ahead;
        let mut at = from;
        let mut left_m = distance_m.abs();
        if !left_m.is_finite() {
            return None;
        }
        // A circle of lanes of no length would never use the distance up.
        let mut idle = 0;
        loop {
            let road = self.road(node.road)?;
            let section = road.sections.get(node.section as usize)?;
            let limit_m = if along_s { section.end_m } else { section.start_m };
            let (s_m, used_m) = road.walk(at.s_m, limit_m, node.lane, at.offset_m, left_m);
            left_m -= used_m;
            // A section's end belongs to the next section, where this lane id may mean another lane.
            at.s_m = if section.end_m < road.length_m { s_m.min(section.end_m.next_down()) } else { s_m };
            idle = if used_m > 1e-9 { 0 } else { idle + 1 };
            let reached = |at: LanePosition, left_m: f64, end_of_road: bool| {
                let travelled_m = (distance_m.abs() - left_m).copysign(distance_m);
                Some(Advanced { position: at, travelled_m, end_of_road })
            };
            if left_m <= 1e-9 {
                return reached(at, left_m, false);
            }
            let ways = self.graph.neighbours(self, node, ahead);
            let pick = match ways {
                [] => None,
                [only] => Some(*only),
                several => several.get(choose(several)).copied(),
            };
            let Some(next) = pick.filter(|_| idle < 64) else { return reached(at, left_m, true) };
            along_s = self.runs_along_s(next)? == ahead;
            let section = self.road(next.road)?.sections.get(next.section as usize)?;
            // One rounding step inside, so that a boundary's s belongs to the section just entered.
            let s_m = if along_s { section.start_m } else { section.end_m.next_down().max(section.start_m) };
            let turned = along_s != (self.runs_along_s(node)? == ahead);
            at = LanePosition {
                road: next.road,
                s_m,
                lane: next.lane,
                offset_m: if turned { -at.offset_m } else { at.offset_m },
            };
            node = next;
        }
    }

    /// How far `to` lies ahead of `from` along the lanes that `from` leads to, m; lane changes inside a carriageway are
    /// free, so `to` may be on another lane of the same direction. Measured along `from`'s lanes. `None` beyond `max_m`.
    pub fn distance_ahead(&self, from: LanePosition, to: LanePosition, max_m: f64) -> Option<f64> {
        let start = self.lane_ref(from)?;
        let goal = self.lane_ref(to)?;
        let goal_along = self.runs_along_s(goal)?;
        let mut queue = BinaryHeap::from([Reached { distance_m: 0.0, lane: start, s_m: from.s_m }]);
        let mut seen = BTreeSet::new();
        let mut first = true;
        while let Some(Reached { distance_m, lane, s_m }) = queue.pop() {
            if distance_m > max_m || (!first && !seen.insert(lane)) {
                continue;
            }
            let road = self.road(lane.road)?;
            let section = road.sections.get(lane.section as usize)?;
            let along_s = self.runs_along_s(lane)?;
            if lane.road == goal.road && lane.section == goal.section && along_s == goal_along {
                let ahead = if along_s { to.s_m >= s_m } else { to.s_m <= s_m };
                if ahead {
                    let total = distance_m + road.lane_length(s_m, to.s_m, lane.lane, from.offset_m);
                    return (total <= max_m).then_some(total);
                }
            }
            first = false;
            let end_m = if along_s { section.end_m } else { section.start_m };
            let distance_m = distance_m + road.lane_length(s_m, end_m, lane.lane, 0.0);
            for &next in self.carriageway_successors(lane).iter() {
                let section = self.road(next.road)?.sections.get(next.section as usize)?;
                let s_m = if self.runs_along_s(next)? { section.start_m } else { section.end_m };
                queue.push(Reached { distance_m, lane: next, s_m });
            }
        }
        None
    }

    /// Signed distance along the road, m: positive when `to` is ahead of `from`, negative when behind. The shorter way
    /// wins when both exist. `None` when neither reaches the other within `max_m`.
    pub fn distance_between(&self, from: LanePosition, to: LanePosition, max_m: f64) -> Option<f64> {
        let ahead = self.distance_ahead(from, to, max_m);
        // Nothing shorter than what is ahead is worth looking for behind.
        let behind =
            self.distance_ahead(to, from, ahead.unwrap_or(max_m)).filter(|&behind| ahead.is_none_or(|a| behind < a));
        behind.map(|d| -d).or(ahead)
    }

    /// Successors of the lane, or where it ends, of its neighbours of the same direction: a lane that ends does not end
    /// the road.
    fn carriageway_successors(&self, lane: LaneRef) -> Vec<LaneRef> {
        let own = self.successors(lane);
        if !own.is_empty() {
            return own.to_vec();
        }
        let Some(section) = self.road(lane.road).and_then(|road| road.sections.get(lane.section as usize)) else {
            return Vec::new();
        };
        let along_s = self.runs_along_s(lane);
        let mut neighbours: Vec<LaneRef> = section
            .lanes()
            .filter(|other| other.kind.is_drivable())
            .map(|other| LaneRef { lane: other.id, ..lane })
            .filter(|&other| self.runs_along_s(other) == along_s)
            .collect();
        neighbours.sort_by_key(|other| (other.lane - lane.lane).abs());
        neighbours
            .iter()
            .map(|&other| self.successors(other))
            .find(|next| !next.is_empty())
            .map_or(Vec::new(), <[_]>::to_vec)
    }

    fn runs_along_s(&self, lane: LaneRef) -> Option<bool> {
        self.lane(lane).map(|lane| lane.direction != LaneDirection::Backward)
    }

    fn straightest(&self, ways: &[LaneRef], ahead: bool) -> usize {
        let turn = |lane: LaneRef| {
            let Some(road) = self.road(lane.road) else { return f64::INFINITY };
            let Some(section) = road.sections.get(lane.section as usize) else { return f64::INFINITY };
            wrap_angle(road.line.at(section.end_m).heading_rad - road.line.at(section.start_m).heading_rad).abs()
        };
        let _ = ahead;
        let mut best = 0;
        for i in 1..ways.len() {
            if turn(ways[i]) < turn(ways[best]) - 1e-9 {
                best = i;
            }
        }
        best
    }
}

impl Road {
    /// The pose at track coordinates; heading along increasing s.
    pub fn pose(&self, s_m: f64, t_m: f64) -> Pose {
        let point = self.line.at(s_m);
        let (sin, cos) = point.heading_rad.sin_cos();
        let (roll_sin, roll_cos) = self.superelevation.value(s_m).sin_cos();
        let across_m = t_m * roll_cos;
        Pose {
            x_m: point.x_m - across_m * sin,
            y_m: point.y_m + across_m * cos,
            z_m: self.elevation.value(s_m) + t_m * roll_sin,
            heading_rad: wrap_angle(point.heading_rad),
        }
    }

    /// Length of the path at a constant offset from a lane's centre between two s, m, never negative.
    pub fn lane_length(&self, from_m: f64, to_m: f64, lane: i32, offset_m: f64) -> f64 {
        self.walk(from_m, to_m, lane, offset_m, f64::INFINITY).1
    }

    /// Walks from s towards `limit_m` at most `distance_m` along the offset path: where it came to and how far that was.
    ///
    /// Between two points of a path at offset t the ground covered along the line's direction is `ds - t dheading`,
    /// exactly for constant t; across it is the change of t.
    fn walk(&self, from_m: f64, limit_m: f64, lane: i32, offset_m: f64, distance_m: f64) -> (f64, f64) {
        const STEP_M: f64 = 5.0;
        let sign = if limit_m >= from_m { 1.0 } else { -1.0 };
        let across = |s_m: f64| self.lane_center_t(s_m, lane).map(|t_m| t_m + offset_m);
        let (mut s_m, mut used_m) = (from_m, 0.0);
        let mut at = self.line.at(s_m);
        let mut t_m = across(s_m).unwrap_or(offset_m);
        while (limit_m - s_m) * sign > 0.0 && used_m < distance_m {
            let step = |to_m: f64| {
                let next = self.line.at(to_m);
                // A section's end belongs to the next one: ask just before it.
                let inside_m = if sign > 0.0 && to_m >= limit_m { to_m.next_down() } else { to_m };
                let next_t = across(inside_m).unwrap_or(t_m);
                let turn = wrap_angle(next.heading_rad - at.heading_rad);
                let along = ((to_m - s_m) - 0.5 * (t_m + next_t) * turn).abs();
                (next, next_t, along.hypot(next_t - t_m))
            };
            let mut to_m = if (limit_m - s_m) * sign > STEP_M { s_m + sign * STEP_M } else { limit_m };
            let (next, next_t, mut length_m) = step(to_m);
            if used_m + length_m > distance_m {
                // The length is nearly proportional to the stride: a few corrections by ratio reach rounding error.
                let wanted_m = distance_m - used_m;
                for _ in 0..8 {
                    if (length_m - wanted_m).abs() < 1e-10 {
                        break;
                    }
                    let stride = (to_m - s_m) * if length_m > 0.0 { wanted_m / length_m } else { 0.0 };
                    to_m = if (limit_m - (s_m + stride)) * sign > 0.0 { s_m + stride } else { limit_m };
                    length_m = step(to_m).2;
                }
                return (to_m, distance_m);
            }
            used_m += length_m;
            (s_m, at, t_m) = (to_m, next, next_t);
        }
        (s_m, used_m)
    }
}

struct Reached {
    distance_m: f64,
    lane: LaneRef,
    s_m: f64,
}

impl Ord for Reached {
    fn cmp(&self, other: &Self) -> Ordering {
        // A max-heap gives the nearest first; the lane breaks ties so that the order never depends on insertion.
        other.distance_m.total_cmp(&self.distance_m).then(other.lane.cmp(&self.lane))
    }
}

impl PartialOrd for Reached {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Reached {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Reached {}

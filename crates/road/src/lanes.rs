//! The cross-section: where each lane lies at an s.

use crate::model::{Lane, LaneDirection, LaneSection, Road};

impl Road {
    /// Inner and outer border of a lane, t in m (inner is the one nearer to lane 0).
    pub fn lane_borders(&self, s_m: f64, lane: i32) -> Option<(f64, f64)> {
        let section = self.section_at(s_m)?;
        section.lane(lane)?;
        let origin = self.lane_offset.value(s_m);
        section
            .borders(s_m, lane > 0)
            .nth(lane.unsigned_abs() as usize - 1)
            .map(|(_, inner, outer)| (origin + inner, origin + outer))
    }

    /// Width of a lane, m, never negative.
    pub fn lane_width(&self, s_m: f64, lane: i32) -> Option<f64> {
        self.lane_borders(s_m, lane).map(|(inner, outer)| (outer - inner).abs())
    }

    /// t of a lane's centre, m.
    pub fn lane_center_t(&self, s_m: f64, lane: i32) -> Option<f64> {
        self.lane_borders(s_m, lane).map(|(inner, outer)| 0.5 * (inner + outer))
    }

    /// The lane that covers t at s; the nearer to lane 0 on a common border, none outside all lanes.
    pub fn lane_at(&self, s_m: f64, t_m: f64) -> Option<i32> {
        let (lane, outside_m) = self.nearest_lane(s_m, t_m)?;
        (outside_m <= 1e-6).then_some(lane)
    }

    /// The lane nearest to t at s and how far outside of it t lies, m (0 inside). Lanes of no width are not considered.
    pub fn nearest_lane(&self, s_m: f64, t_m: f64) -> Option<(i32, f64)> {
        let section = self.section_at(s_m)?;
        let t_m = t_m - self.lane_offset.value(s_m);
        let mut best: Option<(i32, f64)> = None;
        for left in [false, true] {
            for (lane, inner, outer) in section.borders(s_m, left) {
                let (low, high) = if inner <= outer { (inner, outer) } else { (outer, inner) };
                if high - low < 1e-3 {
                    continue;
                }
                let outside_m = (low - t_m).max(t_m - high).max(0.0);
                if best.is_none_or(|(_, least)| outside_m < least) {
                    best = Some((lane.id, outside_m));
                }
            }
        }
        best
    }

    /// The road's right and left edge, t in m.
    pub fn edges(&self, s_m: f64) -> (f64, f64) {
        let origin = self.lane_offset.value(s_m);
        let edge = |left: bool| {
            self.section_at(s_m)
                .and_then(|section| section.borders(s_m, left).last())
                .map_or(0.0, |(_, _, outer)| outer)
        };
        (origin + edge(false), origin + edge(true))
    }

    /// Which way traffic runs on the lane at s.
    pub fn direction(&self, s_m: f64, lane: i32) -> Option<LaneDirection> {
        self.section_at(s_m)?.lane(lane).map(|lane| lane.direction)
    }

    /// Whether motor vehicles travel on the lane at s.
    pub fn is_drivable(&self, s_m: f64, lane: i32) -> bool {
        self.section_at(s_m).and_then(|section| section.lane(lane)).is_some_and(|lane| lane.kind.is_drivable())
    }
}

impl LaneSection {
    /// Lanes of one side from the inside out, with inner and outer border, t in m relative to lane 0.
    pub(crate) fn borders(&self, s_m: f64, left: bool) -> impl Iterator<Item = (&Lane, f64, f64)> {
        let side = if left { &self.left } else { &self.right };
        let sign = if left { 1.0 } else { -1.0 };
        let ds_m = s_m - self.start_m;
        side.iter().scan(0.0, move |edge, lane| {
            let inner = *edge;
            let value = lane.shape.value(ds_m);
            // A border is a t of its own; a width adds to the lanes inside it.
            *edge = if lane.is_border { value } else { inner + sign * value.max(0.0) };
            Some((lane, inner, *edge))
        })
    }
}

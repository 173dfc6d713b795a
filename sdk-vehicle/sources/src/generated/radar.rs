//! The front radar: field of view, range, occlusion, detection probability, noise, track management and clutter.

use std::collections::BTreeMap;

use cloverleaf_signals::messages::{Object, ObjectClass, ObjectList};
use cloverleaf_vocabulary::{ActorClass, Draw};

use super::own::FRONT_M;
use super::world::World;

/// Tracks the sensor can hold.
pub const SLOTS: usize = 16;
/// Measuring cycle in world steps (20 Hz).
pub const CYCLE_STEPS: u64 = 5;

const RANGE_M: f64 = 160.0;
/// Half field of view near by and at full range, rad: a wide short-range and a narrow long-range beam.
const NEAR_HALF_ANGLE_RAD: f64 = 0.79;
const FAR_HALF_ANGLE_RAD: f64 = 0.16;
const NEAR_RANGE_M: f64 = 55.0;
/// Detections in a row that make a track, and misses in a row that end it.
const CONFIRM_HITS: u32 = 2;
const DROP_MISSES: u32 = 4;

/// What the sensor reports for a slot, rounded as the bus carries it. Frame of the object list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Track {
    /// Middle of the side nearest to us, m ahead of the front bumper.
    pub x_m: f64,
    /// m to the left.
    pub y_m: f64,
    /// Relative speed, closing is negative, m/s.
    pub vx_mps: f64,
    /// Relative lateral speed, m/s.
    pub vy_mps: f64,
    /// Length and width as far as classified, m.
    pub size_m: [f64; 2],
    /// Class.
    pub class: ObjectClass,
    /// First report under this slot.
    pub is_new: bool,
}

/// A reflection that could be seen, before noise.
struct Echo {
    source: u32,
    x_m: f64,
    y_m: f64,
    vx_mps: f64,
    vy_mps: f64,
    half_width_m: f64,
    class: ObjectClass,
    size_m: [f64; 2],
}

struct Tracked {
    slot: Option<usize>,
    hits: u32,
    misses: u32,
    is_new: bool,
    /// Slowly wandering reflection point on the target, m along and across.
    wander_m: [f64; 2],
    last: Track,
}

/// A roadside thing that reflects for a moment: guard-rail posts, signs.
struct Clutter {
    id: u32,
    x_m: f64,
    y_m: f64,
    cycles_left: u32,
}

/// The sensor.
pub struct Radar {
    tracked: BTreeMap<u32, Tracked>,
    slots: [Option<u32>; SLOTS],
    clutter: Vec<Clutter>,
    next_clutter: u32,
    draw: Draw,
}

impl Radar {
    /// A sensor with its own noise.
    pub fn new(seed: u64) -> Self {
        let draw = Draw::new(seed, RADAR_STREAM, 0);
        Self { tracked: BTreeMap::new(), slots: [None; SLOTS], clutter: Vec::new(), next_clutter: 1 << 24, draw }
    }

    /// One cycle: the reported tracks by slot.
    pub fn cycle(&mut self, world: &World) -> [Option<Track>; SLOTS] {
        let mut echoes = visible(world);
        echoes.extend(self.clutter_echoes(world.own.speed_mps));
        let mut seen = Vec::new();
        for echo in &echoes {
            let range = echo.x_m.hypot(echo.y_m);
            // Swerling-like fading: far and small targets are missed more often.
            let probability =
                if echo.class == ObjectClass::Other { 0.8 } else { 0.985 } - 0.12 * (range / RANGE_M).powi(3);
            if self.draw.unit() < probability {
                self.hit(echo);
                seen.push(echo.source);
            }
        }
        self.miss(&seen);
        let mut report = [None; SLOTS];
        for tracked in self.tracked.values_mut() {
            if let Some(slot) = tracked.slot {
                report[slot] = Some(Track { is_new: tracked.is_new, ..tracked.last });
                tracked.is_new = false;
            }
        }
        report
    }

    fn hit(&mut self, echo: &Echo) {
        let range = echo.x_m.hypot(echo.y_m);
        let draw = &mut self.draw;
        let tracked = self.tracked.entry(echo.source).or_insert_with(|| Tracked {
            slot: None,
            hits: 0,
            misses: 0,
            is_new: false,
            wander_m: [0.0; 2],
            last: Track {
                x_m: 0.0,
                y_m: 0.0,
                vx_mps: 0.0,
                vy_mps: 0.0,
                size_m: [0.0; 2],
                class: ObjectClass::Unknown,
                is_new: false,
            },
        });
        tracked.hits += 1;
        tracked.misses = 0;
        let spread = [0.08, 0.12 + 0.0015 * range + 0.1 * echo.half_width_m];
        for (wander, spread) in tracked.wander_m.iter_mut().zip(spread) {
            *wander = 0.93 * *wander + (1.0 - 0.93_f64.powi(2)).sqrt() * spread * draw.normal();
        }
        let classified = tracked.hits > 10;
        tracked.last = Track {
            x_m: to_step(echo.x_m + tracked.wander_m[0] + 0.06 * draw.normal(), 0.05).max(0.0),
            y_m: to_step(echo.y_m + tracked.wander_m[1] + 0.04 * draw.normal(), 0.1),
            vx_mps: to_step(echo.vx_mps + 0.08 * draw.normal(), 0.05),
            vy_mps: to_step(echo.vy_mps + 0.15 * draw.normal(), 0.2),
            size_m: if classified { echo.size_m } else { [0.0; 2] },
            class: if classified { echo.class } else { ObjectClass::Unknown },
            is_new: false,
        };
        if tracked.slot.is_none()
            && tracked.hits >= CONFIRM_HITS
            && let Some(free) = self.slots.iter().position(Option::is_none)
        {
            self.slots[free] = Some(echo.source);
            tracked.slot = Some(free);
            tracked.is_new = true;
        }
    }

    fn miss(&mut self, seen: &[u32]) {
        let slots = &mut self.slots;
        self.tracked.retain(|source, tracked| {
            if seen.contains(source) {
                return true;
            }
            tracked.misses += 1;
            // Coasting: the filter carries the track on for a moment.
            tracked.last.x_m = to_step(tracked.last.x_m + tracked.last.vx_mps * 0.05, 0.05).max(0.0);
            let keep = tracked.slot.is_some() && tracked.misses < DROP_MISSES;
            if !keep && let Some(slot) = tracked.slot {
                slots[slot] = None;
            }
            keep
        });
    }

    fn clutter_echoes(&mut self, own_mps: f64) -> Vec<Echo> {
        if self.draw.unit() < 0.02 {
            let side = if self.draw.unit() < 0.5 { 1.0 } else { -1.0 };
            self.clutter.push(Clutter {
                id: self.next_clutter,
                x_m: self.draw.uniform(25.0, 90.0),
                y_m: side * self.draw.uniform(8.5, 13.0),
                cycles_left: 3 + self.draw.below(12) as u32,
            });
            self.next_clutter += 1;
        }
        for clutter in &mut self.clutter {
            clutter.x_m -= own_mps * 0.05;
            clutter.cycles_left = clutter.cycles_left.saturating_sub(1);
        }
        self.clutter.retain(|clutter| clutter.cycles_left > 0 && clutter.x_m > 3.0);
        self.clutter
            .iter()
            .map(|clutter| Echo {
                source: clutter.id,
                x_m: clutter.x_m,
                y_m: clutter.y_m,
                vx_mps: -own_mps,
                vy_mps: 0.0,
                half_width_m: 0.1,
                class: ObjectClass::Unknown,
                size_m: [0.0; 2],
            })
            .collect()
    }
}

/// The object list of one cycle.
pub fn object_list(tracks: &[Option<Track>; SLOTS]) -> ObjectList {
    let objects = tracks
        .iter()
        .enumerate()
        .filter_map(|(slot, track)| track.map(|track| (slot, track)))
        .map(|(slot, track)| Object {
            id: slot as u32,
            x_m: track.x_m,
            y_m: track.y_m,
            vx_mps: track.vx_mps,
            vy_mps: track.vy_mps,
            length_m: track.size_m[0],
            width_m: track.size_m[1],
            class: track.class as i32,
            is_new: track.is_new,
        })
        .collect();
    ObjectList { objects }
}

fn to_step(value: f64, step: f64) -> f64 {
    (value / step).round() * step
}

/// Everything within the field of view that nothing nearer hides.
fn visible(world: &World) -> Vec<Echo> {
    let own = &world.own;
    let (sin, cos) = own.yaw_rad.sin_cos();
    let mut echoes: Vec<Echo> = world
        .others
        .iter()
        .filter_map(|other| {
            // The rear when it is ahead of us; when beside us, the point of its flank level with our bumper.
            let near_m = other.rear_m().max(world.own_front_m().min(other.front_m()));
            let [x, y] = world.road.xy(near_m, other.lateral_m);
            let (dx, dy) = (x - own.x_m, y - own.y_m);
            let (x_m, y_m) = (dx * cos + dy * sin - FRONT_M, dy * cos - dx * sin);
            if x_m <= 0.2 {
                return None;
            }
            let turned = world.road.at(other.along_m).heading_rad - own.yaw_rad;
            let vx_mps = other.speed_mps * turned.cos() - other.lateral_mps * turned.sin() - own.speed_mps;
            let vy_mps = other.speed_mps * turned.sin() + other.lateral_mps * turned.cos();
            let class = match other.class {
                ActorClass::Truck | ActorClass::Bus => ObjectClass::Truck,
                ActorClass::Other => ObjectClass::Other,
                _ => ObjectClass::Car,
            };
            let size_m = [other.length_m, other.width_m].map(|side| to_step(side, 0.1));
            Some(Echo { source: other.id, x_m, y_m, vx_mps, vy_mps, half_width_m: other.width_m / 2.0, class, size_m })
        })
        .filter(|echo| {
            let range = echo.x_m.hypot(echo.y_m);
            let reach = if echo.class == ObjectClass::Other { 75.0 } else { RANGE_M };
            let share = ((range - NEAR_RANGE_M) / (RANGE_M - NEAR_RANGE_M)).clamp(0.0, 1.0);
            let half_angle = NEAR_HALF_ANGLE_RAD + share * (FAR_HALF_ANGLE_RAD - NEAR_HALF_ANGLE_RAD);
            range < reach && echo.y_m.atan2(echo.x_m).abs() < half_angle
        })
        .collect();
    echoes.sort_by(|a, b| a.x_m.total_cmp(&b.x_m));
    let mut shadows: Vec<(f64, f64)> = Vec::new();
    echoes.retain(|echo| {
        let edges = ((echo.y_m - echo.half_width_m).atan2(echo.x_m), (echo.y_m + echo.half_width_m).atan2(echo.x_m));
        let width = (edges.1 - edges.0).max(1e-9);
        // Waves bend around and pass below: only what is hidden by three quarters is lost.
        let hidden = shadows.iter().any(|shadow| (shadow.1.min(edges.1) - shadow.0.max(edges.0)) / width > 0.75);
        if echo.class != ObjectClass::Other {
            shadows.push(edges);
        }
        !hidden
    });
    echoes
}

const RADAR_STREAM: u64 = 0x5241_4441;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_agree_with_the_world_and_keep_their_slots() {
        let mut world = World::new(11, 30.0);
        let mut radar = Radar::new(11);
        let (mut reports, mut births) = (0, 0);
        for step in 0..3_000_u64 {
            world.step();
            if !step.is_multiple_of(CYCLE_STEPS) {
                continue;
            }
            let tracks = radar.cycle(&world);
            for (slot, track) in tracks.iter().enumerate() {
                let Some(track) = track else { continue };
                reports += 1;
                births += u32::from(track.is_new);
                let source = radar.slots[slot].unwrap();
                if let Some(other) = world.find(source) {
                    let gap = world.gap_to_m(other);
                    assert!(gap < 5.0 || (track.x_m - gap).abs() < 6.0, "slot {slot}: {} is not {gap}", track.x_m);
                    assert!((track.vx_mps - (other.speed_mps - world.own.speed_mps)).abs() < 2.5);
                }
            }
        }
        assert!(reports > 1_000, "{reports} reports");
        assert!((5..200).contains(&births), "{births} births");
    }
}

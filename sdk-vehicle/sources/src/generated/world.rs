//! The motorway as it truly is: the own vehicle, the others, and the laws they move by, at 100 Hz.

use cloverleaf_vocabulary::Draw;

use super::following::Leader;
use super::own::{FRONT_M, LENGTH_M, OwnVehicle, WIDTH_M};
use super::pilot::Pilot;
use super::road::{LANES, Road, lane_at, lane_middle_m};
use super::traffic::Vehicle;

/// Step, s. Every rate of every sensor divides it.
pub const STEP_S: f64 = 0.01;

/// Vehicles leave the world this far ahead of and behind the own one, and appear a little nearer: both out of sight of
/// radar and camera, or behind.
const AHEAD_LIMIT_M: f64 = 420.0;
const BEHIND_LIMIT_M: f64 = 230.0;

/// Makes a vehicle with a number from a random stream.
pub type MakeVehicle = dyn Fn(u32, &mut Draw) -> Vehicle;

/// The whole state.
#[derive(Debug, Clone)]
pub struct World {
    /// Seconds since the start of the drive.
    pub t_s: f64,
    step: u64,
    /// Where it all happens.
    pub road: Road,
    /// The vehicle that records.
    pub own: OwnVehicle,
    /// Who drives it.
    pub pilot: Pilot,
    /// Everything else, debris included, in order of appearance.
    pub others: Vec<Vehicle>,
    wanted_count: usize,
    next_id: u32,
    draw: Draw,
}

impl World {
    /// The world of a seed, long enough for `seconds` of driving.
    pub fn new(seed: u64, seconds: f64) -> Self {
        let mut draw = Draw::new(seed, WORLD_STREAM, 0);
        let desired_mps = draw.uniform(28.0, 32.0);
        let road = Road::lay_out(seed, -BEHIND_LIMIT_M - 100.0, seconds * 42.0 + AHEAD_LIMIT_M + 600.0);
        let own = OwnVehicle::start(&road, lane_middle_m(1), desired_mps - draw.uniform(0.5, 2.0));
        let pilot = Pilot::new(seed, desired_mps, lane_middle_m(1));
        let wanted_count = 12 + draw.below(8) as usize;
        let mut world =
            Self { t_s: 0.0, step: 0, road, own, pilot, others: Vec::new(), wanted_count, next_id: 1, draw };
        world.populate();
        world
    }

    /// Front bumper of the own vehicle, m along the road.
    pub fn own_front_m(&self) -> f64 {
        self.own.along_m + FRONT_M
    }

    /// Rear end of the own vehicle, m along the road.
    pub fn own_rear_m(&self) -> f64 {
        self.own.along_m + FRONT_M - LENGTH_M
    }

    /// The lane the own vehicle is in.
    pub fn own_lane(&self) -> usize {
        lane_at(self.own.lateral_m)
    }

    /// From the own front bumper to a vehicle's rear; negative when it is beside or behind.
    pub fn gap_to_m(&self, other: &Vehicle) -> f64 {
        other.rear_m() - self.own_front_m()
    }

    /// The vehicle ahead whose body overlaps the own path, debris excepted.
    pub fn lead(&self) -> Option<&Vehicle> {
        self.others
            .iter()
            .filter(|other| {
                let beside = (other.lateral_m - self.own.lateral_m).abs();
                !other.is_debris && self.gap_to_m(other) > -2.0 && beside < (other.width_m + WIDTH_M) / 2.0 + 0.25
            })
            .min_by(|a, b| a.rear_m().total_cmp(&b.rear_m()))
    }

    /// A vehicle by number.
    pub fn find(&self, id: u32) -> Option<&Vehicle> {
        self.others.iter().find(|other| other.id == id)
    }

    /// A vehicle by number.
    pub fn find_mut(&mut self, id: u32) -> Option<&mut Vehicle> {
        self.others.iter_mut().find(|other| other.id == id)
    }

    /// A number nobody had before.
    pub fn new_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Whether a stretch of a lane (gaps to the own front bumper) is free of bodies and of vehicles moving into it.
    pub fn is_lane_free(&self, lane: usize, from_m: f64, to_m: f64, except: u32) -> bool {
        let front = self.own_front_m();
        !self.others.iter().any(|other| {
            other.id != except
                && (other.lane() == lane || lane_at(other.lateral_m) == lane)
                && other.front_m() > front + from_m
                && other.rear_m() < front + to_m
        })
    }

    /// One step: everyone decides on the state as it is, then all move.
    pub fn step(&mut self) {
        let leader = self.lead().map(|lead| Leader {
            gap_m: self.gap_to_m(lead),
            speed_mps: lead.speed_mps,
            accel_mps2: lead.accel_mps2,
        });
        let wishes: Vec<f64> = (0..self.others.len()).map(|index| self.wish_of(index)).collect();
        let (wish, urgency) = self.pilot.decide(self.t_s, STEP_S, self.own.speed_mps, leader);
        let target = self.pilot.lateral_target(self.t_s, STEP_S);
        self.own.step(&self.road, STEP_S, wish, urgency, target);
        for (other, wish) in self.others.iter_mut().zip(wishes) {
            other.step(self.t_s, STEP_S, wish);
        }
        self.step += 1;
        self.t_s = self.step as f64 * STEP_S;
        if self.step.is_multiple_of(50) {
            let (low, high) = (self.own.along_m - BEHIND_LIMIT_M, self.own.along_m + AHEAD_LIMIT_M);
            self.others.retain(|other| other.along_m > low && other.along_m < high);
            self.refill();
        }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    fn wish_of(&self, index: usize) -> f64 {
        let me = &self.others[index];
        let leader = self.leader_of(me);
        me.wanted_mps2(self.gap_to_m(me), self.own.speed_mps, leader)
    }

    /// Nearest body ahead in the path of another vehicle: the own vehicle counts, debris is dodged and does not.
    fn leader_of(&self, me: &Vehicle) -> Option<Leader> {
        let target_m = me.shift.map_or(me.lateral_m, |shift| shift.to_m);
        let in_path = |lateral_m: f64, width_m: f64| {
            let near = (width_m + me.width_m) / 2.0 + 0.3;
            (lateral_m - me.lateral_m).abs() < near || (lateral_m - target_m).abs() < near
        };
        let mut best: Option<Leader> = None;
        let mut consider = |gap_m: f64, speed_mps: f64, accel_mps2: f64| {
            if best.is_none_or(|best| gap_m < best.gap_m) {
                best = Some(Leader { gap_m, speed_mps, accel_mps2 });
            }
        };
        for other in &self.others {
            if other.id != me.id
                && !other.is_debris
                && other.along_m > me.along_m
                && in_path(other.lateral_m, other.width_m)
            {
                consider(other.rear_m() - me.front_m(), other.speed_mps, other.accel_mps2);
            }
        }
        if self.own_front_m() > me.front_m() && in_path(self.own.lateral_m, WIDTH_M) {
            consider(self.own_rear_m() - me.front_m(), self.own.speed_mps, self.own.accel_mps2);
        }
        best.filter(|leader| leader.gap_m < 250.0)
    }

    /// The first traffic: spread over the lanes with room around the own vehicle.
    fn populate(&mut self) {
        let desired = self.pilot.driver.desired_mps;
        for lane in 0..LANES {
            let mut along = -BEHIND_LIMIT_M + 20.0 + self.draw.uniform(0.0, 60.0);
            while along < AHEAD_LIMIT_M - 20.0 {
                let clear = lane == 1 && (-55.0..85.0).contains(&along);
                if !clear && self.others.len() < self.wanted_count + 4 {
                    let id = self.new_id();
                    let mut other = Vehicle::for_lane(id, lane, desired, &mut self.draw);
                    other.along_m = along;
                    self.others.push(other);
                }
                along += self.draw.uniform(55.0, 150.0) * if lane == 1 { 1.3 } else { 1.0 };
            }
        }
    }

    /// Replaces who left: slower ones far ahead, quicker ones behind.
    fn refill(&mut self) {
        let count = self.others.iter().filter(|other| !other.is_debris).count();
        if count >= self.wanted_count {
            return;
        }
        let lane = self.draw.below(LANES as u64) as usize;
        let ahead = if lane == 0 { 0.8 } else { 0.4 };
        let offset = if self.draw.unit() < ahead { AHEAD_LIMIT_M - 30.0 } else { -BEHIND_LIMIT_M + 40.0 };
        self.spawn_at(lane, offset, None);
    }

    /// Puts a vehicle into a lane at an offset from the own one when there is room; its number, or `None`.
    pub fn spawn_at(&mut self, lane: usize, offset_m: f64, make: Option<&MakeVehicle>) -> Option<u32> {
        let along = self.own.along_m + offset_m;
        if !self.is_lane_free(lane, offset_m - 45.0, offset_m + 40.0, 0) {
            return None;
        }
        let id = self.new_id();
        let mut other = match make {
            Some(make) => make(id, &mut self.draw),
            None => Vehicle::for_lane(id, lane, self.pilot.driver.desired_mps, &mut self.draw),
        };
        other.along_m = along;
        // Fit in with the flow: no faster than the one ahead can bear.
        let leader = self.leader_of(&other);
        if let Some(leader) = leader {
            let bearable = leader.speed_mps + (leader.gap_m / 25.0).max(0.0);
            other.speed_mps = other.speed_mps.min(bearable);
        }
        self.others.push(other);
        Some(id)
    }

    /// Overlap of the own ground rectangle with another, m of the smaller side; `None` when apart. For checks.
    pub fn overlap_m(&self) -> Option<(u32, f64)> {
        self.others
            .iter()
            .filter_map(|other| {
                let along = (other.front_m().min(self.own_front_m())) - other.rear_m().max(self.own_rear_m());
                let beside = (other.width_m + WIDTH_M) / 2.0 - (other.lateral_m - self.own.lateral_m).abs();
                (along > 0.0 && beside > 0.0).then_some((other.id, along.min(beside)))
            })
            .next()
    }
}

const WORLD_STREAM: u64 = 0x574F_524C;

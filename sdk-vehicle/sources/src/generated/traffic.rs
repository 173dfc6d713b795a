//! The others on the road: cars and trucks that follow by IDM, in lanes, under occasional orders of the director.

use cloverleaf_vocabulary::{ActorClass, Draw};

use super::following::{Driver, Leader};
use super::own::Shift;
use super::road::{LANES, lane_at, lane_middle_m};

/// What the director wants of a vehicle, beside not hitting anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// Drive as you like.
    Free,
    /// Go to a gap ahead of the own vehicle's front bumper and hold it.
    Keep {
        /// From its front to our rear, m.
        gap_m: f64,
        /// Speed over the own vehicle's when there, m/s.
        faster_mps: f64,
    },
    /// Hold a speed, changing to it gently.
    Hold {
        /// m/s.
        speed_mps: f64,
    },
    /// Brake, no matter what is behind.
    Brake {
        /// Positive, m/s2.
        deceleration_mps2: f64,
        /// Then hold this speed, m/s.
        to_mps: f64,
    },
}

/// One of the others. The reference point is the middle of its ground rectangle.
#[derive(Debug, Clone, PartialEq)]
pub struct Vehicle {
    /// Never used twice in a drive; 0 is the own vehicle.
    pub id: u32,
    /// Car, van, truck or debris (`Other`).
    pub class: ActorClass,
    /// Size, m.
    pub length_m: f64,
    /// Size, m.
    pub width_m: f64,
    /// Size, m.
    pub height_m: f64,
    /// Paint as full-range luma, and blue and red difference.
    pub paint: [u8; 3],
    /// Arc length, m.
    pub along_m: f64,
    /// Lateral offset, m.
    pub lateral_m: f64,
    /// Lateral speed, m/s.
    pub lateral_mps: f64,
    /// m/s.
    pub speed_mps: f64,
    /// m/s2.
    pub accel_mps2: f64,
    /// How its driver drives.
    pub driver: Driver,
    /// What the director wants.
    pub order: Order,
    /// Lane change or dodge in progress.
    pub shift: Option<Shift>,
    /// Slides without a driver until it lies still.
    pub is_debris: bool,
}

impl Vehicle {
    /// A vehicle that suits a lane: trucks keep right, the left lane is quick.
    pub fn for_lane(id: u32, lane: usize, own_desired_mps: f64, draw: &mut Draw) -> Self {
        let truck_share = [0.45, 0.04, 0.0][lane.min(LANES - 1)];
        let is_truck = draw.unit() < truck_share;
        let desired_mps = match (lane, is_truck) {
            (0, true) => draw.uniform(22.2, 24.5),
            (0, false) => draw.uniform(23.5, 27.0),
            (1, true) => own_desired_mps + draw.uniform(-0.5, 0.5),
            (1, false) => own_desired_mps + draw.uniform(-0.3, 2.5),
            _ => own_desired_mps + draw.uniform(1.0, 5.0),
        };
        Self::new(id, is_truck, lane, desired_mps, draw)
    }

    /// A vehicle of a wanted kind and speed.
    pub fn new(id: u32, is_truck: bool, lane: usize, desired_mps: f64, draw: &mut Draw) -> Self {
        let is_van = !is_truck && draw.unit() < 0.15;
        let (class, length_m, width_m, height_m) = if is_truck {
            (ActorClass::Truck, draw.uniform(8.5, 16.5), draw.uniform(2.45, 2.55), draw.uniform(3.2, 4.0))
        } else if is_van {
            (ActorClass::Van, draw.uniform(5.0, 5.9), draw.uniform(1.95, 2.05), draw.uniform(1.95, 2.6))
        } else {
            (ActorClass::Car, draw.uniform(4.0, 5.0), draw.uniform(1.72, 1.92), draw.uniform(1.42, 1.72))
        };
        const PAINTS: [[u8; 3]; 8] = [
            [225, 128, 128], // white
            [60, 128, 128],  // black
            [150, 128, 128], // silver
            [105, 129, 127], // grey
            [85, 112, 175],  // red
            [80, 168, 108],  // blue
            [95, 118, 116],  // green
            [135, 100, 145], // sand
        ];
        Self {
            id,
            class,
            length_m,
            width_m,
            height_m,
            paint: PAINTS[draw.below(PAINTS.len() as u64) as usize],
            along_m: 0.0,
            lateral_m: lane_middle_m(lane) + draw.uniform(-0.2, 0.2),
            lateral_mps: 0.0,
            speed_mps: desired_mps,
            accel_mps2: 0.0,
            driver: Driver {
                desired_mps,
                time_gap_s: draw.uniform(1.1, 1.7),
                standstill_m: 2.0,
                accel_mps2: if is_truck { draw.uniform(0.5, 0.8) } else { draw.uniform(1.0, 1.7) },
                brake_mps2: draw.uniform(1.6, 2.4),
            },
            order: Order::Free,
            shift: None,
            is_debris: false,
        }
    }

    /// Front end, m along the road.
    pub fn front_m(&self) -> f64 {
        self.along_m + self.length_m / 2.0
    }

    /// Rear end, m along the road.
    pub fn rear_m(&self) -> f64 {
        self.along_m - self.length_m / 2.0
    }

    /// The lane it is in, or is moving to.
    pub fn lane(&self) -> usize {
        lane_at(self.shift.map_or(self.lateral_m, |shift| shift.to_m))
    }

    /// Begins a lane change unless one is in progress.
    pub fn change_to(&mut self, lane: usize, t_s: f64, duration_s: f64) {
        if self.shift.is_none() {
            let to_m = lane_middle_m(lane);
            self.shift = Some(Shift { start_s: t_s, duration_s, from_m: self.lateral_m, to_m });
        }
    }

    /// Acceleration wanted now.
    pub fn wanted_mps2(&self, own_rear_gap_m: f64, own_speed_mps: f64, leader: Option<Leader>) -> f64 {
        if self.is_debris {
            return if self.speed_mps > 0.0 { -SLIDING_MPS2 } else { 0.0 };
        }
        let free = self.driver.acceleration_mps2(self.speed_mps, leader);
        match self.order {
            Order::Free => free,
            Order::Keep { gap_m, faster_mps } => {
                let behind_m = gap_m - own_rear_gap_m;
                let speed = own_speed_mps + faster_mps + (0.35 * behind_m).clamp(-7.0, 9.0);
                (0.9 * (speed - self.speed_mps)).clamp(-2.8, 2.6).min(self.safe(leader))
            }
            Order::Hold { speed_mps } => (0.6 * (speed_mps - self.speed_mps)).clamp(-1.6, 1.9).min(self.safe(leader)),
            Order::Brake { deceleration_mps2, to_mps } => {
                if self.speed_mps > to_mps {
                    -deceleration_mps2
                } else {
                    free.min(0.0)
                }
            }
        }
    }

    /// What following alone would allow, with a driver in a hurry.
    fn safe(&self, leader: Option<Leader>) -> f64 {
        let hurried =
            Driver { desired_mps: 60.0, time_gap_s: 0.7, accel_mps2: self.driver.accel_mps2.max(2.6), ..self.driver };
        hurried.acceleration_mps2(self.speed_mps, leader)
    }

    /// One step with the acceleration computed from the state before.
    pub fn step(&mut self, t_s: f64, dt_s: f64, wanted_mps2: f64) {
        let jerk = if wanted_mps2 < -3.0 || self.is_debris { 30.0 } else { 5.0 };
        let wanted = wanted_mps2.clamp(-8.8, 3.0);
        self.accel_mps2 += (wanted - self.accel_mps2).clamp(-jerk * dt_s, jerk.max(8.0) * dt_s);
        let before = self.speed_mps;
        self.speed_mps = (self.speed_mps + self.accel_mps2 * dt_s).max(0.0);
        if self.speed_mps == 0.0 {
            self.accel_mps2 = self.accel_mps2.max(0.0);
        }
        self.along_m += (before + self.speed_mps) / 2.0 * dt_s;
        if let Some(shift) = self.shift {
            let [offset, rate, _] = shift.at(t_s + dt_s);
            (self.lateral_m, self.lateral_mps) = (offset, rate);
            if shift.is_over(t_s + dt_s) {
                (self.shift, self.lateral_mps) = (None, 0.0);
            }
        }
    }

    /// Whether its brake lights are on.
    pub fn shows_brake_lights(&self) -> bool {
        !self.is_debris && self.accel_mps2 < -0.8
    }
}

/// Sliding friction of lost cargo on asphalt, about 0.65 g.
const SLIDING_MPS2: f64 = 6.4;

//! Who drives the own vehicle: adaptive cruise control, and a driver who follows, brakes in an emergency and swerves.

use cloverleaf_vocabulary::Draw;

use super::following::{Driver, Leader, required_deceleration_mps2};
use super::own::{Shift, Urgency};

/// Deceleration that adaptive cruise control may ask for (ISO 15622:2018, 3.5 m/s2 above 20 m/s), m/s2.
const CRUISE_BRAKE_LIMIT_MPS2: f64 = 3.5;
/// Deceleration above which a driver no longer calls it normal, m/s2.
const DRIVER_BRAKE_LIMIT_MPS2: f64 = 4.0;

/// Emergency braking in progress.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Emergency {
    /// Foot reaches the pedal, s.
    brakes_at_s: f64,
    /// Least deceleration of this stop, m/s2.
    deceleration_mps2: f64,
    /// The danger that began it was seen to end, s.
    over_since_s: Option<f64>,
}

/// How somebody in a hurry follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hurry {
    /// Time gap kept, s.
    pub time_gap_s: f64,
    /// Wish above the usual speed, m/s: what makes one close up.
    pub faster_mps: f64,
}

/// Driver and cruise control of the own vehicle.
#[derive(Debug, Clone)]
pub struct Pilot {
    /// Cruise control regulates the speed.
    pub is_cruising: bool,
    /// Speed set, m/s.
    pub set_mps: f64,
    /// How the driver follows when cruise control is off.
    pub driver: Driver,
    /// How cruise control follows.
    pub cruise: Driver,
    /// Follows more closely than usual for a while.
    pub hurry: Option<Hurry>,
    /// Takes the foot off while dodging something.
    pub is_dodging: bool,
    /// The driver will switch cruise control on again at this time, s.
    pub resumes_at_s: Option<f64>,
    /// Lateral moves not yet over, in time order.
    pub shifts: Vec<Shift>,
    /// Lateral target when no move is in progress, m.
    pub lane_m: f64,
    /// Slow wander within the lane, m, and its rate.
    wander: [f64; 2],
    /// Speed wish of a driver without cruise control wanders too, m/s.
    mood_mps: f64,
    emergency: Option<Emergency>,
    is_pedal_pressed: bool,
    draw: Draw,
}

impl Pilot {
    /// A driver of his own habits.
    pub fn new(seed: u64, desired_mps: f64, lane_m: f64) -> Self {
        let mut draw = Draw::new(seed, PILOT_STREAM, 0);
        let driver = Driver {
            desired_mps,
            time_gap_s: draw.uniform(1.25, 1.6),
            standstill_m: 2.5,
            accel_mps2: draw.uniform(1.4, 1.9),
            brake_mps2: draw.uniform(1.7, 2.3),
        };
        let cruise = Driver { time_gap_s: draw.uniform(1.4, 1.8), accel_mps2: 1.5, brake_mps2: 1.8, ..driver };
        Self {
            is_cruising: draw.unit() < 0.75,
            set_mps: desired_mps,
            driver,
            cruise,
            hurry: None,
            is_dodging: false,
            resumes_at_s: None,
            shifts: Vec::new(),
            lane_m,
            wander: [0.0; 2],
            mood_mps: 0.0,
            emergency: None,
            is_pedal_pressed: false,
            draw,
        }
    }

    /// Longitudinal wish and how urgent it is.
    pub fn decide(&mut self, t_s: f64, dt_s: f64, speed_mps: f64, leader: Option<Leader>) -> (f64, Urgency) {
        self.mood_mps += -0.1 * self.mood_mps * dt_s + 0.25 * dt_s.sqrt() * self.draw.normal();
        self.watch(t_s, speed_mps, leader);
        if let Some(at) = self.resumes_at_s
            && t_s >= at
            && self.emergency.is_none()
            && speed_mps > 15.0
        {
            (self.is_cruising, self.resumes_at_s) = (true, None);
        }
        if let Some(emergency) = self.emergency
            && t_s >= emergency.brakes_at_s
        {
            if self.is_cruising {
                self.is_cruising = false;
                self.resumes_at_s = Some(t_s + self.draw.uniform(9.0, 14.0));
            }
            self.is_pedal_pressed = true;
            let needed = leader.map_or(0.0, |leader| 1.15 * required_deceleration_mps2(speed_mps, leader));
            let wish =
                if emergency.over_since_s.is_some() { 0.0 } else { -needed.max(emergency.deceleration_mps2).min(9.2) };
            return (wish, Urgency::Emergency);
        }
        let (usual, desired_mps, limit) = if self.is_cruising {
            (self.cruise, self.set_mps, CRUISE_BRAKE_LIMIT_MPS2)
        } else {
            (self.driver, self.driver.desired_mps + self.mood_mps, DRIVER_BRAKE_LIMIT_MPS2)
        };
        let model = match self.hurry {
            Some(hurry) => {
                Driver { desired_mps: desired_mps + hurry.faster_mps, time_gap_s: hurry.time_gap_s, ..usual }
            }
            None => Driver { desired_mps, ..usual },
        };
        let wish = model.acceleration_mps2(speed_mps, leader).max(-limit);
        let wish = if self.is_dodging { wish.min(-0.9) } else { wish };
        // A driver coasts up to about 0.6 m/s2 and brakes with the pedal beyond.
        self.is_pedal_pressed = !self.is_cruising && wish < if self.is_pedal_pressed { -0.4 } else { -0.7 };
        (wish, Urgency::Comfort)
    }

    /// Lateral target with its rate and second derivative.
    pub fn lateral_target(&mut self, t_s: f64, dt_s: f64) -> [f64; 3] {
        let [offset, rate] = self.wander;
        // A damped oscillator driven by noise: about 0.1 m of lane wander with a period of some 15 s.
        let pull = -0.16 * offset - 0.4 * rate;
        self.wander = [offset + rate * dt_s, rate + pull * dt_s + 0.035 * dt_s.sqrt() * self.draw.normal()];
        while let Some(first) = self.shifts.first().copied()
            && first.is_over(t_s)
        {
            self.lane_m = first.to_m;
            self.shifts.remove(0);
        }
        let [base, base_rate, base_accel] = match self.shifts.first() {
            Some(shift) if t_s >= shift.start_s => shift.at(t_s),
            _ => [self.lane_m, 0.0, 0.0],
        };
        [base + self.wander[0], base_rate + self.wander[1], base_accel]
    }

    /// The foot is on the brake pedal.
    pub fn presses_brake(&self) -> bool {
        self.is_pedal_pressed
    }

    /// Emergency braking has begun or is about to.
    pub fn is_alarmed(&self) -> bool {
        self.emergency.is_some()
    }

    /// Begins and ends emergencies.
    fn watch(&mut self, t_s: f64, speed_mps: f64, leader: Option<Leader>) {
        let needed = leader.map_or(0.0, |leader| required_deceleration_mps2(speed_mps, leader));
        let brakes_hard = leader.is_some_and(|leader| {
            leader.accel_mps2 < -5.5 && leader.gap_m < 1.9 * speed_mps && speed_mps > leader.speed_mps
        });
        match &mut self.emergency {
            None if needed > 4.3 || brakes_hard => {
                // Whoever follows closely watches closely.
                let time_gap_s = leader.map_or(2.0, |leader| leader.gap_m / speed_mps.max(1.0));
                let reaction_s = self.draw.uniform(0.35, 0.8).min(0.3 + 0.35 * time_gap_s);
                self.emergency = Some(Emergency {
                    brakes_at_s: t_s + reaction_s,
                    deceleration_mps2: self.draw.uniform(5.5, 7.8),
                    over_since_s: None,
                });
            }
            None => {}
            Some(emergency) => {
                let opening = leader.is_none_or(|leader| {
                    speed_mps < leader.speed_mps - 0.3
                        || (leader.accel_mps2 > -1.0 && needed < 1.2 && speed_mps < leader.speed_mps + 4.0)
                });
                match emergency.over_since_s {
                    None if opening => emergency.over_since_s = Some(t_s),
                    Some(since) if t_s > since + 0.8 => self.emergency = None,
                    Some(_) if needed > 4.3 => emergency.over_since_s = None,
                    _ => {}
                }
            }
        }
    }
}

const PILOT_STREAM: u64 = 0x5049_4C4F;

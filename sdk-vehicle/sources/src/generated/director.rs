//! Decides what shall happen when, and gives the orders that make it likely. What really happened is found out by
//! [`super::truth`] from the motion alone.

use cloverleaf_vocabulary::Draw;

use super::acts::{Act, Progress};
use super::world::{STEP_S, World};

/// Something the director wants to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plan {
    /// Nothing for a while.
    Quiet,
    /// A neighbour moves into a short gap.
    CutIn,
    /// The lead vehicle brakes hard.
    HardBrake,
    /// Something lies on the lane.
    Swerve,
    /// A slow vehicle ahead, followed too closely.
    SlowLead,
    /// Cruise control off and on again.
    Cruise,
    /// The own vehicle changes lane and comes back, without haste.
    OwnLaneChange,
    /// A neighbour moves in far ahead: no cut-in.
    FarEntry,
    /// The lead vehicle brakes, but not hard.
    MildBrake,
}

impl Plan {
    /// What every drive long enough contains.
    pub const REQUIRED: [Self; 5] = [Self::Quiet, Self::CutIn, Self::HardBrake, Self::Swerve, Self::SlowLead];

    /// Name in the truth file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::CutIn => "cut-in",
            Self::HardBrake => "hard-brake",
            Self::Swerve => "evasive-swerve",
            Self::SlowLead => "slow-lead",
            Self::Cruise => "cruise-transition",
            Self::OwnLaneChange => "own-lane-change",
            Self::FarEntry => "far-entry",
            Self::MildBrake => "mild-brake",
        }
    }

    /// Time it usually takes, s; less than this left, and it is not begun.
    fn budget_s(self) -> f64 {
        match self {
            Self::Quiet => 23.0,
            Self::CutIn => 13.0,
            Self::HardBrake => 14.0,
            Self::Swerve => 13.0,
            Self::SlowLead => 26.0,
            Self::Cruise => 9.0,
            Self::OwnLaneChange => 18.0,
            Self::FarEntry => 16.0,
            Self::MildBrake => 14.0,
        }
    }
}

/// An act that came to pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planted {
    /// What was intended.
    pub plan: Plan,
    /// When setting the stage began, s.
    pub from_s: f64,
    /// When the act was over, s.
    pub to_s: f64,
}

/// Runs one act after another.
#[derive(Debug, Clone)]
pub struct Director {
    seconds: f64,
    waiting: Vec<Plan>,
    retries: u32,
    current: Option<(Plan, Act)>,
    next_at_s: f64,
    planted: Vec<Planted>,
    draw: Draw,
}

impl Director {
    /// The programme of a seed.
    pub fn new(seed: u64, seconds: f64) -> Self {
        let mut draw = Draw::new(seed, DIRECTOR_STREAM, 0);
        let mut waiting = Plan::REQUIRED.to_vec();
        for last in (1..waiting.len()).rev() {
            waiting.swap(last, draw.below(last as u64 + 1) as usize);
        }
        let next_at_s = draw.uniform(0.5, 1.5);
        Self { seconds, waiting, retries: 0, current: None, next_at_s, planted: Vec::new(), draw }
    }

    /// Required plans that never came to be, for lack of time.
    pub fn not_planted(&self) -> Vec<Plan> {
        Plan::REQUIRED.into_iter().filter(|plan| !self.planted.iter().any(|done| done.plan == *plan)).collect()
    }

    /// What came to pass, in time order: intentions, not measurements.
    pub fn planted(&self) -> &[Planted] {
        &self.planted
    }

    /// Called before every step of the world.
    pub fn direct(&mut self, world: &mut World) {
        if let Some((plan, act)) = &mut self.current {
            match act.advance(world, &mut self.draw) {
                Progress::Goes => {}
                Progress::Done => {
                    self.planted.push(Planted { plan: *plan, from_s: act.begun_s(), to_s: world.t_s });
                    self.pause(world);
                }
                Progress::Failed => {
                    if Plan::REQUIRED.contains(plan) && self.retries < 6 {
                        self.retries += 1;
                        self.waiting.push(*plan);
                    }
                    self.pause(world);
                }
            }
            return;
        }
        // Checking ten times a second is enough.
        if world.t_s >= self.next_at_s && world.steps().is_multiple_of((0.1 / STEP_S).round() as u64) {
            self.begin_next(world);
        }
    }

    fn pause(&mut self, world: &mut World) {
        self.current = None;
        // Short drives are packed more tightly.
        let longest = if self.seconds < 150.0 { 1.6 } else { 6.0 };
        self.next_at_s = world.t_s + self.draw.uniform(0.4, longest);
    }

    fn begin_next(&mut self, world: &mut World) {
        let left_s = self.seconds - world.t_s;
        let is_ready = |plan: &Plan| left_s > plan.budget_s() + if *plan == Plan::Quiet { 0.0 } else { 1.0 };
        let plan = match self.waiting.iter().position(is_ready) {
            Some(index) => self.waiting.remove(index),
            None if self.waiting.is_empty() => {
                const EXTRA: [Plan; 9] = [
                    Plan::Cruise,
                    Plan::OwnLaneChange,
                    Plan::FarEntry,
                    Plan::MildBrake,
                    Plan::CutIn,
                    Plan::HardBrake,
                    Plan::Swerve,
                    Plan::SlowLead,
                    Plan::Quiet,
                ];
                let plan = EXTRA[self.draw.below(EXTRA.len() as u64) as usize];
                if !is_ready(&plan) {
                    self.next_at_s = world.t_s + 1.0;
                    return;
                }
                plan
            }
            None => return,
        };
        let act = Act::begin(plan, world.t_s, &mut self.draw);
        self.current = Some((plan, act));
    }
}

const DIRECTOR_STREAM: u64 = 0x4449_5245;

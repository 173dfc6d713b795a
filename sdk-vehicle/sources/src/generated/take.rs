//! Finding a drive that shows what it should: rehearsals without sensors, of which the first good one is recorded.

use std::collections::BTreeSet;

use super::director::{Director, Plan};
use super::truth::Observer;
use super::world::World;

/// Rehearsals before giving up; nine of ten succeed by the second.
const MOST_TAKES: u64 = 24;
/// A drive of this length contains every kind of event, s.
pub const COMPLETE_S: f64 = 120.0;

/// World and director of one take at its beginning.
pub struct Take {
    /// Its number from 0; part of what the seed gives.
    pub number: u64,
    /// The world.
    pub world: World,
    /// The director.
    pub director: Director,
}

impl Take {
    /// One take of a seed.
    pub fn new(seed: u64, number: u64, seconds: f64) -> Self {
        let mixed = seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self { number, world: World::new(mixed, seconds), director: Director::new(mixed, seconds) }
    }

    /// The first take of a seed in which nobody is hit and, given the time, everything happens; `None` when there is
    /// none among the first [`MOST_TAKES`].
    pub fn first_good(seed: u64, seconds: f64, mut each: impl FnMut(u64)) -> Option<Self> {
        (0..MOST_TAKES).find_map(|number| {
            each(number);
            Self::new(seed, number, seconds).goes_well(seconds).then(|| Self::new(seed, number, seconds))
        })
    }

    fn goes_well(mut self, seconds: f64) -> bool {
        let mut observer = Observer::new();
        while self.world.t_s < seconds {
            self.director.direct(&mut self.world);
            self.world.step();
            observer.observe(&self.world);
            if self.world.overlap_m().is_some() {
                return false;
            }
        }
        let truth = observer.finish(0, seconds, 0, 0);
        let happened: BTreeSet<&str> = truth.events.iter().map(|event| event.kind.as_str()).collect();
        let planted_all =
            |plans: &[Plan]| plans.iter().all(|plan| *plan == Plan::Quiet || happened.contains(plan.name()));
        if seconds >= COMPLETE_S {
            return planted_all(&Plan::REQUIRED)
                && ["short-time-gap", "cruise-transition"].iter().all(|kind| happened.contains(kind))
                && !truth.quiet.is_empty();
        }
        // A shorter drive has what it meant to have.
        let planted: Vec<Plan> = self.director.planted().iter().map(|done| done.plan).collect();
        let planted: Vec<Plan> = planted.into_iter().filter(|plan| Plan::REQUIRED.contains(plan)).collect();
        planted_all(&planted)
    }
}

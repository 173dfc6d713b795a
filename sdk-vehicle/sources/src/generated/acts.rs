//! The acts a drive is made of: each waits until the stage is set, gives its orders, and cleans up.

use cloverleaf_vocabulary::{ActorClass, Draw};

use super::director::Plan;
use super::own::{Shift, WIDTH_M};
use super::pilot::Hurry;
use super::road::{LANES, lane_middle_m};
use super::traffic::{Order, Vehicle};
use super::world::World;

/// How an act is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not over.
    Goes,
    /// It came to pass.
    Done,
    /// The stage could not be set in time.
    Failed,
}

/// One act with its state.
#[derive(Debug, Clone)]
pub struct Act {
    plan: Plan,
    begun_s: f64,
    phase: u32,
    phase_since_s: f64,
    actor: u32,
    /// Seeded amounts; their meaning is the act's.
    amounts: [f64; 4],
    side: usize,
}

impl Act {
    /// Draws the act's amounts.
    pub fn begin(plan: Plan, t_s: f64, draw: &mut Draw) -> Self {
        let amounts = match plan {
            // Gap as a time, relative speed, duration of the lane change.
            Plan::CutIn => [draw.uniform(0.35, 0.95), draw.uniform(-2.0, 2.0), draw.uniform(2.4, 4.4), 0.0],
            Plan::FarEntry => [draw.uniform(2.1, 3.2), draw.uniform(0.0, 2.0), draw.uniform(3.5, 5.5), 0.0],
            // Deceleration of the lead, share of its speed it loses, gap as a time.
            Plan::HardBrake => [draw.uniform(6.6, 8.6), draw.uniform(0.45, 0.75), draw.uniform(0.95, 1.45), 0.0],
            Plan::MildBrake => [draw.uniform(2.2, 3.4), draw.uniform(0.15, 0.3), draw.uniform(1.5, 2.0), 0.0],
            // Width of the debris, lateral margin, peak lateral acceleration, time to spare.
            Plan::Swerve => {
                [draw.uniform(0.5, 1.3), draw.uniform(0.5, 0.75), draw.uniform(3.5, 5.4), draw.uniform(0.15, 0.5)]
            }
            // How much slower, time gap of an impatient driver, time he stays.
            Plan::SlowLead => [draw.uniform(6.5, 9.5), draw.uniform(0.40, 0.62), draw.uniform(2.5, 6.0), 0.0],
            Plan::Quiet => [draw.uniform(21.0, 22.3), 0.0, 0.0, 0.0],
            Plan::Cruise => [draw.uniform(3.0, 6.5), 0.0, 0.0, 0.0],
            Plan::OwnLaneChange => [draw.uniform(4.6, 6.5), draw.uniform(2.0, 5.0), 0.0, 0.0],
        };
        let side = if draw.unit() < 0.5 { 0 } else { 2 };
        Self { plan, begun_s: t_s, phase: 0, phase_since_s: t_s, actor: 0, amounts, side }
    }

    /// When setting the stage began, s.
    pub fn begun_s(&self) -> f64 {
        self.begun_s
    }

    /// One look at the world, and orders.
    pub fn advance(&mut self, world: &mut World, draw: &mut Draw) -> Progress {
        let progress = match self.plan {
            Plan::Quiet => self.quiet(world),
            Plan::CutIn | Plan::FarEntry => self.entry(world, draw),
            Plan::HardBrake | Plan::MildBrake => self.lead_brakes(world, draw),
            Plan::Swerve => self.swerve(world, draw),
            Plan::SlowLead => self.slow_lead(world, draw),
            Plan::Cruise => self.cruise(world),
            Plan::OwnLaneChange => self.own_lane_change(world),
        };
        if progress != Progress::Goes {
            self.release(world);
        }
        progress
    }

    fn go(&mut self, phase: u32, world: &World) {
        (self.phase, self.phase_since_s) = (phase, world.t_s);
    }

    fn in_phase_s(&self, world: &World) -> f64 {
        world.t_s - self.phase_since_s
    }

    fn release(&self, world: &mut World) {
        let desired = world.pilot.driver.desired_mps;
        for other in &mut world.others {
            if other.order != Order::Free {
                other.order = Order::Free;
                // Whoever was slow or held up drives off, so that the next act finds a road.
                other.driver.desired_mps = other.driver.desired_mps.max(desired + 0.5);
            }
        }
        world.pilot.is_dodging = false;
        world.pilot.hurry = None;
    }

    fn quiet(&mut self, world: &World) -> Progress {
        let lead_is_near = world.lead().is_some_and(|lead| world.gap_to_m(lead) < 1.35 * world.own.speed_mps);
        let restless = lead_is_near || world.pilot.is_alarmed() || world.pilot.resumes_at_s.is_some();
        if self.phase == 0 {
            if !restless {
                self.go(1, world);
            }
            return if world.t_s > self.begun_s + 25.0 { Progress::Failed } else { Progress::Goes };
        }
        if self.in_phase_s(world) >= self.amounts[0] { Progress::Done } else { Progress::Goes }
    }

    /// A neighbour moves in ahead: a cut-in when the gap is short.
    fn entry(&mut self, world: &mut World, draw: &mut Draw) -> Progress {
        let [gap_s, faster, duration_s, _] = self.amounts;
        let gap_m = (gap_s * world.own.speed_mps).max(6.0);
        match self.phase {
            0 => {
                self.side = adjacent_lane(world, self.side);
                match cast(world, self.side, gap_m, draw) {
                    Some(actor) => self.actor = actor,
                    None if self.in_phase_s(world) > 4.0 => return Progress::Failed,
                    None => {
                        self.side = adjacent_lane(world, 2 - self.side.min(2));
                        return Progress::Goes;
                    }
                }
                self.go(1, world);
            }
            1 => {
                let Some(actor) = world.find(self.actor) else { return Progress::Failed };
                let (length_m, at_m) = (actor.length_m, world.gap_to_m(actor));
                // Real drivers take a gap that is about right when the right one does not come.
                let patience = 1.0 + 0.15 * self.in_phase_s(world);
                let near = (at_m - gap_m).abs() < (2.0 + 0.08 * gap_m) * patience && at_m > 5.0;
                let steady = (actor.speed_mps - world.own.speed_mps - faster).abs() < 1.5 * patience;
                let lane = world.own_lane();
                let room = world.is_lane_free(lane, at_m - 3.0, at_m + length_m + 9.0, self.actor);
                clear_ahead(world, lane, at_m + length_m + 9.0 + 12.0, self.actor);
                clear_ahead_of_actor(world, self.actor);
                if near && steady && room {
                    let t_s = world.t_s;
                    if let Some(actor) = world.find_mut(self.actor) {
                        actor.order = Order::Hold { speed_mps: actor.speed_mps };
                        actor.change_to(lane, t_s, duration_s);
                    }
                    self.go(2, world);
                } else {
                    let order = Order::Keep { gap_m, faster_mps: faster };
                    if let Some(actor) = world.find_mut(self.actor) {
                        actor.order = order;
                    }
                    if self.in_phase_s(world) > 16.0 {
                        return Progress::Failed;
                    }
                }
            }
            _ => {
                let desired = world.pilot.driver.desired_mps;
                let own = world.own.speed_mps;
                let elapsed = self.in_phase_s(world);
                let Some(actor) = world.find_mut(self.actor) else { return Progress::Done };
                if elapsed > duration_s + 1.0 {
                    actor.order = Order::Hold { speed_mps: (own + 4.0).max(desired) };
                    actor.driver.desired_mps = actor.driver.desired_mps.max(desired + 2.0);
                }
                if elapsed > duration_s + 3.5 {
                    return Progress::Done;
                }
            }
        }
        Progress::Goes
    }

    /// The lead vehicle brakes: hard, or (as a distraction) not.
    fn lead_brakes(&mut self, world: &mut World, draw: &mut Draw) -> Progress {
        let [deceleration_mps2, share, gap_s, _] = self.amounts;
        let gap_m = gap_s * world.own.speed_mps;
        let mild = self.plan == Plan::MildBrake;
        match self.phase {
            0 => {
                let near = world.lead().filter(|lead| world.gap_to_m(lead) < 95.0).map(|lead| lead.id);
                if let Some(lead) = near {
                    self.actor = lead;
                    self.go(2, world);
                } else {
                    // Nobody to follow: somebody moves in at a comfortable distance first.
                    self.side = adjacent_lane(world, self.side);
                    match cast(world, self.side, 1.75 * world.own.speed_mps, draw) {
                        Some(actor) => {
                            self.actor = actor;
                            self.go(1, world);
                        }
                        None if self.in_phase_s(world) > 6.0 => return Progress::Failed,
                        None => self.side = adjacent_lane(world, 2 - self.side.min(2)),
                    }
                }
            }
            1 => {
                let gap_m = 1.75 * world.own.speed_mps;
                let Some(actor) = world.find(self.actor) else { return Progress::Failed };
                let at_m = world.gap_to_m(actor);
                let lane = world.own_lane();
                let room = world.is_lane_free(lane, at_m - 3.0, at_m + actor.length_m + 9.0, self.actor);
                let t_s = world.t_s;
                clear_ahead_of_actor(world, self.actor);
                if let Some(actor) = world.find_mut(self.actor) {
                    if actor.shift.is_none() && (actor.lateral_m - lane_middle_m(lane)).abs() < 0.6 {
                        self.go(2, world);
                    } else {
                        actor.order = Order::Keep { gap_m, faster_mps: 0.0 };
                        if (at_m - gap_m).abs() < 9.0 && room {
                            actor.change_to(lane, t_s, 3.2);
                        }
                    }
                }
                if self.in_phase_s(world) > 18.0 {
                    return Progress::Failed;
                }
            }
            2 => {
                let Some(lead) = world.lead() else { return Progress::Failed };
                if lead.shift.is_none() {
                    self.actor = lead.id;
                }
                let at_m = world.gap_to_m(lead);
                let tight = at_m < gap_m * 1.1 && at_m > gap_m * 0.78;
                let fast = world.own.speed_mps > 20.0 && lead.speed_mps > world.own.speed_mps - 4.0;
                let ready = tight && fast && lead.shift.is_none() && !world.pilot.is_alarmed();
                let to_mps = lead.speed_mps * (1.0 - share);
                let order = if ready {
                    Order::Brake { deceleration_mps2, to_mps }
                } else if at_m < gap_m {
                    Order::Hold { speed_mps: world.own.speed_mps + 3.0 }
                } else {
                    Order::Hold { speed_mps: (world.pilot.driver.desired_mps - 6.0).max(world.own.speed_mps - 3.5) }
                };
                world.pilot.hurry = (!ready).then_some(Hurry { time_gap_s: 0.5 * gap_s, faster_mps: 7.0 });
                if let Some(lead) = world.find_mut(self.actor) {
                    lead.order = order;
                }
                if ready {
                    self.go(3, world);
                } else if self.in_phase_s(world) > 18.0 {
                    return Progress::Failed;
                }
            }
            _ => {
                let over = self.in_phase_s(world) > if mild { 4.0 } else { 3.0 } && !world.pilot.is_alarmed();
                let desired = world.pilot.driver.desired_mps;
                if let Some(lead) = world.find_mut(self.actor)
                    && let Order::Brake { to_mps, .. } = lead.order
                    && lead.speed_mps <= to_mps + 0.1
                {
                    lead.order = Order::Hold { speed_mps: desired + 3.0 };
                    lead.driver.desired_mps = lead.driver.desired_mps.max(desired + 2.0);
                }
                if over && world.find(self.actor).is_none_or(|lead| !matches!(lead.order, Order::Brake { .. })) {
                    return Progress::Done;
                }
                if self.in_phase_s(world) > 12.0 {
                    return Progress::Done;
                }
            }
        }
        Progress::Goes
    }

    /// Something lies, or is lost, on the own lane; the driver swerves around it.
    fn swerve(&mut self, world: &mut World, draw: &mut Draw) -> Progress {
        let [width_m, margin_m, peak_mps2, spare_s] = self.amounts;
        let lane = world.own_lane();
        let shifted_m = width_m / 2.0 + WIDTH_M / 2.0 + margin_m;
        // The debris lies off the middle on the other side, as far as the dodge allows.
        let dodge_m = shifted_m.min(1.5 + width_m / 4.0);
        match self.phase {
            0 => {
                self.side = adjacent_lane(world, self.side);
                if world.own.speed_mps < 18.5 || world.pilot.is_alarmed() {
                    return if self.in_phase_s(world) > 14.0 { Progress::Failed } else { Progress::Goes };
                }
                make_room_beside(world, self.side);
                let side_clear = world.is_lane_free(self.side, -14.0, 28.0, 0);
                let lead = world.lead().map(|lead| (lead.id, world.gap_to_m(lead), lead.rear_m(), lead.speed_mps));
                let lane_sign = if self.side > lane { 1.0 } else { -1.0 };
                let lateral_m = lane_middle_m(lane) - lane_sign * (shifted_m - dodge_m);
                let start = match lead {
                    // Lost by the vehicle ahead: it begins at its rear with its speed and slides to rest.
                    Some((_, gap, rear, speed)) if (35.0..160.0).contains(&gap) => Some((rear - 0.6, speed)),
                    Some((lead, gap, _, _)) if gap <= 35.0 => {
                        let speed_mps = world.own.speed_mps + 5.0;
                        if let Some(lead) = world.find_mut(lead) {
                            lead.order = Order::Hold { speed_mps };
                        }
                        None
                    }
                    // Lying there already, beyond what the radar sees.
                    _ => Some((world.own_front_m() + 235.0, 0.0)),
                };
                if let Some((along_m, speed_mps)) = start
                    && side_clear
                {
                    let id = world.new_id();
                    let mut debris = Vehicle::new(id, false, lane, 1.0, draw);
                    debris.class = ActorClass::Other;
                    debris.is_debris = true;
                    (debris.length_m, debris.width_m) = (draw.uniform(0.5, 1.2), width_m);
                    (debris.height_m, debris.paint) = (draw.uniform(0.35, 0.7), [92, 110, 142]);
                    (debris.along_m, debris.lateral_m, debris.speed_mps) = (along_m, lateral_m, speed_mps);
                    world.others.push(debris);
                    self.actor = id;
                    self.go(1, world);
                } else if self.in_phase_s(world) > 12.0 {
                    return Progress::Failed;
                }
            }
            1 => {
                make_room_beside(world, self.side);
                others_dodge(world, self.actor, dodge_m, self.side, lane);
                let Some(debris) = world.find(self.actor) else { return Progress::Failed };
                let speed = world.own.speed_mps;
                let distance = world.gap_to_m(debris);
                let out_s = (5.77 * dodge_m / peak_mps2).sqrt();
                // Far enough to be past the corner of the debris at nine tenths of the way out.
                if debris.speed_mps < 12.0 && distance < speed * (out_s + spare_s) + 1.5 {
                    let from_m = lane_middle_m(lane);
                    let sign = if self.side > lane { 1.0 } else { -1.0 };
                    let to_m = from_m + sign * dodge_m;
                    let start_s = world.t_s;
                    let hold_s = (spare_s + 0.15 * out_s) + (4.7 + 3.5) / speed.max(10.0);
                    let back_s = out_s * draw.uniform(1.15, 1.7);
                    world.pilot.shifts = vec![
                        Shift { start_s, duration_s: out_s, from_m, to_m },
                        Shift { start_s: start_s + out_s + hold_s, duration_s: back_s, from_m: to_m, to_m: from_m },
                    ];
                    world.pilot.is_dodging = true;
                    self.go(2, world);
                } else if self.in_phase_s(world) > 20.0 {
                    return Progress::Failed;
                }
            }
            _ => {
                others_dodge(world, self.actor, dodge_m, self.side, lane);
                if world.pilot.shifts.is_empty() {
                    world.pilot.is_dodging = false;
                    if self.in_phase_s(world) > 5.5 {
                        return Progress::Done;
                    }
                } else {
                    make_room_beside(world, self.side);
                }
            }
        }
        Progress::Goes
    }

    /// A slow vehicle ahead; the driver takes over from cruise control and follows too closely for a while.
    fn slow_lead(&mut self, world: &mut World, draw: &mut Draw) -> Progress {
        let [slower_mps, gap_s, stay_s, _] = self.amounts;
        let slow_mps = (world.pilot.driver.desired_mps - slower_mps).max(18.0);
        let lane = world.own_lane();
        match self.phase {
            0 => {
                let near = world.lead().map(|lead| (lead.id, world.gap_to_m(lead)));
                match near {
                    Some((id, gap)) if gap < 230.0 => self.actor = id,
                    _ => {
                        let is_truck = draw.unit() < 0.6;
                        let make = move |id: u32, draw: &mut Draw| Vehicle::new(id, is_truck, 1, slow_mps, draw);
                        match world.spawn_at(lane, 178.0, Some(&make)) {
                            Some(id) => self.actor = id,
                            None if self.in_phase_s(world) > 8.0 => return Progress::Failed,
                            None => return Progress::Goes,
                        }
                    }
                }
                self.go(1, world);
            }
            1 => {
                let (front_m, own_mps) = (world.own_front_m(), world.own.speed_mps);
                let Some(slow) = world.find_mut(self.actor) else { return Progress::Failed };
                // One that is far ahead lets us come nearer first.
                let far = slow.rear_m() > front_m + 115.0;
                let speed_mps = if far { slow_mps.min(own_mps - 10.0).max(14.0) } else { slow_mps };
                slow.order = Order::Hold { speed_mps };
                let gap = world.lead().map(|lead| world.gap_to_m(lead));
                if gap.is_some_and(|gap| gap < 95.0) {
                    world.pilot.is_cruising = false;
                    world.pilot.resumes_at_s = None;
                    world.pilot.hurry = Some(Hurry { time_gap_s: gap_s, faster_mps: 4.0 });
                    self.go(2, world);
                } else if self.in_phase_s(world) > 25.0 {
                    return Progress::Failed;
                }
            }
            2 => {
                let gap_now_s = world.lead().map(|lead| world.gap_to_m(lead) / world.own.speed_mps.max(1.0));
                if gap_now_s.is_some_and(|gap| gap < 0.95) {
                    self.go(3, world);
                } else if self.in_phase_s(world) > 18.0 || gap_now_s.is_none() {
                    world.pilot.hurry = None;
                    self.go(4, world);
                }
            }
            3 => {
                if self.in_phase_s(world) > stay_s {
                    world.pilot.hurry = None;
                    self.go(4, world);
                }
            }
            _ => {
                let desired = world.pilot.driver.desired_mps;
                let waited = self.in_phase_s(world);
                let t_s = world.t_s;
                let Some((at_m, length_m)) = world.find(self.actor).map(|slow| (world.gap_to_m(slow), slow.length_m))
                else {
                    return Progress::Done;
                };
                // It makes way to the right, or speeds up when there is no room.
                let right_free =
                    lane > 0 && world.is_lane_free(lane - 1, at_m - 14.0, at_m + length_m + 14.0, self.actor);
                if let Some(slow) = world.find_mut(self.actor) {
                    if right_free {
                        slow.change_to(lane.saturating_sub(1), t_s, 4.2);
                    } else if waited > 2.0 && slow.shift.is_none() {
                        slow.order = Order::Hold { speed_mps: desired + 2.0 };
                        slow.driver.desired_mps = desired + 2.0;
                    }
                    let away = slow.lane() != lane && slow.shift.is_none();
                    if away || waited > 7.0 {
                        world.pilot.resumes_at_s = Some(t_s + 1.0);
                        return Progress::Done;
                    }
                }
            }
        }
        Progress::Goes
    }

    fn cruise(&mut self, world: &mut World) -> Progress {
        match self.phase {
            0 => {
                world.pilot.is_cruising = !world.pilot.is_cruising;
                world.pilot.resumes_at_s = None;
                self.go(1, world);
            }
            _ if self.in_phase_s(world) > self.amounts[0] => {
                if !world.pilot.is_alarmed() {
                    world.pilot.is_cruising = true;
                }
                return Progress::Done;
            }
            _ => {}
        }
        Progress::Goes
    }

    /// Out to the left and back, slowly enough that nobody would call it evasive.
    fn own_lane_change(&mut self, world: &mut World) -> Progress {
        let [duration_s, stay_s, _, _] = self.amounts;
        let shift = |world: &World, lane: usize| Shift {
            start_s: world.t_s,
            duration_s,
            from_m: world.pilot.lane_m,
            to_m: lane_middle_m(lane),
        };
        match self.phase {
            0 if world.is_lane_free(2, -40.0, 40.0, 0) && !world.pilot.is_alarmed() => {
                world.pilot.shifts = vec![shift(world, 2)];
                self.go(1, world);
            }
            1 if self.in_phase_s(world) > duration_s + stay_s && world.is_lane_free(1, -35.0, 45.0, 0) => {
                world.pilot.shifts = vec![shift(world, 1)];
                self.go(2, world);
            }
            2 if world.pilot.shifts.is_empty() => return Progress::Done,
            0 if self.in_phase_s(world) > 8.0 => return Progress::Failed,
            1 => make_room_beside(world, 1),
            _ => {}
        }
        Progress::Goes
    }
}

/// The wanted neighbour lane, or the one there is.
fn adjacent_lane(world: &World, wanted: usize) -> usize {
    match world.own_lane() {
        0 => 1,
        lane if lane == LANES - 1 => LANES - 2,
        _ => wanted.min(LANES - 1),
    }
}

/// Somebody in a lane who can be at the gap soon; when there is nobody, one comes up from behind.
fn cast(world: &mut World, lane: usize, gap_m: f64, draw: &mut Draw) -> Option<u32> {
    let nearest = world
        .others
        .iter()
        .filter(|other| !other.is_debris && other.lane() == lane && other.shift.is_none() && other.length_m < 9.0)
        .map(|other| (other.id, world.gap_to_m(other) - gap_m))
        .filter(|(_, off)| (-55.0..50.0).contains(off))
        .min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    if let Some((id, _)) = nearest {
        return Some(id);
    }
    let speed = world.own.speed_mps + draw.uniform(3.0, 6.0);
    let make = move |id: u32, draw: &mut Draw| Vehicle::new(id, false, lane, speed, draw);
    world.spawn_at(lane, -45.0, Some(&make))
}

/// Whoever is ahead in a lane within a distance drives faster.
fn clear_ahead(world: &mut World, lane: usize, within_m: f64, except: u32) {
    let (front, speed) = (world.own_front_m(), world.own.speed_mps);
    for other in &mut world.others {
        let gap = other.rear_m() - front;
        if other.id != except && other.lane() == lane && (0.0..within_m).contains(&gap) && !other.is_debris {
            other.order = Order::Hold { speed_mps: speed + 6.0 };
        }
    }
}

/// Whoever blocks an actor in its own lane drives faster.
fn clear_ahead_of_actor(world: &mut World, actor: u32) {
    let Some((lane, front)) = world.find(actor).map(|other| (other.lane(), other.front_m())) else { return };
    let speed = world.own.speed_mps;
    for other in &mut world.others {
        if other.id != actor
            && other.lane() == lane
            && (0.0..110.0).contains(&(other.rear_m() - front))
            && !other.is_debris
        {
            other.order = Order::Hold { speed_mps: speed + 8.0 };
        }
    }
}

/// Those in a lane beside the own vehicle drop back or draw ahead.
fn make_room_beside(world: &mut World, lane: usize) {
    let (front, speed) = (world.own_front_m(), world.own.speed_mps);
    for other in &mut world.others {
        let gap = other.rear_m() - front;
        if other.lane() == lane && !other.is_debris && (-75.0..95.0).contains(&gap) {
            let change = if gap > 2.0 { 6.0 } else { -6.0 };
            other.order = Order::Hold { speed_mps: (speed + change).max(8.0) };
        }
    }
}

/// Others in the lane of the debris dodge it the same way.
fn others_dodge(world: &mut World, debris: u32, dodge_m: f64, side: usize, lane: usize) {
    let Some(at_m) = world.find(debris).map(|debris| debris.along_m) else { return };
    let t_s = world.t_s;
    let sign = if side > lane { 1.0 } else { -1.0 };
    for other in &mut world.others {
        let to_go = at_m - other.front_m();
        let beside = (other.lateral_m - lane_middle_m(lane)).abs();
        if other.is_debris || beside > 2.6 || other.shift.is_some() {
            continue;
        }
        let dodged = (other.lateral_m - lane_middle_m(lane)) * sign > 0.7 * dodge_m;
        if !dodged && to_go > 0.0 && to_go < 2.6 * other.speed_mps {
            let to_m = lane_middle_m(lane) + sign * dodge_m;
            other.shift = Some(Shift { start_s: t_s, duration_s: 1.9, from_m: other.lateral_m, to_m });
        } else if dodged && to_go < -other.length_m - 4.0 {
            other.shift =
                Some(Shift { start_s: t_s, duration_s: 2.6, from_m: other.lateral_m, to_m: lane_middle_m(lane) });
        }
    }
}

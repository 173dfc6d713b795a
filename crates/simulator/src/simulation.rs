//! One run of one scenario: time, storyboard, brains and motion, step by step.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloverleaf_road::Network;
use cloverleaf_scenario::model::{
    ActionKind, ConditionKind, EntityCondition, InitAction, PrivateAction, Scenario, SpeedTarget,
    StoryboardElementType, Trigger,
};
use cloverleaf_vocabulary::{ActorTrace, Draw};
use xxhash_rust::xxh3::Xxh3;

use crate::action::Begun;
use crate::bicycle::Command;
use crate::cast;
use crate::check::check;
use crate::condition::View;
use crate::distance::Scale;
use crate::driver::{Driver, LanePoint, Object, Observation};
use crate::motion::{Brain, Control, Lat, Lon, Wish};
use crate::run::{Run, RunEnd, RunOptions, SimulationError};
use crate::sense;
use crate::storyboard::{ElementState, ElementTransition, Storyboard, action_of, event_of, may_begin};
use crate::traffic::{LaneIndex, following_accel_mps2, offset_from_m, wanted_lane};
use crate::transition::Transition;
use crate::world::{Body, EntityIndex, State};

/// A run in progress.
pub struct Simulation {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) network: Arc<Network>,
    pub(crate) options: RunOptions,
    pub(crate) bodies: Vec<Body>,
    pub(crate) entities: BTreeMap<String, EntityIndex>,
    pub(crate) subject: EntityIndex,
    pub(crate) state: State,
    pub(crate) controls: Vec<Control>,
    pub(crate) values: BTreeMap<String, String>,
    /// Actions that lost their entity to newer ones in this step.
    pub(crate) supplanted: Vec<usize>,
    next: State,
    board: Storyboard,
    driver: Box<dyn Driver>,
    command: Command,
    lanes: LaneIndex,
    step: u64,
    ended: Option<RunEnd>,
    waits_at_road_end: bool,
    hash: Xxh3,
    seen_objects: Vec<Object>,
    seen_lane: Vec<LanePoint>,
    run: Run,
}

/// A lane change of our traffic model takes this long, s: the mean of Toledo and Zohar 2007, "Modeling duration of lane changes".
const LANE_CHANGE_S: f64 = 4.6;
/// At most this many notes are kept.
const MOST_NOTES: usize = 200;

impl Simulation {
    /// Checks the scenario, puts everybody in place and stands at time 0.
    pub fn new(
        scenario: Arc<Scenario>,
        network: Arc<Network>,
        driver: Box<dyn Driver>,
        options: RunOptions,
    ) -> Result<Self, SimulationError> {
        options.check()?;
        let coverage = check(&scenario);
        if !coverage.refused.is_empty() {
            return Err(SimulationError::Unsupported(coverage.refused));
        }
        let subject = cast::subject(&scenario, options.subject.as_deref()).map_err(SimulationError::Subject)?;
        let controls = cast::controls(&scenario, subject, options.seed).map_err(SimulationError::Subject)?;
        let bodies = cast::bodies(&scenario);
        let entities = bodies.iter().enumerate().map(|(index, body)| (body.name.clone(), index)).collect();
        let values = scenario
            .parameters
            .iter()
            .map(|p| (p.name.clone(), p.value.clone()))
            .chain(scenario.variables.iter().map(|v| (v.name.clone(), v.value.clone())))
            .collect();
        let traces = bodies
            .iter()
            .map(|body| ActorTrace {
                name: body.name.clone(),
                class: body.class,
                footprint: body.footprint,
                states: Vec::new(),
            })
            .collect();
        let mut simulation = Self {
            run: Run {
                subject: bodies[subject].name.clone(),
                traces,
                events: Vec::new(),
                end: RunEnd::MaxDuration,
                duration_s: 0.0,
                steps: 0,
                first_driver_fault_s: None,
                driver_faults: 0,
                notes: coverage.ignored,
                digest: String::new(),
            },
            state: State::absent(bodies.len()),
            next: State::absent(bodies.len()),
            board: Storyboard::new(&scenario),
            waits_at_road_end: asks_for_road_end(&scenario),
            command: Command { accel_mps2: 0.0, steering_rad: 0.0 },
            lanes: LaneIndex::default(),
            step: 0,
            ended: None,
            hash: Xxh3::new(),
            seen_objects: Vec::new(),
            seen_lane: Vec::new(),
            supplanted: Vec::new(),
            scenario,
            network,
            options,
            bodies,
            entities,
            subject,
            controls,
            values,
            driver,
        };
        simulation.init()?;
        simulation.note_step();
        Ok(simulation)
    }

    /// Simulation time, s.
    pub fn t_s(&self) -> f64 {
        self.step as f64 * self.options.step_s
    }

    /// Everybody now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Goes on by one step. Returns false when the run has ended.
    pub fn step(&mut self) -> bool {
        if self.ended.is_some() {
            return false;
        }
        self.tell_the_story();
        if self.ended.is_none() {
            self.move_everybody();
            self.step += 1;
            self.note_step();
            if self.ended.is_none() && self.t_s() + 1e-9 >= self.options.max_duration_s {
                self.ended = Some(RunEnd::MaxDuration);
            }
        }
        self.ended.is_none()
    }

    /// Goes on by up to `steps`. Returns false when the run has ended.
    pub fn advance(&mut self, steps: u64) -> bool {
        (0..steps).all(|_| self.step())
    }

    /// What the run left behind.
    pub fn finish(mut self) -> Run {
        // The last state is always in the traces.
        self.record(true);
        let t_s = self.t_s();
        self.board.record(t_s, &mut self.run.events);
        self.run.end = self.ended.unwrap_or(RunEnd::MaxDuration);
        self.run.duration_s = t_s;
        self.run.steps = self.step;
        self.run.digest = format!("{:032x}", self.hash.digest128());
        self.run
    }

    pub(crate) fn scale(&self) -> Scale<'_> {
        Scale { state: &self.state, bodies: &self.bodies, network: &self.network }
    }

    fn remark(&mut self, note: String) {
        let note = format!("{:.2} s: {note}", self.t_s());
        if self.run.notes.len() < MOST_NOTES && !self.run.notes.contains(&note) {
            self.run.notes.push(note);
        }
    }

    /// `Init`: places first, then speeds, then the rest, whatever their order in the file, because positions and speeds may
    /// refer to entities that stand later in it.
    fn init(&mut self) -> Result<(), SimulationError> {
        let scenario = self.scenario.clone();
        let mut left: Vec<&InitAction> = scenario.storyboard.init.iter().collect();
        left.sort_by_key(|action| init_order(action));
        loop {
            let before = left.len();
            let mut failed = Vec::new();
            let mut first_error = None;
            for action in left {
                let (entity, outcome) = match action {
                    InitAction::Global(global) => ("the world".to_owned(), self.start_global(global)),
                    InitAction::Private { entity, action } => {
                        let outcome =
                            self.entity_index(entity).and_then(|index| self.start_private(index, action, None));
                        (entity.clone(), outcome)
                    }
                    InitAction::Unsupported(_) => continue,
                };
                if let Err(message) = outcome {
                    failed.push(action);
                    first_error.get_or_insert(SimulationError::Init { entity, message });
                }
            }
            match first_error {
                None => break,
                // What failed for want of a reference may succeed once that is in place.
                Some(error) if failed.len() == before => return Err(error),
                Some(_) => left = failed,
            }
        }
        let placed_later = cast::private_actions(&self.scenario, &self.bodies[self.subject].name).any(places);
        if !self.state.present[self.subject] && !placed_later {
            return Err(SimulationError::NoPlace(self.bodies[self.subject].name.clone()));
        }
        for entity in 0..self.controls.len() {
            self.settle(entity);
        }
        Ok(())
    }

    /// After `Init`: what nobody said follows from where an entity is and how fast.
    fn settle(&mut self, entity: EntityIndex) {
        let speed_mps = self.state.speed_mps[entity];
        let limit_mps = sense::speed_limit_mps(&self.scale(), entity);
        let control = &mut self.controls[entity];
        if control.set_speed_mps == 0.0 {
            control.set_speed_mps = speed_mps;
        }
        let desired_mps = match &control.brain {
            Brain::Traffic(_) => limit_mps.unwrap_or(speed_mps),
            Brain::Reactive(_) | Brain::None | Brain::Driver => speed_mps,
        };
        match &mut control.brain {
            Brain::Traffic(model) | Brain::Reactive(model) if model.idm.desired_speed_mps == 0.0 => {
                model.idm.desired_speed_mps = desired_mps;
            }
            _ => {}
        }
    }

    /// Evaluates the storyboard on the present state and starts and stops what follows from it.
    fn tell_the_story(&mut self) {
        let scenario = self.scenario.clone();
        self.board.publish();
        let mut memory = std::mem::take(&mut self.board.stop_memory);
        if self.is_true(&scenario.storyboard.stop_trigger, &mut memory, "", &mut Vec::new()) {
            self.ended = Some(RunEnd::StopTrigger);
            return;
        }
        self.board.stop_memory = memory;
        for element in 0..self.board.elements.len() {
            self.visit(element, &scenario);
        }
        for element in (0..self.board.elements.len()).rev() {
            let at = &self.board.elements[element];
            if at.kind != StoryboardElementType::Action
                && at.state == ElementState::Running
                && self.board.children_complete(element)
            {
                self.board.end(element);
            }
        }
        let t_s = self.t_s();
        self.board.record(t_s, &mut self.run.events);
        let stories = self.board.elements.iter().filter(|element| element.kind == StoryboardElementType::Story);
        let mut states = stories.map(|story| story.state).peekable();
        if scenario.storyboard.stop_trigger.groups.is_empty()
            && states.peek().is_some()
            && states.all(|state| state == ElementState::Complete)
        {
            self.ended = Some(RunEnd::StoryComplete);
        }
    }

    fn visit(&mut self, element: usize, scenario: &Scenario) {
        let at = &self.board.elements[element];
        let parent_runs = at.parent.is_none_or(|parent| self.board.elements[parent].state == ElementState::Running);
        if !parent_runs {
            return;
        }
        let source = at.source;
        match (at.kind, at.state) {
            (StoryboardElementType::Story | StoryboardElementType::Maneuver, ElementState::Standby) => {
                self.board.begin(element)
            }
            (StoryboardElementType::ManeuverGroup, ElementState::Standby) => {
                if at.executions[0] < at.executions[1] {
                    self.board.begin(element)
                } else {
                    self.board.end(element)
                }
            }
            (StoryboardElementType::Act, state) => {
                let Some(act) = scenario.storyboard.stories.get(source.0[0]).and_then(|s| s.acts.get(source.0[1]))
                else {
                    return;
                };
                if state == ElementState::Standby && self.fires(element, 0, act.start_trigger.as_ref(), true) {
                    self.board.begin(element);
                } else if state == ElementState::Running && self.fires(element, 1, act.stop_trigger.as_ref(), false) {
                    self.stop(element);
                }
            }
            (StoryboardElementType::Event, ElementState::Standby) => {
                let Some(event) = event_of(scenario, source) else { return };
                if self.fires(element, 0, event.start_trigger.as_ref(), true) {
                    self.begin_event(element, scenario);
                }
            }
            _ => {}
        }
    }

    /// Evaluates an element's start (0) or stop (1) trigger; `absent` is the answer where there is none.
    fn fires(&mut self, element: usize, which: usize, trigger: Option<&Trigger>, absent: bool) -> bool {
        // An empty start trigger means what an absent one means: files of all ages use it for "at once".
        let Some(trigger) = trigger.filter(|trigger| !trigger.groups.is_empty()) else { return absent };
        let mut memory = std::mem::take(&mut self.board.elements[element].memory[which]);
        let path = self.board.elements[element].path.clone();
        let mut by = Vec::new();
        let fires = self.is_true(trigger, &mut memory, &path, &mut by);
        self.board.elements[element].memory[which] = memory;
        if which == 0 && fires {
            self.board.elements[element].triggered_by = by;
        }
        fires
    }

    fn is_true(
        &self,
        trigger: &Trigger,
        memory: &mut crate::condition::TriggerMemory,
        from: &str,
        by: &mut Vec<EntityIndex>,
    ) -> bool {
        let view = View {
            scale: self.scale(),
            t_s: self.t_s(),
            step: self.step,
            dt_s: self.options.step_s,
            board: &self.board,
            values: &self.values,
            entities: &self.entities,
        };
        view.trigger(trigger, memory, from, by)
    }

    fn begin_event(&mut self, element: usize, scenario: &Scenario) {
        let source = self.board.elements[element].source;
        let Some(event) = event_of(scenario, source) else { return };
        let siblings: Vec<usize> = match self.board.elements[element].parent {
            Some(parent) => self.board.elements[parent].children.clone(),
            None => Vec::new(),
        };
        let running: Vec<usize> = siblings
            .into_iter()
            .filter(|&sibling| sibling != element && self.board.elements[sibling].state == ElementState::Running)
            .collect();
        if !may_begin(event.priority, !running.is_empty()) {
            self.board.note(element, ElementTransition::Skip);
            return;
        }
        if event.priority == cloverleaf_scenario::model::Priority::Override {
            running.into_iter().for_each(|sibling| self.stop(sibling));
        }
        self.board.begin(element);
        for action in self.board.elements[element].children.clone() {
            self.begin_action(action, element, scenario);
        }
    }

    fn begin_action(&mut self, element: usize, event: usize, scenario: &Scenario) {
        let source = self.board.elements[element].source;
        let Some(action) = action_of(scenario, source) else { return };
        let [s, a, g, ..] = source.0;
        let group = &scenario.storyboard.stories[s].acts[a].maneuver_groups[g];
        let mut actors: Vec<EntityIndex> =
            group.actors.iter().filter_map(|name| self.entities.get(name).copied()).collect();
        if group.select_triggering_entities {
            actors.extend(&self.board.elements[event].triggered_by);
        }
        actors.sort_unstable();
        actors.dedup();
        self.board.begin(element);
        let name = self.board.elements[element].path.clone();
        match &action.kind {
            ActionKind::Private(private) => {
                self.board.elements[element].acting = actors.len();
                if actors.is_empty() {
                    self.board.end(element);
                }
                for entity in actors {
                    let outcome = if self.state.present[entity] || places(private) {
                        self.start_private(entity, private, Some(element))
                    } else {
                        Err("the entity is not in the world".to_owned())
                    };
                    match outcome {
                        Ok(Begun::Running) => {}
                        Ok(Begun::Done) => self.board.action_done(element),
                        Err(why) => {
                            self.remark(format!("{name}: {} cannot: {why}", self.bodies[entity].name));
                            self.board.action_done(element);
                        }
                    }
                }
            }
            ActionKind::Global(global) => {
                if let Err(why) = self.start_global(global) {
                    self.remark(format!("{name}: {why}"));
                }
                self.board.end(element);
            }
            ActionKind::Unsupported(_) => self.board.end(element),
        }
        self.stop_supplanted();
    }

    /// Older actions whose entity a newer one took over count as stopped.
    fn stop_supplanted(&mut self) {
        for action in std::mem::take(&mut self.supplanted) {
            self.stop(action);
        }
    }

    /// Stops an element; entities whose actions it ran keep speed and lane from now on.
    fn stop(&mut self, element: usize) {
        let mut stopped = Vec::new();
        self.board.stop(element, &mut stopped);
        for control in &mut self.controls {
            if control.lon_action.is_some_and(|id| stopped.contains(&id)) {
                (control.lon, control.lon_action) = (Lon::Free, None);
            }
            if control.lat_action.is_some_and(|id| stopped.contains(&id)) {
                (control.lat, control.lat_action) = (Lat::Free, None);
            }
            if control.route_action.is_some_and(|id| stopped.contains(&id)) {
                control.route_action = None;
            }
        }
    }

    fn move_everybody(&mut self) {
        let wishes = self.wishes();
        let dt_s = self.options.step_s;
        let t_next_s = (self.step + 1) as f64 * dt_s;
        self.next.clone_from(&self.state);
        let mut done = Vec::new();
        let mut road_ended = false;
        for (entity, wish) in wishes.into_iter().enumerate() {
            if !self.state.present[entity] {
                continue;
            }
            let scale = Scale { state: &self.state, bodies: &self.bodies, network: &self.network };
            let control = &mut self.controls[entity];
            let ended = control.step(entity, &scale, wish, t_next_s, dt_s, &mut self.next);
            if ended.lon {
                control.lon = Lon::Free;
                done.extend(control.lon_action.take());
            }
            if ended.lat {
                control.lat = Lat::Free;
                done.extend(control.lat_action.take());
            }
            if control.route_action.is_some() && control.route.is_empty() {
                done.extend(control.route_action.take());
            }
            if ended.road && entity == self.subject {
                road_ended = true;
            } else if ended.road && matches!(control.brain, Brain::Traffic(_)) {
                // Traffic drives out of the picture.
                self.next.present[entity] = false;
            }
        }
        if road_ended && self.waits_at_road_end {
            let subject = self.subject;
            self.next.speed_mps[subject] = 0.0;
            self.next.accel_mps2[subject] = 0.0;
        } else if road_ended {
            self.ended = Some(RunEnd::EndOfRoad);
        }
        std::mem::swap(&mut self.state, &mut self.next);
        done.into_iter().for_each(|action| self.board.action_done(action));
        self.board.record(t_next_s, &mut self.run.events);
    }

    /// What every brain wants, from the present state only.
    fn wishes(&mut self) -> Vec<Wish> {
        let reacts = |control: &Control| matches!(control.brain, Brain::Traffic(_) | Brain::Reactive(_));
        if self.controls.iter().any(reacts) {
            let mut lanes = std::mem::take(&mut self.lanes);
            lanes.build(&self.scale());
            self.lanes = lanes;
            self.change_lanes();
        }
        (0..self.controls.len())
            .map(|entity| {
                if !self.state.present[entity] {
                    return Wish::None;
                }
                let control = &self.controls[entity];
                match &control.brain {
                    Brain::Driver if control.active[0] || control.active[1] => self.drive(entity),
                    Brain::Traffic(model) | Brain::Reactive(model)
                        if control.active[0] && matches!(control.lon, Lon::Free) =>
                    {
                        Wish::Accel(following_accel_mps2(&self.scale(), &self.lanes, entity, &model.idm))
                    }
                    _ => Wish::None,
                }
            })
            .collect()
    }

    /// Lets our traffic change lanes. All decide on the same state before anybody moves over.
    fn change_lanes(&mut self) {
        let scale = self.scale();
        let decisions: Vec<_> = (0..self.controls.len())
            .filter(|&entity| self.state.present[entity])
            .filter_map(|entity| {
                let control = &self.controls[entity];
                let Brain::Traffic(model) = &control.brain else { return None };
                let thinks = self.step % model.thinks_every == model.thinks_at;
                if !(thinks && control.active[1] && matches!(control.lat, Lat::Free)) {
                    return None;
                }
                let to = wanted_lane(&scale, &self.lanes, entity, model)?;
                Some((entity, to, offset_from_m(&self.state, &self.network, entity, to)?))
            })
            .collect();
        for (entity, to, offset_m) in decisions {
            use cloverleaf_scenario::model::{DynamicsDimension, DynamicsShape, TransitionDynamics};
            self.state.lane[entity] = Some(cloverleaf_road::LanePosition { offset_m, ..to });
            // Nobody takes exactly the mean; the spread keeps drivers from moving in step.
            let value = LANE_CHANGE_S * Draw::new(self.options.seed, entity as u64, self.step).uniform(0.8, 1.2);
            let dynamics =
                TransitionDynamics { shape: DynamicsShape::Sinusoidal, dimension: DynamicsDimension::Time, value };
            let transition = Transition::new(offset_m, 0.0, dynamics);
            self.controls[entity].lat = Lat::Offset { transition, continuous: false };
        }
    }

    fn drive(&mut self, entity: EntityIndex) -> Wish {
        if self.step.is_multiple_of(self.options.drive_every) {
            let mut objects = std::mem::take(&mut self.seen_objects);
            let mut lane = std::mem::take(&mut self.seen_lane);
            let control = &self.controls[entity];
            let scale = self.scale();
            sense::objects(&scale, entity, &mut objects);
            sense::lane(&scale, entity, |ways| control.choose(ways, &self.network), &mut lane);
            let observation = Observation {
                t_s: self.t_s(),
                period_s: self.options.step_s * self.options.drive_every as f64,
                ego: sense::ego(&scale, entity),
                set_speed_mps: control.set_speed_mps,
                speed_limit_mps: sense::speed_limit_mps(&scale, entity),
                objects: &objects,
                lane: &lane,
            };
            let command = self.driver.drive(&observation);
            if command.is_finite() {
                self.command = command;
            } else {
                self.run.first_driver_fault_s.get_or_insert(self.step as f64 * self.options.step_s);
                self.run.driver_faults += 1;
            }
            (self.seen_objects, self.seen_lane) = (objects, lane);
        }
        Wish::Command(self.command)
    }

    /// Takes the present state into the digest and, when it is its turn, into the traces.
    fn note_step(&mut self) {
        for entity in 0..self.bodies.len() {
            let state = &self.state;
            self.hash.update(&[u8::from(state.present[entity])]);
            let values = [
                state.x_m[entity],
                state.y_m[entity],
                state.yaw_rad[entity],
                state.speed_mps[entity],
                state.accel_mps2[entity],
                state.steering_rad[entity],
            ];
            for value in values {
                self.hash.update(&value.to_bits().to_le_bytes());
            }
        }
        self.record(self.step.is_multiple_of(self.options.record_every));
    }

    fn record(&mut self, now: bool) {
        let t_s = self.t_s();
        if !now {
            return;
        }
        for entity in self.state.entities() {
            let states = &mut self.run.traces[entity].states;
            if states.last().is_none_or(|last| last.t_s < t_s) {
                states.push(self.state.actor(entity, t_s));
            }
        }
    }
}

/// Whether an action also works on an entity that is not in the world yet.
fn places(action: &PrivateAction) -> bool {
    matches!(
        action,
        PrivateAction::Teleport(_)
            | PrivateAction::FollowTrajectory(_)
            | PrivateAction::Speed(_)
            | PrivateAction::ActivateController(_)
            | PrivateAction::AssignController { .. }
    )
}

fn init_order(action: &InitAction) -> u8 {
    match action {
        InitAction::Private { action: PrivateAction::Teleport(_), .. } => 0,
        InitAction::Private { action: PrivateAction::Speed(speed), .. } => match speed.target {
            SpeedTarget::Absolute(_) => 1,
            SpeedTarget::Relative { .. } => 2,
        },
        InitAction::Global(cloverleaf_scenario::model::GlobalAction::AddEntity { .. }) => 0,
        _ => 3,
    }
}

/// Whether some condition wants to see an entity wait at the end of its road.
fn asks_for_road_end(scenario: &Scenario) -> bool {
    let acts = || scenario.storyboard.stories.iter().flat_map(|story| &story.acts);
    let events = acts().flat_map(|act| &act.maneuver_groups).flat_map(|g| &g.maneuvers).flat_map(|m| &m.events);
    let triggers = std::iter::once(&scenario.storyboard.stop_trigger)
        .chain(acts().flat_map(|act| act.start_trigger.iter().chain(&act.stop_trigger)))
        .chain(events.flat_map(|event| &event.start_trigger));
    triggers.flat_map(|trigger| &trigger.groups).flat_map(|group| &group.conditions).any(|condition| {
        matches!(
            condition.kind,
            ConditionKind::Entity {
                condition: EntityCondition::EndOfRoad { .. }
                    | EntityCondition::Offroad { .. }
                    | EntityCondition::StandStill { .. },
                ..
            }
        )
    })
}

//! OpenSCENARIO's storyboard as a tree of elements with states, and the rules by which they change.
//!
//! Source: ASAM OpenSCENARIO XML 1.2, section 8.4 "Storyboard elements and states" and 8.5 "Transitions"; 7.6 for conditions.
//! Within one step every condition sees the states and transitions of the step before, so the order in which elements stand
//! in the file never matters.

use std::collections::BTreeMap;

use cloverleaf_scenario::model::{
    Action, Event, Priority, Scenario, StoryboardElementState, StoryboardElementType, Trigger,
};
use serde::{Deserialize, Serialize};

use crate::condition::TriggerMemory;

/// A state of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElementState {
    /// Waits for its parent or its trigger.
    Standby,
    /// Runs.
    Running,
    /// Will not run again.
    Complete,
}

/// A change of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElementTransition {
    /// Began to run.
    Start,
    /// Reached its goal.
    End,
    /// Was stopped from outside.
    Stop,
    /// Would have begun, but another event runs and the priority is `skip`.
    Skip,
}

impl ElementTransition {
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// One element of the storyboard. The tree is laid out parents before children.
#[derive(Debug)]
pub struct Element {
    /// What it is.
    pub kind: StoryboardElementType,
    /// Names from the story down, joined by `::`.
    pub path: String,
    /// Its own name.
    pub name: String,
    /// Children, as indices.
    pub children: Vec<usize>,
    /// Parent; `None` for stories.
    pub parent: Option<usize>,
    /// Where the description stands in the scenario.
    pub source: Source,
    /// Now.
    pub state: ElementState,
    /// Transitions made since the last [`Storyboard::publish`], a bit each.
    made: u8,
    /// As others see it: state then, and the transitions that led there.
    seen: (ElementState, u8),
    /// How often it has begun, and may.
    pub executions: [u32; 2],
    /// Memory of its start and stop trigger.
    pub memory: [TriggerMemory; 2],
    /// For actions: entities that still act.
    pub acting: usize,
    /// For events: entities that made the start trigger true.
    pub triggered_by: Vec<usize>,
}

/// Place of an element's description: story, act, group, maneuver, event, action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Source(pub [usize; 6]);

/// A change of one element, for the run's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoryEvent {
    /// When, s.
    pub t_s: f64,
    /// `story`, `act`, `maneuver_group`, `maneuver`, `event`, `action`.
    pub kind: String,
    /// Names from the story down, joined by `::`.
    pub path: String,
    /// What happened.
    pub transition: ElementTransition,
}

/// All elements of a scenario's storyboard.
#[derive(Debug)]
pub struct Storyboard {
    /// Elements, parents before children.
    pub elements: Vec<Element>,
    /// Memory of the stop trigger.
    pub stop_memory: TriggerMemory,
    by_name: BTreeMap<String, Vec<usize>>,
    /// Transitions not yet taken by [`Storyboard::record`].
    log: Vec<(usize, ElementTransition)>,
}

impl Storyboard {
    /// Lays out the storyboard of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let mut board = Self {
            elements: Vec::new(),
            stop_memory: TriggerMemory::new(&scenario.storyboard.stop_trigger),
            by_name: BTreeMap::new(),
            log: Vec::new(),
        };
        for (s, story) in scenario.storyboard.stories.iter().enumerate() {
            let at_story = board.add(StoryboardElementType::Story, None, &story.name, Source([s, 0, 0, 0, 0, 0]), 1);
            for (a, act) in story.acts.iter().enumerate() {
                let at_act =
                    board.add(StoryboardElementType::Act, Some(at_story), &act.name, Source([s, a, 0, 0, 0, 0]), 1);
                board.remember(at_act, act.start_trigger.as_ref(), act.stop_trigger.as_ref());
                for (g, group) in act.maneuver_groups.iter().enumerate() {
                    let most = group.maximum_execution_count;
                    let source = Source([s, a, g, 0, 0, 0]);
                    let at_group =
                        board.add(StoryboardElementType::ManeuverGroup, Some(at_act), &group.name, source, most);
                    for (m, maneuver) in group.maneuvers.iter().enumerate() {
                        let source = Source([s, a, g, m, 0, 0]);
                        let at_maneuver =
                            board.add(StoryboardElementType::Maneuver, Some(at_group), &maneuver.name, source, 1);
                        for (e, event) in maneuver.events.iter().enumerate() {
                            let source = Source([s, a, g, m, e, 0]);
                            let most = event.maximum_execution_count;
                            let at_event =
                                board.add(StoryboardElementType::Event, Some(at_maneuver), &event.name, source, most);
                            board.remember(at_event, event.start_trigger.as_ref(), None);
                            for (i, action) in event.actions.iter().enumerate() {
                                let source = Source([s, a, g, m, e, i]);
                                board.add(
                                    StoryboardElementType::Action,
                                    Some(at_event),
                                    &action.name,
                                    source,
                                    u32::MAX,
                                );
                            }
                        }
                    }
                }
            }
        }
        board
    }

    fn add(
        &mut self,
        kind: StoryboardElementType,
        parent: Option<usize>,
        name: &str,
        source: Source,
        most: u32,
    ) -> usize {
        let index = self.elements.len();
        let path = match parent {
            Some(parent) => format!("{}::{name}", self.elements[parent].path),
            None => name.to_owned(),
        };
        if let Some(parent) = parent {
            self.elements[parent].children.push(index);
        }
        self.by_name.entry(name.to_owned()).or_default().push(index);
        self.elements.push(Element {
            kind,
            path,
            name: name.to_owned(),
            children: Vec::new(),
            parent,
            source,
            state: ElementState::Standby,
            made: 0,
            seen: (ElementState::Standby, 0),
            executions: [0, most],
            memory: [TriggerMemory::default(), TriggerMemory::default()],
            acting: 0,
            triggered_by: Vec::new(),
        });
        index
    }

    fn remember(&mut self, element: usize, start: Option<&Trigger>, stop: Option<&Trigger>) {
        let memory = |trigger: Option<&Trigger>| trigger.map_or_else(TriggerMemory::default, TriggerMemory::new);
        self.elements[element].memory = [memory(start), memory(stop)];
    }

    /// The element a condition refers to: of the kind, by name or by the end of its path; among several the one that shares
    /// most of its path with `from`, then the first in the file.
    pub fn resolve(&self, kind: StoryboardElementType, reference: &str, from: &str) -> Option<usize> {
        let name = reference.rsplit("::").next().unwrap_or(reference);
        let mut best: Option<(usize, usize)> = None;
        for &index in self.by_name.get(name)? {
            let element = &self.elements[index];
            let fits = element.path == reference
                || element.path.ends_with(&format!("::{reference}"))
                || element.name == reference;
            if element.kind != kind || !fits {
                continue;
            }
            let shared = element.path.split("::").zip(from.split("::")).take_while(|(a, b)| a == b).count();
            if best.is_none_or(|(most, _)| shared > most) {
                best = Some((shared, index));
            }
        }
        best.map(|(_, index)| index)
    }

    /// What others may know of an element, in the words of the standard.
    pub fn shows(&self, element: usize, asked: StoryboardElementState) -> bool {
        let (state, made) = self.elements[element].seen;
        let transition = |asked: ElementTransition| made & asked.bit() != 0;
        match asked {
            StoryboardElementState::StandbyState => state == ElementState::Standby,
            StoryboardElementState::RunningState => state == ElementState::Running,
            StoryboardElementState::CompleteState => state == ElementState::Complete,
            StoryboardElementState::StartTransition => transition(ElementTransition::Start),
            StoryboardElementState::EndTransition => transition(ElementTransition::End),
            StoryboardElementState::StopTransition => transition(ElementTransition::Stop),
            StoryboardElementState::SkipTransition => transition(ElementTransition::Skip),
        }
    }

    /// Makes visible what happened since the last time.
    pub fn publish(&mut self) {
        for element in &mut self.elements {
            element.seen = (element.state, std::mem::take(&mut element.made));
        }
    }

    /// Takes down the transitions made since the last time, as of `t_s`.
    pub fn record(&mut self, t_s: f64, into: &mut Vec<StoryEvent>) {
        for (element, transition) in self.log.drain(..) {
            let Element { kind, path, .. } = &self.elements[element];
            into.push(StoryEvent { t_s, kind: kind_name(*kind).to_owned(), path: path.clone(), transition });
        }
    }

    /// Notes a transition of an element.
    pub fn note(&mut self, element: usize, transition: ElementTransition) {
        self.elements[element].made |= transition.bit();
        self.log.push((element, transition));
    }

    /// Begins an element: its children go to standby, forgetting what was before.
    pub fn begin(&mut self, element: usize) {
        self.elements[element].state = ElementState::Running;
        self.note(element, ElementTransition::Start);
        self.elements[element].executions[0] = self.elements[element].executions[0].saturating_add(1);
        for child in self.elements[element].children.clone() {
            self.reset(child);
        }
    }

    fn reset(&mut self, element: usize) {
        let at = &mut self.elements[element];
        at.state = ElementState::Standby;
        at.executions[0] = 0;
        at.acting = 0;
        at.memory.iter_mut().for_each(TriggerMemory::forget);
        for child in at.children.clone() {
            self.reset(child);
        }
    }

    /// Ends an element that reached its goal. It waits again while it may run again (events and groups only).
    pub fn end(&mut self, element: usize) {
        self.note(element, ElementTransition::End);
        let at = &mut self.elements[element];
        let again = matches!(at.kind, StoryboardElementType::Event | StoryboardElementType::ManeuverGroup)
            && at.executions[0] < at.executions[1];
        at.state = if again { ElementState::Standby } else { ElementState::Complete };
        if again {
            at.memory.iter_mut().for_each(TriggerMemory::forget);
        }
    }

    /// Stops an element and everything below it for good; returns the actions that were running.
    pub fn stop(&mut self, element: usize, stopped: &mut Vec<usize>) {
        let at = &mut self.elements[element];
        if at.state == ElementState::Complete {
            return;
        }
        if at.kind == StoryboardElementType::Action && at.state == ElementState::Running {
            stopped.push(element);
        }
        at.state = ElementState::Complete;
        at.acting = 0;
        let children = at.children.clone();
        self.note(element, ElementTransition::Stop);
        for child in children {
            self.stop(child, stopped);
        }
    }

    /// One entity finished its part of an action.
    pub fn action_done(&mut self, element: usize) {
        let at = &mut self.elements[element];
        if at.state == ElementState::Running {
            at.acting = at.acting.saturating_sub(1);
            if at.acting == 0 {
                self.end(element);
            }
        }
    }

    /// Whether all children are complete.
    pub fn children_complete(&self, element: usize) -> bool {
        self.elements[element].children.iter().all(|&child| self.elements[child].state == ElementState::Complete)
    }
}

/// The description of an event.
pub fn event_of(scenario: &Scenario, Source([s, a, g, m, e, _]): Source) -> Option<&Event> {
    let group = scenario.storyboard.stories.get(s)?.acts.get(a)?.maneuver_groups.get(g)?;
    group.maneuvers.get(m)?.events.get(e)
}

/// The description of an action.
pub fn action_of(scenario: &Scenario, source: Source) -> Option<&Action> {
    event_of(scenario, source)?.actions.get(source.0[5])
}

/// Whether an event of this priority may begin while others of its manoeuvre run.
pub fn may_begin(priority: Priority, others_run: bool) -> bool {
    priority != Priority::Skip || !others_run
}

fn kind_name(kind: StoryboardElementType) -> &'static str {
    match kind {
        StoryboardElementType::Story => "story",
        StoryboardElementType::Act => "act",
        StoryboardElementType::ManeuverGroup => "maneuver_group",
        StoryboardElementType::Maneuver => "maneuver",
        StoryboardElementType::Event => "event",
        StoryboardElementType::Action => "action",
    }
}

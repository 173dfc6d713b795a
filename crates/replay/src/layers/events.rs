use std::collections::BTreeSet;

use cloverleaf_clip::Manifest;
use cloverleaf_signals::messages::{Message, TriggerEvent};
use cloverleaf_vocabulary::{BootTime, TimeDelta};
use rerun::archetypes::{StateChange, TextLog};

use super::{Layer, Taken, WRONG_KIND, event_state};
use crate::ReplayError;
use crate::output::Output;

/// A rule that held for an instant is drawn so long, or nobody would see it.
const SHORTEST_BAR: TimeDelta = TimeDelta::from_millis(200);
/// Events remembered to be marked on the map.
const MARKS_KEPT: usize = 1024;

/// Rule firings: a line in the event list, a lane that shows how long the rule held, and a mark on the map.
pub(crate) struct EventLayer {
    from: BootTime,
    until: BootTime,
    rules: BTreeSet<String>,
    marks: Vec<(BootTime, String)>,
}

impl EventLayer {
    /// A layer for events that began from `from` to `until`, both inclusive.
    pub fn new(from: BootTime, until: BootTime) -> Self {
        Self { from, until, rules: BTreeSet::new(), marks: Vec::new() }
    }

    /// When which rule fired, the first of them.
    pub fn marks(&self) -> &[(BootTime, String)] {
        &self.marks
    }

    /// Takes one event, told by the recording itself or by its manifest.
    pub fn add_event(&mut self, event: TriggerEvent, output: &mut Output) -> Result<Taken, ReplayError> {
        let at = BootTime::from_nanos(event.at_ns);
        if !(self.from..=self.until).contains(&at) {
            return Ok(Taken::LeftOut("an event outside the time asked for"));
        }
        let held_until = BootTime::from_nanos(event.until_ns).max(at + SHORTEST_BAR);
        let entity = format!("/events/{}", event.rule);
        if self.rules.insert(event.rule.clone()) {
            output.write_static(&entity, &event_state(&event.rule))?;
        }
        let text =
            if event.message.is_empty() { event.rule.clone() } else { format!("{}: {}", event.rule, event.message) };
        let line = TextLog::update_fields()
            .with_many_text([text])
            .with_many_level(["EVENT"])
            .columns_of_unit_batches()
            .map_err(|error| output.encode_error(error))?;
        output.write_columns(&entity, &[at], line)?;
        // An empty state ends the lane's bar.
        let lane = StateChange::new().with_state([event.rule.as_str(), ""]).columns_of_unit_batches();
        output.write_columns(&entity, &[at, held_until], lane.map_err(|error| output.encode_error(error))?)?;
        if self.marks.len() < MARKS_KEPT {
            self.marks.push((at, event.rule));
        }
        Ok(Taken::Shown)
    }
}

impl Layer for EventLayer {
    fn add(&mut self, _at: BootTime, message: Message, output: &mut Output) -> Result<Taken, ReplayError> {
        match message {
            Message::TriggerEvent(event) => self.add_event(event, output),
            _ => Ok(WRONG_KIND),
        }
    }

    fn finish(&mut self, _output: &mut Output) -> Result<(), ReplayError> {
        Ok(())
    }
}

/// The events a clip's manifest tells of, for clips that do not carry them as messages.
pub(crate) fn events_of_manifest(manifest: &Manifest) -> impl Iterator<Item = TriggerEvent> {
    manifest.triggers.iter().map(|trigger| TriggerEvent {
        rule: trigger.rule.to_string(),
        at_ns: trigger.at_ns.as_nanos(),
        until_ns: trigger.until_ns.as_nanos(),
        message: trigger.message.clone(),
    })
}

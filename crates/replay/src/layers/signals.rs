use cloverleaf_signals::messages::Message;
use cloverleaf_signals::vss::{Catalogue, Datatype, SignalDef};
use cloverleaf_vocabulary::BootTime;
use rerun::archetypes::{Scalars, SeriesLines, StateChange, StateConfiguration};
use rerun::components::InterpolationMode;

use super::{Layer, ROWS_PER_CHUNK, Taken, WRONG_KIND, entity_of_signal};
use crate::ReplayError;
use crate::output::Output;

/// Colours of states that are not simply off or on.
const STATE_PALETTE: [u32; 6] = [0x4C8DD6FF, 0xE0A33EFF, 0x5CB270FF, 0xB07CC6FF, 0xD9705BFF, 0x5FB8B8FF];
const OFF: u32 = 0x3A424CFF;
const ON: u32 = 0x4C8DD6FF;
/// Colour of events, wherever they are drawn.
pub(crate) const EVENT: u32 = 0xF0524FFF;

/// A `/vss` topic: a plotted line for what is measured, a lane of states for what is switched.
pub(crate) struct SignalLayer {
    entity: String,
    states: Option<States>,
    times: Vec<BootTime>,
    values: Vec<f64>,
}

/// Changes of a boolean or an enumeration. A lane needs the changes alone.
struct States {
    labels: Vec<String>,
    last: Option<f64>,
    times: Vec<BootTime>,
    names: Vec<String>,
}

impl SignalLayer {
    /// A layer for the signal `name`; writes how it looks.
    pub fn new(name: &str, output: &mut Output) -> Result<Self, ReplayError> {
        let entity = entity_of_signal(name);
        let catalogue = Catalogue::standard();
        let definition = catalogue.id(name).and_then(|id| catalogue.def(id));
        let labels = definition.and_then(state_labels);
        let title = title(name, definition);
        let mode = if labels.is_some() { InterpolationMode::StepAfter } else { InterpolationMode::Linear };
        output.write_static(
            &entity,
            &SeriesLines::new().with_names([title]).with_widths([1.5]).with_interpolation_mode(mode),
        )?;
        if let Some(labels) = &labels {
            output.write_static(&entity, &state_style(labels))?;
        }
        let states = labels.map(|labels| States { labels, last: None, times: Vec::new(), names: Vec::new() });
        Ok(Self { entity, states, times: Vec::new(), values: Vec::new() })
    }

    fn write(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        let columns = Scalars::new(std::mem::take(&mut self.values)).columns_of_unit_batches();
        let columns = columns.map_err(|error| output.encode_error(error))?;
        output.write_columns(&self.entity, &std::mem::take(&mut self.times), columns)?;
        let Some(states) = &mut self.states else { return Ok(()) };
        let changes = StateChange::new().with_state(std::mem::take(&mut states.names)).columns_of_unit_batches();
        let changes = changes.map_err(|error| output.encode_error(error))?;
        output.write_columns(&self.entity, &std::mem::take(&mut states.times), changes)
    }
}

impl Layer for SignalLayer {
    fn add(&mut self, at: BootTime, message: Message, output: &mut Output) -> Result<Taken, ReplayError> {
        let Message::SignalSample(sample) = message else { return Ok(WRONG_KIND) };
        if !sample.value.is_finite() {
            return Ok(Taken::NotFinite);
        }
        self.times.push(at);
        self.values.push(sample.value);
        if let Some(states) = &mut self.states
            && states.last != Some(sample.value)
        {
            states.last = Some(sample.value);
            states.times.push(at);
            states.names.push(states.name(sample.value));
        }
        if self.times.len() >= ROWS_PER_CHUNK {
            self.write(output)?;
        }
        Ok(Taken::Shown)
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        self.write(output)
    }
}

impl States {
    fn name(&self, value: f64) -> String {
        let label = (value >= 0.0).then_some(value as usize).and_then(|index| self.labels.get(index));
        label.map_or_else(|| format!("{value}"), String::clone)
    }
}

/// How a rule's firing looks in the lanes of states.
pub(crate) fn event_state(label: &str) -> StateConfiguration {
    StateConfiguration::new().with_values([label]).with_colors([EVENT])
}

/// Labels of what is switched, by value; `None` for what is measured.
fn state_labels(definition: &SignalDef) -> Option<Vec<String>> {
    match definition.datatype {
        Datatype::Boolean => Some(vec!["off".to_owned(), "on".to_owned()]),
        Datatype::Enum => Some(definition.labels.clone()),
        Datatype::Integer | Datatype::Float => None,
    }
}

fn state_style(labels: &[String]) -> StateConfiguration {
    let colour = |index: usize| match (labels.len(), index) {
        (2, 0) => OFF,
        (2, 1) => ON,
        _ => STATE_PALETTE[index % STATE_PALETTE.len()],
    };
    StateConfiguration::new().with_values(labels.iter().cloned()).with_colors((0..labels.len()).map(colour))
}

/// The name without its commonplace beginning, and the unit.
fn title(name: &str, definition: Option<&SignalDef>) -> String {
    let short =
        ["Vehicle.Private.", "Vehicle.ADAS.", "Vehicle.Chassis.", "Vehicle.Powertrain.", "Vehicle.Body.", "Vehicle."]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name);
    match definition.map(|definition| definition.unit.as_str()) {
        Some(unit) if !unit.is_empty() => format!("{short} [{unit}]"),
        _ => short.to_owned(),
    }
}

//! What each kind of stream becomes in the Rerun recording. A layer takes messages in order of time, keeps at most a
//! few thousand rows or a megabyte, and writes them in columns.

mod can;
mod events;
mod motion;
mod objects;
mod place;
mod signals;
mod video;

pub(crate) use can::CanLayer;
pub(crate) use events::{EventLayer, events_of_manifest};
pub(crate) use motion::{GnssVelocityLayer, ImuLayer};
pub(crate) use objects::{ObjectLayer, write_own_vehicle};
pub(crate) use place::{POSITION_ENTITY, PlaceLayer, TRAJECTORY_ENTITY};
pub(crate) use signals::{EVENT as EVENT_COLOUR, SignalLayer, event_state};
pub(crate) use video::{VideoLayer, is_key_frame};

use cloverleaf_signals::messages::Message;
use cloverleaf_vocabulary::BootTime;

use crate::ReplayError;
use crate::output::Output;

/// Rows a layer gathers before it writes them.
const ROWS_PER_CHUNK: usize = 4096;

/// What a layer made of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is or will be in the recording.
    Shown,
    /// A number in it was not finite, so it or that part of it was left out.
    NotFinite,
    /// Left out for the reason given.
    LeftOut(&'static str),
}

/// One topic on its way into the recording.
pub(crate) trait Layer {
    /// Takes the topic's next message.
    fn add(&mut self, at: BootTime, message: Message, output: &mut Output) -> Result<Taken, ReplayError>;
    /// Writes what is still held.
    fn finish(&mut self, output: &mut Output) -> Result<(), ReplayError>;
    /// Latitude and longitude of the vehicle at an instant, degrees, when this topic knows.
    fn place_at(&self, _at: BootTime) -> Option<[f64; 2]> {
        None
    }
}

/// A message of another kind than its channel's schema says cannot be decoded, so no layer ever sees one.
const WRONG_KIND: Taken = Taken::LeftOut("not the kind of message its topic promises");

/// The entity of a signal: Rerun separates by `/`, VSS by `.`.
pub(crate) fn entity_of_signal(name: &str) -> String {
    format!("/vss/{}", name.replace('.', "/"))
}

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cloverleaf_signals::can::CanId;
use cloverleaf_signals::messages::Message;
use cloverleaf_vocabulary::{BootTime, TimeDelta};
use rerun::archetypes::{Scalars, SeriesLines, TextDocument};
use rerun::components::MediaType;

use super::{Layer, Taken, WRONG_KIND};
use crate::ReplayError;
use crate::output::Output;

/// Frames are counted over this time.
const BIN: TimeDelta = TimeDelta::from_millis(500);
/// The last, shorter bin is shown from this length on.
const SHORTEST_BIN: TimeDelta = TimeDelta::from_millis(100);
/// Identifiers listed one by one.
const IDENTIFIERS_KEPT: usize = 2048;

/// A bus. Thousands of raw frames a second would drown the recording, so it gets the frame rate over time and a table
/// of identifiers; the frames themselves stay in the clip.
pub(crate) struct CanLayer {
    entity: String,
    bin: Option<Bin>,
    times: Vec<BootTime>,
    rates: Vec<f64>,
    identifiers: BTreeMap<(bool, u32), Identifier>,
    others: u64,
}

struct Bin {
    start: BootTime,
    last: BootTime,
    received: u32,
    echoed: u32,
}

struct Identifier {
    received: u64,
    echoed: u64,
    first: BootTime,
    last: BootTime,
    last_data: Vec<u8>,
}

impl CanLayer {
    /// A layer for a bus's topic.
    pub fn new(topic: &str, output: &mut Output) -> Result<Self, ReplayError> {
        let entity = topic.to_owned();
        let bus = topic.rsplit('/').next().unwrap_or(topic);
        let names = [format!("bus {bus} received [frames/s]"), format!("bus {bus} echoed [frames/s]")];
        output.write_static(&format!("{entity}/rate"), &SeriesLines::new().with_names(names))?;
        Ok(Self { entity, bin: None, times: Vec::new(), rates: Vec::new(), identifiers: BTreeMap::new(), others: 0 })
    }

    fn close_bin(&mut self, bin: &Bin, length: TimeDelta) {
        self.times.push(bin.start);
        self.rates.extend([bin.received, bin.echoed].map(|count| f64::from(count) / length.as_secs_f64()));
    }

    fn write_rates(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        let times = std::mem::take(&mut self.times);
        let lengths = std::iter::repeat_n(2, times.len());
        let columns = Scalars::new(std::mem::take(&mut self.rates)).columns(lengths);
        let columns = columns.map_err(|error| output.encode_error(error))?;
        output.write_columns(&format!("{}/rate", self.entity), &times, columns)
    }

    fn table(&self) -> String {
        let mut table = format!(
            "# {}\n\nRaw frames stay in the clip; this is their summary.\n\n\
             | identifier | received | echoed | mean period | bytes | last data |\n| --- | --: | --: | --: | --: | --- |\n",
            self.entity
        );
        for (&(is_extended, bits), id) in &self.identifiers {
            let frames = id.received + id.echoed;
            let period = match frames {
                0 | 1 => "once".to_owned(),
                _ => format!("{:.1} ms", (id.last - id.first).as_secs_f64() * 1e3 / (frames - 1) as f64),
            };
            let name = if is_extended { format!("{bits:08X}x") } else { format!("{bits:03X}") };
            let data = id.last_data.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ");
            // Writing to a text cannot fail.
            writeln!(
                table,
                "| `{name}` | {} | {} | {period} | {} | `{data}` |",
                id.received,
                id.echoed,
                id.last_data.len()
            )
            .ok();
        }
        if self.others > 0 {
            writeln!(table, "\nand {} frames of further identifiers", self.others).ok();
        }
        table
    }
}

impl Layer for CanLayer {
    fn add(&mut self, at: BootTime, message: Message, output: &mut Output) -> Result<Taken, ReplayError> {
        let Message::CanFrame(frame) = message else { return Ok(WRONG_KIND) };
        let mut bin = match self.bin.take() {
            Some(bin) if at < bin.start + BIN => bin,
            Some(bin) => {
                self.close_bin(&bin, BIN);
                let next = bin.start + BIN;
                if at < next + BIN {
                    Bin { start: next, last: at, received: 0, echoed: 0 }
                } else {
                    // A silence of any length is two zeros.
                    for silent in [next, at - BIN] {
                        self.times.push(silent.max(next));
                        self.rates.extend([0.0, 0.0]);
                    }
                    Bin { start: at, last: at, received: 0, echoed: 0 }
                }
            }
            None => Bin { start: at, last: at, received: 0, echoed: 0 },
        };
        bin.last = at;
        *(if frame.echo { &mut bin.echoed } else { &mut bin.received }) += 1;
        self.bin = Some(bin);

        let key = (matches!(frame.id, CanId::Extended(_)), frame.id.bits());
        let is_full = self.identifiers.len() >= IDENTIFIERS_KEPT;
        if is_full && !self.identifiers.contains_key(&key) {
            self.others += 1;
        } else {
            let id = self.identifiers.entry(key).or_insert_with(|| Identifier {
                received: 0,
                echoed: 0,
                first: at,
                last: at,
                last_data: Vec::new(),
            });
            *(if frame.echo { &mut id.echoed } else { &mut id.received }) += 1;
            id.last = at;
            id.last_data.clear();
            id.last_data.extend_from_slice(frame.data());
        }
        if self.times.len() >= super::ROWS_PER_CHUNK {
            self.write_rates(output)?;
        }
        Ok(Taken::Shown)
    }

    fn finish(&mut self, output: &mut Output) -> Result<(), ReplayError> {
        if let Some(bin) = self.bin.take() {
            let length = bin.last - bin.start;
            if length >= SHORTEST_BIN {
                self.close_bin(&bin, length);
            }
        }
        self.write_rates(output)?;
        if self.identifiers.is_empty() {
            return Ok(());
        }
        let table = TextDocument::new(self.table()).with_media_type(MediaType::markdown());
        output.write_static(&format!("{}/identifiers", self.entity), &table)
    }
}

//! The raw CAN log: four flat arrays, one row a frame.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cloverleaf_signals::can::{CanFrame, CanId};
use cloverleaf_signals::messages::Message;
use cloverleaf_vocabulary::BootTime;

use super::arrays::{ArrayError, read_integers, read_strings, read_times};
use super::{Dictionary, Entry, ImportError};

/// Sources from here on are echoes: what the logging interface (comma's panda) itself sent on bus `src - 128`.
const FIRST_ECHO: u8 = 128;
/// Longest payload the log can hold: classic CAN.
const LONGEST: usize = 8;

/// The log.
pub struct RawCan {
    folder: PathBuf,
    times: Vec<f64>,
    sources: Vec<u8>,
    ids: Vec<CanId>,
    payloads: Vec<Vec<u8>>,
    /// Longest payload seen of a source's identifier, trailing zeros not counted.
    longest: BTreeMap<(u8, CanId), usize>,
}

impl RawCan {
    /// Reads and checks the arrays.
    pub fn read(folder: &Path) -> Result<Self, ImportError> {
        let times = read_times(&folder.join("t"))?;
        let source_path = folder.join("src");
        let address_path = folder.join("address");
        let sources = read_integers(&source_path)?
            .iter()
            .enumerate()
            .map(|(row, source)| {
                u8::try_from(*source).map_err(|_| {
                    ArrayError::unexpected(&source_path, "bus numbers of 0 to 255", format!("{source} in row {row}"))
                })
            })
            .collect::<Result<Vec<u8>, _>>()?;
        let ids = read_integers(&address_path)?
            .iter()
            .enumerate()
            .map(|(row, address)| {
                let bits = u32::try_from(*address).ok();
                bits.and_then(|bits| CanId::new(bits, bits > 0x7FF).ok()).ok_or_else(|| {
                    let expected = "identifiers of 11 or 29 bits";
                    ArrayError::unexpected(&address_path, expected, format!("{address} in row {row}"))
                })
            })
            .collect::<Result<Vec<CanId>, _>>()?;
        let payloads = read_strings(&folder.join("data"), LONGEST)?;
        for (name, length) in [("src", sources.len()), ("address", ids.len()), ("data", payloads.len())] {
            if length != times.len() {
                let expected = format!("as many rows as `t` has ({})", times.len());
                return Err(ArrayError::unexpected(&folder.join(name), expected, format!("{length} rows")).into());
            }
        }
        let mut longest = BTreeMap::new();
        for ((source, id), payload) in sources.iter().zip(&ids).zip(&payloads) {
            let entry = longest.entry((*source, *id)).or_insert(0);
            *entry = payload.len().max(*entry);
        }
        Ok(Self { folder: folder.to_owned(), times, sources, ids, payloads, longest })
    }

    /// Gives every dictionary the bus on which most of its messages occur with payloads that fit them.
    pub fn match_buses(&self, dictionaries: &mut [Dictionary], warnings: &mut Vec<String>) {
        for dictionary in dictionaries {
            let mut votes = BTreeMap::<u8, usize>::new();
            for ((source, id), longest) in &self.longest {
                let fits = dictionary.database.message(*id).is_some_and(|message| *longest <= message.size);
                if *source < FIRST_ECHO && fits {
                    *votes.entry(*source).or_default() += 1;
                }
            }
            // The lower bus wins a tie.
            dictionary.bus =
                votes.iter().max_by_key(|(bus, count)| (**count, std::cmp::Reverse(**bus))).map(|(bus, _)| *bus);
            if dictionary.bus.is_none() {
                warnings.push(format!("{}: none of its messages is in the log", dictionary.file_name));
            }
        }
    }

    /// Frames in order. A payload gets its length back from the dictionary of its bus; of an identifier that no
    /// dictionary knows, the longest payload seen is taken, since that many bytes it has at least.
    pub fn entries(&self, dictionaries: &[Dictionary], warnings: &mut Vec<String>) -> Result<Vec<Entry>, ImportError> {
        let mut lengths = BTreeMap::new();
        let mut unknown = BTreeMap::<u8, usize>::new();
        for ((source, id), longest) in &self.longest {
            let bus = source & (FIRST_ECHO - 1);
            let known = dictionaries
                .iter()
                .filter(|dictionary| dictionary.bus == Some(bus))
                .find_map(|dictionary| dictionary.database.message(*id))
                .map(|message| message.size.min(LONGEST));
            if known.is_none() && *source < FIRST_ECHO {
                *unknown.entry(bus).or_default() += 1;
            }
            if let Some(size) = known
                && size < *longest
            {
                warnings
                    .push(format!("bus {bus} {id}: {longest} bytes were logged but the DBC says {size}; all are kept"));
            }
            lengths.insert((*source, *id), known.unwrap_or(0).max(*longest));
        }
        for (bus, count) in unknown {
            warnings.push(format!("bus {bus}: {count} identifiers are in no DBC; their frames are kept raw"));
        }
        let mut entries = Vec::with_capacity(self.times.len());
        for (row, payload) in self.payloads.iter().enumerate() {
            let (source, id) = (self.sources[row], self.ids[row]);
            let mut bytes = [0_u8; LONGEST];
            bytes[..payload.len()].copy_from_slice(payload);
            let length = lengths.get(&(source, id)).copied().unwrap_or(payload.len());
            let bus = source & (FIRST_ECHO - 1);
            let mut frame = CanFrame::new(bus, id, &bytes[..length]).map_err(|error| {
                ArrayError::unexpected(&self.folder.join("data"), "CAN payloads", format!("row {row}: {error}"))
            })?;
            frame.echo = source >= FIRST_ECHO;
            entries.push((BootTime::from_secs_f64(self.times[row]), format!("/can/{bus}"), Message::CanFrame(frame)));
        }
        Ok(entries)
    }
}

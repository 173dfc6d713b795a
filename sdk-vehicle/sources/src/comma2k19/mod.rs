//! Import of comma2k19 segments: one minute of a real car as NumPy arrays.
//!
//! The data set is described by Schafer et al., "A Commute in Data: The comma2k19 Dataset" (arXiv 1812.05752); where its
//! README and its arrays disagree the arrays count, and the place says so. Any segment of either of its cars is read,
//! and any car whose bus was logged the same way.

pub mod arrays;
mod can;
mod sensors;

use std::path::{Path, PathBuf};

use cloverleaf_clip::{DBC_ATTACHMENT_PREFIX, RecordingInfo};
use cloverleaf_signals::dbc::{Database, DbcError};
use cloverleaf_signals::messages::Message;
use cloverleaf_vocabulary::{BootId, BootTime, ClockOffset, IdError, VehicleId};

use crate::output::{OutputError, Progress, Recorder, Summary};
use arrays::ArrayError;

/// Why a segment could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The folder is not a segment.
    #[error("{}: not a comma2k19 segment: expected the folder processed_log/CAN/raw_can in it", .0.display())]
    NotASegment(PathBuf),
    /// An array cannot be used.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// A DBC file cannot be read.
    #[error("{}: cannot read the DBC file", .path.display())]
    ReadDbc {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A DBC file is wrong.
    #[error(transparent)]
    Dbc(#[from] DbcError),
    /// The name of the vehicle or boot.
    #[error("the drive cannot be named")]
    Name(#[from] IdError),
    /// Files.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// A message with its time and topic.
pub(crate) type Entry = (BootTime, String, Message);

/// A DBC file and the bus its identifiers were found on.
pub(crate) struct Dictionary {
    pub file_name: String,
    pub bytes: Vec<u8>,
    pub database: Database,
    pub bus: Option<u8>,
}

/// Imports the segment in `folder` into the recording `out`, which appears whole or not at all.
///
/// Lengths of CAN payloads, which NumPy's byte strings lost, come from `dbcs`; each file is matched to the bus that
/// carries most of its identifiers. Arrays other than the raw CAN may be absent: a warning says so.
pub fn import(
    folder: &Path,
    dbcs: &[PathBuf],
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, ImportError> {
    let log = folder.join("processed_log");
    if !log.join("CAN/raw_can").is_dir() {
        return Err(ImportError::NotASegment(folder.to_owned()));
    }
    let mut warnings = Vec::new();
    progress(Progress { stage: "reading arrays", done: 0.0 });
    let raw = can::RawCan::read(&log.join("CAN/raw_can"))?;
    let mut dictionaries = read_dictionaries(dbcs, &mut warnings)?;
    raw.match_buses(&mut dictionaries, &mut warnings);
    let gnss = sensors::Gnss::read(&log, &mut warnings)?;
    let clock = gnss.as_ref().and_then(sensors::Gnss::clock);
    if clock.is_none() {
        warnings.push("no GNSS time: the recording's relation to UTC is unknown".to_owned());
    }

    let mut entries = raw.entries(&dictionaries, &mut warnings)?;
    progress(Progress { stage: "reading arrays", done: 0.4 });
    entries.extend(sensors::radar(&log, &mut warnings)?);
    entries.extend(sensors::imu(&log, clock, &mut warnings)?);
    entries.extend(gnss.map(|gnss| gnss.entries(&mut warnings)).unwrap_or_default());
    entries.extend(sensors::pose(folder, clock, &mut warnings)?);
    // Stable: messages of one instant keep the order of their source.
    entries.sort_by_key(|(at, _, _)| *at);
    write(folder, out, clock, &dictionaries, &entries, warnings, progress)
}

fn write(
    folder: &Path,
    out: &Path,
    clock: Option<ClockOffset>,
    dictionaries: &[Dictionary],
    entries: &[Entry],
    warnings: Vec<String>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, ImportError> {
    let (vehicle, boot, name) = names(folder);
    let software = concat!("cloverleaf-sources ", env!("CARGO_PKG_VERSION"));
    let mut info = RecordingInfo::new(VehicleId::new(vehicle)?, BootId::new(boot)?, software);
    info.clock = clock;
    info.origin = format!("comma2k19 {name} (MIT licence, (c) 2018 comma.ai)");
    let mut recorder = Recorder::create(out, info)?;
    for dictionary in dictionaries {
        let bus = dictionary.bus.map_or("any".to_owned(), |bus| bus.to_string());
        let name = format!("{DBC_ATTACHMENT_PREFIX}{bus}/{}", dictionary.file_name);
        recorder.attach(&name, "text/x-dbc", &dictionary.bytes)?;
    }
    for (index, (at, topic, message)) in entries.iter().enumerate() {
        recorder.write(topic, *at, message)?;
        if index % 4_096 == 0 {
            progress(Progress { stage: "writing", done: 0.5 + 0.5 * index as f64 / entries.len() as f64 });
        }
    }
    let (pending, summary) = recorder.finish(warnings)?;
    pending.publish()?;
    progress(Progress { stage: "done", done: 1.0 });
    Ok(summary)
}

fn read_dictionaries(dbcs: &[PathBuf], warnings: &mut Vec<String>) -> Result<Vec<Dictionary>, ImportError> {
    let mut dictionaries: Vec<Dictionary> = Vec::new();
    for path in dbcs {
        let bytes = std::fs::read(path).map_err(|source| ImportError::ReadDbc { path: path.clone(), source })?;
        let shown = path.display().to_string();
        let database = Database::parse(&shown, &bytes)?;
        warnings.extend(database.warnings.iter().map(|warning| format!("{shown}: {warning}")));
        let mut file_name = path.file_name().map_or(shown, |name| name.to_string_lossy().into_owned());
        if dictionaries.iter().any(|other| other.file_name == file_name) {
            file_name = format!("{}-{file_name}", dictionaries.len());
        }
        dictionaries.push(Dictionary { file_name, bytes, database, bus: None });
    }
    Ok(dictionaries)
}

/// Vehicle, boot and a name for the origin. The data set's folders are `<dongle>|<start>/<segment>` (the bar is an
/// underscore on file systems that forbid it); all segments of a start share one boot clock.
fn names(folder: &Path) -> (String, String, String) {
    let absolute = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let parts: Vec<String> =
        absolute.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let route = parts.iter().rev().take(3).find_map(|part| {
        let (dongle, start) = part.split_at_checked(16)?;
        let start = start.strip_prefix(['|', '_'])?;
        dongle.bytes().all(|b| b.is_ascii_hexdigit()).then(|| (dongle.to_owned(), start.to_owned(), part.clone()))
    });
    let last = parts.last().map(String::as_str).unwrap_or("segment");
    match route {
        Some((dongle, start, route)) => {
            (format!("comma-{dongle}"), format!("boot-{}", printable(&start)), format!("{route}/{last}"))
        }
        None => ("comma2k19".to_owned(), format!("boot-{}", printable(last)), last.to_owned()),
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_route_when_there_is_one() {
        let (vehicle, boot, origin) = names(Path::new("/x/b0c9d2329ad1606b|2018-08-02--08-34-47/40"));
        assert_eq!((vehicle.as_str(), boot.as_str()), ("comma-b0c9d2329ad1606b", "boot-2018-08-02--08-34-47"));
        assert_eq!(origin, "b0c9d2329ad1606b|2018-08-02--08-34-47/40");
        let (vehicle, boot, _) = names(Path::new("/x/my segment (1)"));
        assert_eq!((vehicle.as_str(), boot.as_str()), ("comma2k19", "boot-my_segment__1_"));
    }
}

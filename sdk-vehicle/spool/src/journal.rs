//! The append-only record of what was sealed and what was acknowledged.
//!
//! A line is the CRC-32 of its JSON in eight hexadecimal digits, a space, the JSON, a line feed. What follows the last
//! good line is a torn write and is cut off; a bad line with a good one after it is damage, and is reported.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cloverleaf_vocabulary::{BootId, ClipId, VehicleId};
use serde::{Deserialize, Serialize};

use crate::SpoolError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    Sealed,
    Acknowledged,
}

/// Either event says everything about the clip, so that one line is enough to know it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) event: Event,
    pub(crate) clip: ClipId,
    pub(crate) vehicle: VehicleId,
    pub(crate) boot: BootId,
    pub(crate) sequence: u64,
    pub(crate) sha256: String,
}

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Where the next line goes; what is behind it is good.
    length: u64,
}

impl Journal {
    /// Opens or creates the journal, and gives what it says.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Record>), SpoolError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(SpoolError::io("opening", path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(SpoolError::io("reading", path))?;
        let (records, good) = parse(path, &bytes)?;
        let mut journal = Self { path: path.to_owned(), file, length: good as u64 };
        if good < bytes.len() {
            journal.cut().map_err(SpoolError::io("repairing", path))?;
        }
        Ok((journal, records))
    }

    /// Adds a record and syncs.
    pub(crate) fn append(&mut self, record: &Record) -> Result<(), SpoolError> {
        let line = to_line(record);
        let written = (|| {
            self.file.seek(SeekFrom::Start(self.length))?;
            self.file.write_all(line.as_bytes())?;
            self.file.sync_all()
        })();
        if let Err(error) = written {
            // Half a line must not stand in the way of the next one. Should this fail too, the next append overwrites it
            // and the next start cuts it off.
            drop(self.cut());
            return Err(SpoolError::io("writing", &self.path)(error));
        }
        self.length += line.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.sync_all()
    }
}

fn to_line(record: &Record) -> String {
    let json = match serde_json::to_string(record) {
        Ok(json) => json,
        Err(error) => unreachable!("a record has only text keys: {error}"),
    };
    format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

/// The records, and how many bytes of the journal are good.
fn parse(path: &Path, bytes: &[u8]) -> Result<(Vec<Record>, usize), SpoolError> {
    let mut records = Vec::new();
    let mut good = 0;
    let mut bad: Option<(usize, usize, String)> = None;
    let mut offset = 0;
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        match from_line(line) {
            Ok(record) => {
                if let Some((line, offset, reason)) = bad {
                    return Err(SpoolError::Journal { path: path.to_owned(), line, offset, reason });
                }
                records.push(record);
                good = offset + line.len();
            }
            Err(reason) => {
                bad.get_or_insert((index + 1, offset, reason));
            }
        }
        offset += line.len();
    }
    Ok((records, good))
}

fn from_line(line: &[u8]) -> Result<Record, String> {
    let text = std::str::from_utf8(line).map_err(|_| "not text".to_owned())?;
    let text = text.strip_suffix('\n').ok_or("no line end")?;
    let (sum, json) = text.split_once(' ').ok_or("expected a checksum and a record")?;
    let expected = format!("{:08x}", crc32fast::hash(json.as_bytes()));
    if sum != expected {
        return Err(format!("checksum {sum:?} where {expected:?} was expected"));
    }
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(sequence: u64) -> Record {
        Record {
            event: if sequence.is_multiple_of(2) { Event::Sealed } else { Event::Acknowledged },
            clip: ClipId::new(format!("clip-{sequence}")).unwrap(),
            vehicle: VehicleId::new("v").unwrap(),
            boot: BootId::new("b").unwrap(),
            sequence,
            sha256: "00".into(),
        }
    }

    fn bytes(count: u64) -> Vec<u8> {
        (0..count).flat_map(|sequence| to_line(&record(sequence)).into_bytes()).collect()
    }

    #[test]
    fn a_torn_tail_is_cut_and_writing_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let whole = bytes(3);
        let two = bytes(2).len();
        for cut in two..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, records) = Journal::open(&path).unwrap();
            assert_eq!(records, [record(0), record(1)], "cut at {cut}");
            journal.append(&record(2)).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }

    proptest! {
        #[test]
        fn a_flipped_bit_before_the_last_line_is_reported(at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut damaged = bytes(4);
            // Without the line end before it the last line looks torn, and is cut off as such.
            let limit = bytes(3).len() - 1;
            let at = at.index(limit);
            damaged[at] ^= 1 << bit;
            let error = parse(Path::new("journal"), &damaged).unwrap_err().to_string();
            prop_assert!(error.starts_with("journal: line "), "{}", error);
        }
    }
}

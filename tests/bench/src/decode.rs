//! Frames decoded and rule-evaluated per second on one core.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use cloverleaf_capture::DEFAULT_RULES;
use cloverleaf_clip::{DBC_ATTACHMENT_PREFIX, PROFILE_ATTACHMENT, RecordingReader, Selection};
use cloverleaf_signals::can::CanFrame;
use cloverleaf_signals::dbc::Database;
use cloverleaf_signals::decoder::Decoder;
use cloverleaf_signals::messages::Message;
use cloverleaf_signals::profile::VehicleProfile;
use cloverleaf_signals::vss::Catalogue;
use cloverleaf_triggers::{Engine, read_rules};
use cloverleaf_vocabulary::BootTime;

use crate::peer;
use crate::row::{Row, best_of};

/// All CAN frames of a drive through the decoder and the shipped rules; beside it python-can and cantools with the same
/// five conditions written in Python.
pub fn frames_per_second(drive: &Path, scratch: &Path) -> anyhow::Result<Row> {
    let name = drive.display().to_string();
    let mut recording = RecordingReader::open(&name, BufReader::new(File::open(drive)?))?;
    let mut databases = Vec::new();
    let mut dbc_files: Vec<PathBuf> = Vec::new();
    for attachment in recording.attachments() {
        let Some(rest) = attachment.name.strip_prefix(DBC_ATTACHMENT_PREFIX) else { continue };
        let bytes = recording.attachment(&attachment.name)?.unwrap_or_default();
        let (bus, file) = rest.split_once('/').unwrap_or(("any", rest));
        databases.push((bus.parse().ok(), Database::parse(file, &bytes)?));
        let path = scratch.join(file);
        std::fs::write(&path, &bytes)?;
        dbc_files.push(path);
    }
    let profile = match recording.attachment(PROFILE_ATTACHMENT)? {
        Some(bytes) => Some(VehicleProfile::parse(PROFILE_ATTACHMENT, &String::from_utf8(bytes)?)?),
        None => VehicleProfile::detect(databases.iter().map(|(_, database)| database)),
    };
    let catalogue = Catalogue::standard();
    let decoder = Decoder::new(databases.iter().map(|(bus, db)| (*bus, db)), profile.as_ref(), catalogue)?;

    let mut frames: Vec<(BootTime, CanFrame)> = Vec::new();
    let mut messages = recording.messages(&Selection::default());
    while let Some(message) = messages.next() {
        let message = message?;
        if let Some(Message::CanFrame(frame)) = messages.decode(&message)? {
            frames.push((message.time, frame));
        }
    }
    let seconds = best_of(5, || {
        let mut engine = Engine::new(read_rules("loop.toml", DEFAULT_RULES, catalogue)?, catalogue)?;
        let mut firings = 0;
        for (time, frame) in &frames {
            decoder.decode(frame, |signal, value| engine.push(*time, signal, value));
            firings += engine.drain().count();
        }
        Ok(firings)
    })?;

    let log = scratch.join("frames.log");
    let mut text = std::io::BufWriter::new(File::create(&log)?);
    for (time, frame) in &frames {
        write!(text, "({:.6}) can{} {:03X}#", time.as_secs_f64(), frame.bus, frame.id.bits())?;
        for byte in frame.data() {
            write!(text, "{byte:02X}")?;
        }
        writeln!(text)?;
    }
    text.flush()?;
    drop(text);
    let arguments = [log.as_path(), Path::new("5")].into_iter().chain(dbc_files.iter().map(PathBuf::as_path));
    let peer_value = peer::python("can_decode.py", arguments)?;
    Ok(Row::new("frames_per_s_core", frames.len() as f64 / seconds, "frames/s", "python-can + cantools", peer_value))
}

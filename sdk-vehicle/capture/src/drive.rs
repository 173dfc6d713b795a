use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloverleaf_clip::{RecordingReader, Selection};
use cloverleaf_recorder::StreamSchema;
use cloverleaf_spool::Spool;
use cloverleaf_uplink::Uplink;
use cloverleaf_vocabulary::{BootId, BootTime, Clock, Draw, RuleId, VehicleId};
use serde::Serialize;

use crate::capture::{Capture, Captured, SharedSpool, lock};
use crate::config::{CaptureConfig, Pace};
use crate::error::CaptureError;
use crate::uploader::Uploader;

/// What writes our clips.
const SOFTWARE: &str = concat!("cloverleaf-agent ", env!("CARGO_PKG_VERSION"));
/// Messages between two reports of progress.
const PROGRESS_EVERY: u64 = 4096;

/// What a drive came to. Times are seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CaptureSummary {
    /// The vehicle; absent when no drive was played.
    pub vehicle: Option<VehicleId>,
    /// The boot; absent when no drive was played.
    pub boot: Option<BootId>,
    /// Length of the drive.
    pub drive_s: f64,
    /// Messages read.
    pub messages: u64,
    /// CAN frames among them.
    pub frames: u64,
    /// Signal samples decoded and derived.
    pub samples: u64,
    /// Samples a second of wall time.
    pub samples_per_s: f64,
    /// How often each rule fired.
    pub firings: BTreeMap<RuleId, u64>,
    /// Clips sealed in this run.
    pub clips_sealed: u64,
    /// Their bytes.
    pub sealed_bytes: u64,
    /// Clips recognised as sealed by an earlier run.
    pub clips_known: u64,
    /// Clips lost because the spool's quota was full.
    pub clips_refused: u64,
    /// Clips handed over in this run, earlier runs' included.
    pub clips_uploaded: u64,
    /// Their bytes.
    pub uploaded_bytes: u64,
    /// Clips that turned out to have arrived before.
    pub clips_already_there: u64,
    /// Clips still in the spool.
    pub clips_waiting: u64,
    /// Clips whose files somebody removed from the spool before they were handed over.
    pub clips_missing: u64,
    /// Wall time until the last clip was sealed.
    pub capture_wall_s: f64,
    /// Wall time until the last clip was handed over.
    pub total_wall_s: f64,
}

/// How far a drive is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Seconds of the drive played.
    pub position_s: f64,
    /// Seconds of the drive.
    pub length_s: f64,
    /// Messages read.
    pub messages: u64,
    /// Clips sealed or recognised.
    pub clips: u64,
}

/// Plays a recording through the vehicle: first what the spool still holds goes to the store, beside that the drive is
/// captured, and the clips follow. Without a drive only the spool is handed over.
///
/// # Errors
/// What stopped the drive: then the clips sealed before have still been handed over as far as possible. Else
/// [`CaptureError::Upload`], with the summary, when clips stay behind.
pub fn run_drive(
    config: &CaptureConfig,
    drive: Option<&Path>,
    pace: Pace,
    clock: &dyn Clock,
    progress: &mut dyn FnMut(Progress),
) -> Result<CaptureSummary, CaptureError> {
    let started = clock.boot_time();
    let spool = Spool::open(&config.spool)?;
    let clips_missing = spool.missing().len() as u64;
    for clip in spool.missing() {
        tracing::warn!(%clip, "sealed and not handed over, but its files are gone from the spool");
    }
    let spool: SharedSpool = Arc::new(Mutex::new(spool));
    let uplink = Uplink::open(&config.upload_url, config.retry, Draw::new(clock.utc().as_nanos() as u64, 0, 0))?;
    let uploader = Uploader::start(uplink, Arc::clone(&spool))?;
    let mut summary = CaptureSummary { clips_missing, ..CaptureSummary::default() };
    let played = match drive {
        Some(drive) => play(config, drive, pace, clock, &spool, &uploader, &mut summary, progress),
        None => Ok(()),
    };
    summary.capture_wall_s = (clock.boot_time() - started).as_secs_f64();
    summary.samples_per_s = summary.samples as f64 / summary.capture_wall_s.max(1e-9);
    let report = uploader.finish();
    summary.clips_uploaded = report.uploaded;
    summary.uploaded_bytes = report.uploaded_bytes;
    summary.clips_already_there = report.already_there;
    let waiting = lock(&spool).waiting().len();
    summary.clips_waiting = waiting as u64;
    summary.total_wall_s = (clock.boot_time() - started).as_secs_f64();
    if let Err(error) = played {
        if let Some(upload) = report.error {
            tracing::warn!("{waiting} sealed clip(s) were not uploaded either: {upload}");
        }
        return Err(error);
    }
    match report.error {
        Some(source) => {
            let spool = config.spool.dir.clone();
            Err(CaptureError::Upload { waiting, spool, summary: Box::new(summary), source: Box::new(source) })
        }
        None => Ok(summary),
    }
}

#[expect(clippy::too_many_arguments, reason = "one step of run_drive, split off for its early returns")]
fn play(
    config: &CaptureConfig,
    drive: &Path,
    pace: Pace,
    clock: &dyn Clock,
    spool: &SharedSpool,
    uploader: &Uploader,
    summary: &mut CaptureSummary,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), CaptureError> {
    let file = File::open(drive).map_err(|source| CaptureError::Read { path: drive.to_owned(), source })?;
    let mut reader =
        RecordingReader::open(&drive.display().to_string(), BufReader::new(file)).map_err(CaptureError::Drive)?;
    let mut info = reader.info().clone();
    info.software = SOFTWARE.to_owned();
    if let Some(vehicle) = &config.vehicle {
        info.vehicle = vehicle.clone();
    }
    summary.vehicle = Some(info.vehicle.clone());
    summary.boot = Some(info.boot.clone());
    let mut attachments = Vec::new();
    for attachment in reader.attachments() {
        if let Some(content) = reader.attachment(&attachment.name).map_err(CaptureError::Drive)? {
            attachments.push((attachment.name, attachment.media_type, content));
        }
    }
    let mut capture = Capture::new(info, attachments, &config.rules, config.ring, Arc::clone(spool))?;
    let streams: Vec<_> = reader
        .channels()
        .iter()
        .map(|channel| {
            let schema = StreamSchema {
                name: channel.schema_name.clone(),
                encoding: channel.schema_encoding.clone(),
                data: channel.schema_data.to_vec(),
                message_encoding: channel.message_encoding.clone(),
            };
            capture.stream(&channel.topic, schema)
        })
        .collect();
    let (first, last) = reader.span().unwrap_or_default();
    let length_s = (last - first).as_secs_f64();
    summary.drive_s = length_s;

    let started = clock.boot_time();
    // A recording can wait for the upload to make room; a vehicle cannot.
    let mut make_room = || match pace {
        Pace::Max => {
            uploader.sync();
            true
        }
        Pace::RealTime(_) => false,
    };
    let mut sealed = 0;
    let outcome = (|| {
        for message in reader.messages(&Selection::default()) {
            let message = message.map_err(CaptureError::Drive)?;
            if let Pace::RealTime(factor) = pace {
                wait_until(clock, started, message.time.saturating_since(first).as_secs_f64() / factor);
            }
            let stream = streams[message.channel];
            capture.push(stream, message.time, message.sequence, &message.payload, &mut make_room)?;
            let Captured { sealed: now_sealed, known, .. } = capture.captured();
            if now_sealed > sealed {
                sealed = now_sealed;
                uploader.wake();
            }
            let messages = capture.pipeline().counts().messages;
            if messages.is_multiple_of(PROGRESS_EVERY) {
                let position_s = message.time.saturating_since(first).as_secs_f64();
                progress(Progress { position_s, length_s, messages, clips: sealed + known });
            }
        }
        capture.finish(&mut make_room)
    })();
    let captured = capture.captured();
    let counts = capture.pipeline().counts();
    summary.messages = counts.messages;
    summary.frames = counts.frames;
    summary.samples = counts.samples;
    summary.firings = counts.firings.clone();
    summary.clips_sealed = captured.sealed;
    summary.sealed_bytes = captured.sealed_bytes;
    summary.clips_known = captured.known;
    summary.clips_refused = captured.refused;
    let (messages, clips) = (summary.messages, captured.sealed + captured.known);
    progress(Progress { position_s: length_s, length_s, messages, clips });
    outcome
}

fn wait_until(clock: &dyn Clock, started: BootTime, after_s: f64) {
    let ahead_s = after_s - (clock.boot_time() - started).as_secs_f64();
    // Shorter sleeps cost more than they keep.
    if ahead_s > 0.001 {
        std::thread::sleep(Duration::from_secs_f64(ahead_s));
    }
}

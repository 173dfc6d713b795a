use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloverleaf_clip::RecordingInfo;
use cloverleaf_recorder::{Cut, Link, RecorderConfig, StreamSchema};
use cloverleaf_spool::{Spool, SpoolError};
use cloverleaf_vocabulary::{BootId, BootTime, VehicleId};

use crate::config::RuleText;
use crate::error::CaptureError;
use crate::pipeline::{Pipeline, StreamKey};

/// A spool that capture and upload share.
pub(crate) type SharedSpool = Arc<Mutex<Spool>>;

/// The spool stays sound when a thread dies while it holds the lock: every change to it is made whole on disk first.
pub(crate) fn lock(spool: &SharedSpool) -> MutexGuard<'_, Spool> {
    spool.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A [`Pipeline`] whose clips go into a [`Spool`].
pub struct Capture {
    pipeline: Pipeline,
    spool: SharedSpool,
    vehicle: VehicleId,
    boot: BootId,
    last: BootTime,
    captured: Captured,
}

/// What became of the clips.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Captured {
    /// Sealed in the spool.
    pub sealed: u64,
    /// Their bytes.
    pub sealed_bytes: u64,
    /// Cut again and recognised as sealed earlier.
    pub known: u64,
    /// Refused because the spool's quota was full: lost.
    pub refused: u64,
}

impl Capture {
    /// Starts capturing a boot; `attachments` as in [`Pipeline::new`].
    ///
    /// # Errors
    /// As [`Pipeline::new`].
    pub fn new(
        info: RecordingInfo,
        attachments: Vec<(String, String, Vec<u8>)>,
        rules: &RuleText,
        config: RecorderConfig,
        spool: Arc<Mutex<Spool>>,
    ) -> Result<Self, CaptureError> {
        let (vehicle, boot) = (info.vehicle.clone(), info.boot.clone());
        let pipeline = Pipeline::new(info, attachments, rules, config)?;
        Ok(Self { pipeline, spool, vehicle, boot, last: BootTime::default(), captured: Captured::default() })
    }

    /// Declares a topic; see [`Pipeline::stream`].
    pub fn stream(&mut self, topic: &str, schema: StreamSchema) -> StreamKey {
        self.pipeline.stream(topic, schema)
    }

    /// Takes a message in and seals the clips that are complete with it. `make_room` is called when the spool's quota is
    /// full, and says whether to try once more.
    ///
    /// # Errors
    /// A damaged message; a spool that cannot be written. A full quota is no error: the clip is lost and counted.
    pub fn push(
        &mut self,
        stream: StreamKey,
        time: BootTime,
        sequence: u32,
        payload: &[u8],
        make_room: &mut dyn FnMut() -> bool,
    ) -> Result<(), CaptureError> {
        self.pipeline.push(stream, time, sequence, payload)?;
        self.last = self.last.max(time);
        while let Some(cut) = self.pipeline.due() {
            self.seal(&cut, make_room)?;
        }
        Ok(())
    }

    /// Ends the drive: seals what is still open.
    ///
    /// # Errors
    /// A spool that cannot be written.
    pub fn finish(&mut self, make_room: &mut dyn FnMut() -> bool) -> Result<(), CaptureError> {
        self.pipeline.finish(self.last);
        while let Some(cut) = self.pipeline.rest() {
            self.seal(&cut, make_room)?;
        }
        Ok(())
    }

    /// What became of the clips so far.
    pub fn captured(&self) -> Captured {
        self.captured
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    fn seal(&mut self, cut: &Cut, make_room: &mut dyn FnMut() -> bool) -> Result<(), CaptureError> {
        let id = self.pipeline.recorder().clip_id(cut)?;
        let place = {
            let spool = lock(&self.spool);
            (!spool.has_sealed(&id)).then(|| spool.next_place(&self.vehicle, &self.boot))
        };
        let Some(place) = place else {
            self.captured.known += 1;
            self.pipeline.release(cut);
            return Ok(());
        };
        let link = Link { sequence: place.sequence, previous_sha256: place.previous_sha256 };
        let clip = self.pipeline.encode(cut, &link)?;
        let mut outcome = lock(&self.spool).seal(&clip.manifest, &clip.bytes);
        if matches!(outcome, Err(SpoolError::Full { .. })) && make_room() {
            outcome = lock(&self.spool).seal(&clip.manifest, &clip.bytes);
        }
        match outcome {
            Ok(()) => {
                self.captured.sealed += 1;
                self.captured.sealed_bytes += clip.bytes.len() as u64;
            }
            Err(error @ SpoolError::Full { .. }) => {
                tracing::warn!("{error}; the clip is lost");
                self.captured.refused += 1;
            }
            Err(error) => return Err(error.into()),
        }
        self.pipeline.release(cut);
        Ok(())
    }
}

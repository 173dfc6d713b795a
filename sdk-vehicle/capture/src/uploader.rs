//! A thread that hands over what the spool holds, beside capturing.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use cloverleaf_clip::Manifest;
use cloverleaf_uplink::{Sent, Uplink, UplinkError};
use cloverleaf_vocabulary::ClipId;

use crate::capture::{SharedSpool, lock};
use crate::error::{CaptureError, UploadError};

/// What has been handed over.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) uploaded: u64,
    pub(crate) uploaded_bytes: u64,
    pub(crate) already_there: u64,
    /// Why the last pass did not get everything through.
    pub(crate) error: Option<UploadError>,
}

/// The running thread.
pub(crate) struct Uploader {
    commands: Sender<Command>,
    thread: JoinHandle<Report>,
}

enum Command {
    /// There is something new.
    Wake,
    /// As `Wake`, and answer when the pass is over with the number of clips uploaded so far.
    Sync(Sender<u64>),
}

impl Uploader {
    /// Starts with what the spool already holds.
    pub(crate) fn start(uplink: Uplink, spool: SharedSpool) -> Result<Self, CaptureError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CaptureError::Start)?;
        let (commands, inbox) = mpsc::channel();
        let mut worker = Worker { uplink, spool, runtime, report: Report::default(), gave_up: false };
        let thread = std::thread::Builder::new()
            .name("uploader".to_owned())
            .spawn(move || {
                worker.run(&inbox);
                worker.report
            })
            .map_err(CaptureError::Start)?;
        Ok(Self { commands, thread })
    }

    /// Says that a clip was sealed.
    pub(crate) fn wake(&self) {
        // A thread that has ended is noticed when it is joined.
        drop(self.commands.send(Command::Wake));
    }

    /// Waits until everything there is has been tried. How many clips have been handed over so far.
    pub(crate) fn sync(&self) -> u64 {
        let (answer, answered) = mpsc::channel();
        drop(self.commands.send(Command::Sync(answer)));
        answered.recv().unwrap_or(0)
    }

    /// Hands over the rest and ends.
    pub(crate) fn finish(self) -> Report {
        drop(self.commands);
        let lost = |_| Report { error: Some(UploadError::Lost), ..Report::default() };
        self.thread.join().unwrap_or_else(lost)
    }
}

struct Worker {
    uplink: Uplink,
    spool: SharedSpool,
    runtime: tokio::runtime::Runtime,
    report: Report,
    /// The store refused for good (credentials, a read-only folder): no more attempts in this run.
    gave_up: bool,
}

impl Worker {
    fn run(&mut self, inbox: &Receiver<Command>) {
        self.pass();
        while let Ok(first) = inbox.recv() {
            let commands: Vec<Command> = std::iter::once(first).chain(inbox.try_iter()).collect();
            self.pass();
            for command in commands {
                if let Command::Sync(answer) = command {
                    answer.send(self.report.uploaded + self.report.already_there).ok();
                }
            }
        }
        // A store that could not be reached before may be there now; one that was never tried since is empty-handed.
        if !lock(&self.spool).waiting().is_empty() {
            self.pass();
        }
    }

    /// Tries every waiting clip once, in order. A clip with a fault of its own is passed over.
    fn pass(&mut self) {
        if self.gave_up {
            return;
        }
        self.report.error = None;
        let mut passed_over: BTreeSet<ClipId> = BTreeSet::new();
        loop {
            let waiting = lock(&self.spool).waiting().into_iter().find(|w| !passed_over.contains(&w.manifest.clip));
            let Some(waiting) = waiting else { return };
            let outcome = self.runtime.block_on(self.uplink.send(&waiting.manifest, &waiting.data));
            match outcome {
                Ok(sent) => {
                    if let Err(error) = self.note(&waiting.manifest, sent) {
                        self.report.error = Some(error);
                        return;
                    }
                }
                Err(error) if error.is_of_one_clip() => {
                    tracing::warn!(clip = %waiting.manifest.clip, "{error}");
                    passed_over.insert(waiting.manifest.clip);
                    self.report.error = Some(error.into());
                }
                Err(error) => {
                    self.gave_up = !matches!(error, UplinkError::Store { is_transient: true, .. });
                    self.report.error = Some(error.into());
                    return;
                }
            }
        }
    }

    fn note(&mut self, manifest: &Manifest, sent: Sent) -> Result<(), UploadError> {
        lock(&self.spool).acknowledge(&manifest.clip)?;
        match sent {
            Sent::Uploaded => {
                self.report.uploaded += 1;
                self.report.uploaded_bytes += manifest.size_bytes.unwrap_or(0);
            }
            Sent::AlreadyThere => self.report.already_there += 1,
        }
        Ok(())
    }
}

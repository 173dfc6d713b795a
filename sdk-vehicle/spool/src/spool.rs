use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use cloverleaf_clip::Manifest;
use cloverleaf_vocabulary::{BootId, ClipId, VehicleId};

use crate::SpoolError;
use crate::files::{self, TEMPORARY};
use crate::journal::{Event, Journal, Record};

/// Where the spool is and how much it may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolConfig {
    /// Its directory; made when it does not exist.
    pub dir: PathBuf,
    /// Most bytes of clips that wait for upload.
    pub quota_bytes: u64,
}

/// The place of a boot's next clip in its chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Counts the boot's clips from 0.
    pub sequence: u64,
    /// SHA-256 of the clip before in hexadecimal, empty for the first.
    pub previous_sha256: String,
}

/// A sealed clip that the cloud does not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its manifest, with size and hash.
    pub manifest: Manifest,
    /// Its file.
    pub data: PathBuf,
}

/// The open spool; dropping it gives the lock back.
#[derive(Debug)]
pub struct Spool {
    clips_dir: PathBuf,
    quota_bytes: u64,
    journal: Journal,
    known: BTreeMap<ClipId, Record>,
    next: BTreeMap<(VehicleId, BootId), Place>,
    waiting: BTreeMap<(VehicleId, BootId, u64), Manifest>,
    missing: Vec<ClipId>,
    _lock: File,
}

impl Spool {
    /// Opens the spool: takes the lock, reads the journal, removes what was half-written, and finishes what a crash
    /// interrupted between two steps.
    ///
    /// # Errors
    /// In use by another agent; the file system's refusals; a damaged journal, manifest or clip.
    pub fn open(config: &SpoolConfig) -> Result<Self, SpoolError> {
        let clips_dir = config.dir.join("clips");
        fs::create_dir_all(&clips_dir).map_err(SpoolError::io("creating", &clips_dir))?;
        let lock = lock(&config.dir)?;
        let (journal, records) = Journal::open(&config.dir.join("journal"))?;
        files::sync_dir(&config.dir)?;
        let mut spool = Self {
            clips_dir,
            quota_bytes: config.quota_bytes,
            journal,
            known: BTreeMap::new(),
            next: BTreeMap::new(),
            waiting: BTreeMap::new(),
            missing: Vec::new(),
            _lock: lock,
        };
        for record in records {
            spool.learn(record);
        }
        spool.recover()?;
        Ok(spool)
    }

    /// Whether a clip was ever sealed here, handed over or not.
    pub fn has_sealed(&self, clip: &ClipId) -> bool {
        self.known.contains_key(clip)
    }

    /// The place of a boot's next clip.
    pub fn next_place(&self, vehicle: &VehicleId, boot: &BootId) -> Place {
        self.next.get(&(vehicle.clone(), boot.clone())).cloned().unwrap_or_default()
    }

    /// Seals a clip: when this returns it survives a crash and a power cut. A clip that was sealed before is left alone.
    ///
    /// # Errors
    /// No room in the quota or on the disk, or the disk fails: then nothing of the clip remains. A manifest that does
    /// not continue the chain, or whose size is not that of `bytes`.
    pub fn seal(&mut self, manifest: &Manifest, bytes: &[u8]) -> Result<(), SpoolError> {
        if self.has_sealed(&manifest.clip) {
            return Ok(());
        }
        let place = self.next_place(&manifest.vehicle, &manifest.boot);
        if place.sequence != manifest.sequence || place.previous_sha256 != manifest.previous_sha256 {
            return Err(SpoolError::Chain {
                clip: manifest.clip.clone(),
                expected: place.sequence,
                found: manifest.sequence,
            });
        }
        let size_bytes = bytes.len() as u64;
        let data = self.data_path(&manifest.clip);
        if manifest.size_bytes != Some(size_bytes) {
            let expected = manifest.size_bytes.unwrap_or(0);
            return Err(SpoolError::Size { path: data, expected, found: size_bytes });
        }
        let held_bytes = self.held_bytes();
        if held_bytes.saturating_add(size_bytes) > self.quota_bytes {
            let (clip, quota_bytes) = (manifest.clip.clone(), self.quota_bytes);
            return Err(SpoolError::Full { clip, size_bytes, held_bytes, quota_bytes });
        }
        files::write_whole(&data, bytes)?;
        let sealed = files::sync_dir(&self.clips_dir)
            .and_then(|()| files::write_whole(&self.manifest_path(&manifest.clip), manifest.to_json().as_bytes()));
        if let Err(error) = sealed {
            // Best effort: without its manifest it is not sealed, and the next start removes it.
            drop(files::remove(&data));
            return Err(error);
        }
        files::sync_dir(&self.clips_dir)?;
        // From here on the clip is sealed; a crash before the journal knows is repaired by the next start.
        let record = record_of(Event::Sealed, manifest);
        self.learn(record.clone());
        self.waiting.insert(key(manifest), manifest.clone());
        self.journal.append(&record)
    }

    /// Clips to hand over, in order of vehicle, boot and sequence.
    pub fn waiting(&self) -> Vec<Waiting> {
        let waiting =
            |manifest: &Manifest| Waiting { manifest: manifest.clone(), data: self.data_path(&manifest.clip) };
        self.waiting.values().map(waiting).collect()
    }

    /// Bytes of the clips that wait.
    pub fn held_bytes(&self) -> u64 {
        self.waiting.values().filter_map(|manifest| manifest.size_bytes).sum()
    }

    /// Notes that the cloud has a clip, for good, and removes it.
    ///
    /// # Errors
    /// A clip that is not waiting; the disk's.
    pub fn acknowledge(&mut self, clip: &ClipId) -> Result<(), SpoolError> {
        let Some(manifest) = self.waiting.values().find(|manifest| &manifest.clip == clip).cloned() else {
            return Err(SpoolError::Unknown(clip.clone()));
        };
        let record = record_of(Event::Acknowledged, &manifest);
        self.journal.append(&record)?;
        self.learn(record);
        self.waiting.remove(&key(&manifest));
        self.remove_clip(clip)
    }

    /// Clips that the journal knows as sealed and not acknowledged, and whose files are gone: somebody removed them.
    pub fn missing(&self) -> &[ClipId] {
        &self.missing
    }

    fn recover(&mut self) -> Result<(), SpoolError> {
        let paths = files::list(&self.clips_dir)?;
        let with_extension = |wanted: &str| {
            let matches = move |path: &&PathBuf| path.extension().is_some_and(|extension| extension == wanted);
            paths.iter().filter(matches).cloned().collect::<Vec<_>>()
        };
        for path in with_extension(TEMPORARY) {
            files::remove(&path)?;
        }
        let mut sealed = Vec::new();
        for path in with_extension("json") {
            let json = fs::read(&path).map_err(SpoolError::io("reading", &path))?;
            let manifest = Manifest::from_json(&path.display().to_string(), &json)?;
            match self.known.get(&manifest.clip).map(|record| record.event) {
                Some(Event::Acknowledged) => self.remove_clip(&manifest.clip)?,
                known => sealed.push((manifest, known.is_none())),
            }
        }
        sealed.sort_by_key(|(manifest, _)| key(manifest));
        for (manifest, is_new) in sealed {
            self.check_size(&manifest)?;
            if is_new {
                let record = record_of(Event::Sealed, &manifest);
                self.journal.append(&record)?;
                self.learn(record);
            }
            self.waiting.insert(key(&manifest), manifest);
        }
        for path in with_extension("mcap") {
            if !path.with_extension("json").exists() {
                files::remove(&path)?;
            }
        }
        let is_here = |clip: &ClipId| self.waiting.values().any(|manifest| &manifest.clip == clip);
        let is_missing = |record: &&Record| record.event == Event::Sealed && !is_here(&record.clip);
        self.missing = self.known.values().filter(is_missing).map(|record| record.clip.clone()).collect();
        files::sync_dir(&self.clips_dir)
    }

    fn check_size(&self, manifest: &Manifest) -> Result<(), SpoolError> {
        let path = self.data_path(&manifest.clip);
        let found = fs::metadata(&path).map_err(SpoolError::io("reading", &path))?.len();
        let expected = manifest.size_bytes.unwrap_or(0);
        if found == expected { Ok(()) } else { Err(SpoolError::Size { path, expected, found }) }
    }

    fn learn(&mut self, record: Record) {
        let place = self.next.entry((record.vehicle.clone(), record.boot.clone())).or_default();
        if record.sequence >= place.sequence {
            *place = Place { sequence: record.sequence + 1, previous_sha256: record.sha256.clone() };
        }
        self.known.insert(record.clip.clone(), record);
    }

    /// The manifest goes first: a clip without one is not sealed, so a crash in between leaves nothing to upload twice.
    fn remove_clip(&self, clip: &ClipId) -> Result<(), SpoolError> {
        files::remove(&self.manifest_path(clip))?;
        files::remove(&self.data_path(clip))
    }

    fn data_path(&self, clip: &ClipId) -> PathBuf {
        self.clips_dir.join(format!("{clip}.mcap"))
    }

    fn manifest_path(&self, clip: &ClipId) -> PathBuf {
        self.clips_dir.join(format!("{clip}.json"))
    }
}

fn key(manifest: &Manifest) -> (VehicleId, BootId, u64) {
    (manifest.vehicle.clone(), manifest.boot.clone(), manifest.sequence)
}

fn record_of(event: Event, manifest: &Manifest) -> Record {
    Record {
        event,
        clip: manifest.clip.clone(),
        vehicle: manifest.vehicle.clone(),
        boot: manifest.boot.clone(),
        sequence: manifest.sequence,
        sha256: manifest.sha256.clone().unwrap_or_default(),
    }
}

/// The system gives the lock back when the process ends, however it ends.
fn lock(dir: &Path) -> Result<File, SpoolError> {
    let path = dir.join("lock");
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(SpoolError::io("opening", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Locked(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(SpoolError::io("locking", &path)(error)),
    }
}

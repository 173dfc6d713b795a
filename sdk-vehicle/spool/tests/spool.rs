//! A clip sealed is a clip kept, whatever happens in between.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cloverleaf_clip::{FORMAT, Manifest, sha256_hex};
use cloverleaf_spool::{Place, Spool, SpoolConfig, SpoolError};
use cloverleaf_vocabulary::{BootId, BootTime, ClipId, VehicleId};

fn config(dir: &Path) -> SpoolConfig {
    SpoolConfig { dir: dir.to_owned(), quota_bytes: 10_000 }
}

fn manifest(index: u64, place: Place, bytes: &[u8]) -> Manifest {
    Manifest {
        format: FORMAT,
        clip: ClipId::new(format!("clip-{index}")).unwrap(),
        vehicle: VehicleId::new("car-1").unwrap(),
        boot: BootId::new("boot-1").unwrap(),
        sequence: place.sequence,
        previous_sha256: place.previous_sha256,
        start_ns: BootTime::from_nanos(index),
        end_ns: BootTime::from_nanos(index + 1),
        clock: None,
        triggers: Vec::new(),
        streams: Vec::new(),
        software: "test".into(),
        origin: String::new(),
        size_bytes: Some(bytes.len() as u64),
        sha256: Some(sha256_hex(bytes)),
    }
}

/// Seals clip `index` the way a recorder does that cuts the same drive again.
fn seal(spool: &mut Spool, index: u64) -> Result<(), SpoolError> {
    let bytes = vec![index as u8; 1000];
    let place = spool.next_place(&VehicleId::new("car-1").unwrap(), &BootId::new("boot-1").unwrap());
    let clip = manifest(index, place, &bytes);
    if spool.has_sealed(&clip.clip) { Ok(()) } else { spool.seal(&clip, &bytes) }
}

fn sequences(spool: &Spool) -> Vec<(u64, String)> {
    spool.waiting().iter().map(|w| (w.manifest.sequence, w.manifest.clip.to_string())).collect()
}

#[test]
fn playing_a_drive_again_seals_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut spool = Spool::open(&config(dir.path())).unwrap();
        for index in 0..(3 + round) {
            seal(&mut spool, index).unwrap();
        }
        // One is handed over in every round; it must not come back.
        let first = spool.waiting()[0].manifest.clip.clone();
        spool.acknowledge(&first).unwrap();
        assert!(matches!(spool.acknowledge(&first), Err(SpoolError::Unknown(_))));
    }
    let spool = Spool::open(&config(dir.path())).unwrap();
    assert_eq!(sequences(&spool), [(3, "clip-3".into()), (4, "clip-4".into())]);
    let hash = |index: u8| sha256_hex(&[index; 1000]);
    assert_eq!(spool.waiting()[0].manifest.previous_sha256, hash(2));
    assert_eq!(spool.waiting()[1].manifest.previous_sha256, hash(3));
    assert!(spool.missing().is_empty());
}

/// A crash leaves some prefix of the steps of sealing behind: make each, open again, go on, compare.
#[test]
fn every_step_of_sealing_may_be_the_last() {
    let undisturbed = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(undisturbed.path())).unwrap();
    for index in 0..2 {
        seal(&mut spool, index).unwrap();
    }
    let expected = sequences(&spool);
    let clips = undisturbed.path().join("clips");
    let (data, json) = (fs::read(clips.join("clip-1.mcap")).unwrap(), fs::read(clips.join("clip-1.json")).unwrap());
    let journal = fs::read(undisturbed.path().join("journal")).unwrap();
    let one_line = journal.iter().position(|&byte| byte == b'\n').unwrap() + 1;

    type Leftover<'a> = (&'a str, &'a [u8]);
    let states: [(&[Leftover<'_>], usize); 6] = [
        (&[("clip-1.mcap.tmp", &data[..500])], one_line),
        (&[("clip-1.mcap", &data)], one_line),
        (&[("clip-1.mcap", &data), ("clip-1.json.tmp", &json[..9])], one_line),
        (&[("clip-1.mcap", &data), ("clip-1.json", &json)], one_line),
        (&[("clip-1.mcap", &data), ("clip-1.json", &json)], one_line + 7),
        (&[("clip-1.mcap", &data), ("clip-1.json", &json)], journal.len()),
    ];
    for (files, journal_bytes) in states {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(&config(dir.path())).unwrap();
        seal(&mut spool, 0).unwrap();
        drop(spool);
        for (name, bytes) in files {
            fs::write(dir.path().join("clips").join(name), bytes).unwrap();
        }
        fs::write(dir.path().join("journal"), &journal[..journal_bytes]).unwrap();
        let mut spool = Spool::open(&config(dir.path())).unwrap();
        for index in 0..2 {
            seal(&mut spool, index).unwrap();
        }
        assert_eq!(sequences(&spool), expected, "{files:?}");
        let names: BTreeSet<_> =
            fs::read_dir(dir.path().join("clips")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 4, "{names:?}");
        assert_eq!(fs::read(dir.path().join("journal")).unwrap(), journal);
    }
}

#[test]
fn a_crash_while_removing_does_not_bring_a_clip_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(dir.path())).unwrap();
    seal(&mut spool, 0).unwrap();
    let clips = dir.path().join("clips");
    let saved =
        [clips.join("clip-0.mcap"), clips.join("clip-0.json")].map(|path| (path.clone(), fs::read(path).unwrap()));
    let clip = spool.waiting()[0].manifest.clip.clone();
    spool.acknowledge(&clip).unwrap();
    drop(spool);
    for left in [&saved[..], &saved[..1]] {
        for (path, bytes) in left {
            fs::write(path, bytes).unwrap();
        }
        let spool = Spool::open(&config(dir.path())).unwrap();
        assert!(spool.waiting().is_empty());
        assert_eq!(fs::read_dir(&clips).unwrap().count(), 0);
        assert!(spool.has_sealed(&clip));
    }
}

#[test]
fn one_agent_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = Spool::open(&config(dir.path())).unwrap();
    let error = Spool::open(&config(dir.path())).unwrap_err();
    assert!(matches!(error, SpoolError::Locked(_)), "{error}");
    drop(first);
    Spool::open(&config(dir.path())).unwrap();
}

#[test]
fn a_full_quota_refuses_and_throws_nothing_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(dir.path())).unwrap();
    for index in 0..10 {
        seal(&mut spool, index).unwrap();
    }
    let error = seal(&mut spool, 10).unwrap_err();
    assert!(matches!(error, SpoolError::Full { held_bytes: 10_000, quota_bytes: 10_000, .. }), "{error}");
    assert_eq!(spool.waiting().len(), 10);
    let first = spool.waiting()[0].manifest.clip.clone();
    spool.acknowledge(&first).unwrap();
    seal(&mut spool, 10).unwrap();
}

#[test]
fn damage_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(dir.path())).unwrap();
    seal(&mut spool, 0).unwrap();
    seal(&mut spool, 1).unwrap();
    drop(spool);
    let data = dir.path().join("clips/clip-1.mcap");
    let whole = fs::read(&data).unwrap();
    fs::write(&data, &whole[..10]).unwrap();
    let error = Spool::open(&config(dir.path())).unwrap_err().to_string();
    assert!(error.contains("clip-1.mcap: expected 1000 bytes"), "{error}");
    fs::remove_file(&data).unwrap();
    fs::remove_file(dir.path().join("clips/clip-1.json")).unwrap();
    let spool = Spool::open(&config(dir.path())).unwrap();
    assert_eq!(spool.missing().iter().map(ClipId::as_str).collect::<Vec<_>>(), ["clip-1"]);
    let blocked = dir.path().join("lock");
    let error = Spool::open(&config(&blocked)).unwrap_err().to_string();
    assert!(error.contains("creating") && error.contains("lock"), "{error}");
}

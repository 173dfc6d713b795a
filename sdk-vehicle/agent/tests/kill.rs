//! `kill -9` at any moment, restart, and every sealed clip arrives exactly once.

mod common;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use cloverleaf_vocabulary::Draw;
use common::{Car, check_arrived, contents, write_drive};

/// Seconds of drive played in a second: slow enough that a kill can fall anywhere.
const SPEED: u64 = 100;
const DRIVE_S: u64 = 120;
const KILLS: u32 = 25;

#[test]
fn killed_at_random_times_every_clip_arrives_exactly_once() {
    let seed = match std::env::var("CLOVERLEAF_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => {
            #[expect(clippy::disallowed_methods, reason = "a new seed for every run, printed to repeat it")]
            let now = std::time::SystemTime::now();
            now.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
        }
    };
    println!("seed {seed}: repeat with CLOVERLEAF_SEED={seed}");
    let dir = tempfile::tempdir().unwrap();
    let drive = dir.path().join("drive.mcap");
    write_drive(&drive, DRIVE_S);

    let calm = Car::new(dir.path(), "calm");
    let ran = calm.run(Some(&drive)).expect(0);
    let clips = (DRIVE_S / common::BRAKE_EVERY_S) as usize;
    assert_eq!(ran.count("clips_uploaded"), clips as u64);
    let expected = contents(&calm.lake());
    assert_eq!(expected.len(), 2 * clips);
    assert_eq!(check_arrived(&calm.lake()), clips);

    let shaken = Car::new(dir.path(), "shaken");
    let mut draw = Draw::new(seed, 0, 0);
    let mut arrived: BTreeMap<String, String> = BTreeMap::new();
    let mut killed = 0;
    for round in 0..KILLS {
        // Every other round as fast as it goes: then a larger share of the time is sealing and uploading.
        let (speed, longest_ms) =
            if round % 2 == 0 { (SPEED.to_string(), DRIVE_S * 1000 / SPEED) } else { ("max".to_owned(), 1500) };
        let mut command = shaken.command(Some(&drive), &speed);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(draw.below(longest_ms)));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());

        let now = contents(&shaken.lake());
        // Nothing half-written is to be seen. `#` names are the store's unfinished ones, which no listing of it shows.
        for (name, hash) in now.iter().filter(|(name, _)| !name.contains('#')) {
            assert_eq!(expected.get(name), Some(hash), "seed {seed} round {round}: {name}");
        }
        for name in arrived.keys().filter(|name| name.ends_with(".json")) {
            assert!(now.contains_key(name), "seed {seed} round {round}: {name} is gone");
        }
        check_arrived(&shaken.lake());
        arrived = now;
    }
    println!("{killed} of {KILLS} runs were killed, {} files had arrived by then", arrived.len());
    assert!(killed > 0);

    let ran = shaken.run(Some(&drive)).expect(0);
    assert_eq!(contents(&shaken.lake()), expected, "seed {seed}");
    assert_eq!(ran.count("clips_waiting") + ran.count("clips_missing"), 0);
    assert_eq!(ran.count("clips_sealed") + ran.count("clips_known"), clips as u64);
    assert!(shaken.spooled().is_empty(), "{:?}", shaken.spooled());
    let again = shaken.run(Some(&drive)).expect(0);
    assert_eq!((again.count("clips_sealed"), again.count("clips_uploaded")), (0, 0), "once is once");
}

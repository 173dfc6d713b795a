//! One real minute goes the whole way, and rules fire where the arrays themselves say they should.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use cloverleaf_end_to_end::{Program, data, skipped};
use serde_json::Value;

/// Instants (boot clock, s) at which the car's own cruise flag changes, read from the raw arrays without any of our
/// decoders: PCM_CRUISE is identifier 466 on bus 0, CRUISE_ACTIVE is bit 5 of its first byte.
fn cruise_changes(segment: &Path) -> Vec<f64> {
    let raw = segment.join("processed_log/CAN/raw_can");
    let array = |name: &str| std::fs::read(raw.join(name)).unwrap();
    // A version 1 .npy file: magic, version, header length at bytes 8 and 9, then the values.
    let values = |bytes: Vec<u8>| {
        let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        bytes[10 + header..].to_vec()
    };
    let words = |name: &str| -> Vec<[u8; 8]> {
        values(array(name)).chunks_exact(8).map(|word| word.try_into().unwrap()).collect()
    };
    let (times, sources, addresses, payloads) = (words("t"), words("src"), words("address"), words("data"));
    let mut before = None;
    let mut changes = Vec::new();
    for index in 0..times.len() {
        if i64::from_le_bytes(sources[index]) == 0 && i64::from_le_bytes(addresses[index]) == 466 {
            let active = payloads[index][0] & 0x20 != 0;
            if before.is_some_and(|before| before != active) {
                changes.push(f64::from_le_bytes(times[index]));
            }
            before = Some(active);
        }
    }
    changes
}

/// Stretches of the radar arrays (begin, end, s) in which an object straight ahead is nearer than `gap_s` of driving.
fn short_gaps(segment: &Path, gap_s: f64) -> Vec<(f64, f64)> {
    let doubles = |path: &str| -> Vec<f64> {
        let bytes = std::fs::read(segment.join("processed_log/CAN").join(path)).unwrap();
        let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let is_fortran = String::from_utf8_lossy(&bytes[10..10 + header]).contains("'fortran_order': True");
        let values: Vec<f64> =
            bytes[10 + header..].chunks_exact(8).map(|word| f64::from_le_bytes(word.try_into().unwrap())).collect();
        if is_fortran && path == "radar/value" {
            let rows = values.len() / 7;
            return (0..rows * 7).map(|at| values[(at % 7) * rows + at / 7]).collect();
        }
        values
    };
    let (times, rows) = (doubles("radar/t"), doubles("radar/value"));
    let (speed_times, speeds) = (doubles("speed/t"), doubles("speed/value"));
    let mut found: Vec<(f64, f64)> = Vec::new();
    for (row, &t) in rows.chunks_exact(7).zip(&times) {
        let at = speed_times.partition_point(|&other| other <= t).clamp(1, speeds.len()) - 1;
        let (distance_m, left_m, speed_mps) = (row[0] - 2.7, row[1], speeds[at]);
        if left_m.abs() < 0.8 && distance_m > 0.0 && speed_mps > 5.0 && distance_m / speed_mps < gap_s {
            match found.last_mut() {
                Some((_, end)) if t - *end < 0.5 => *end = t,
                _ => found.push((t, t)),
            }
        }
    }
    found
}

#[test]
fn the_real_minute_goes_the_whole_way() {
    let name = "the_real_minute_goes_the_whole_way";
    let (Some(segment), Some(dbcs)) = (data("comma2k19-example1"), data("opendbc-toyota")) else {
        return skipped(name, "comma2k19-example1 or opendbc-toyota");
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |file: &str| folder.path().join(file).display().to_string();
    let dbc = |file: &str| dbcs.join(file).display().to_string();
    let (drive, lake) = (path("minute.mcap"), path("lake"));
    let program = Program::cloverleaf();
    let (powertrain, radar) = (dbc("toyota_new_mc_pt_generated.dbc"), dbc("toyota_adas.dbc"));
    let segment_text = segment.display().to_string();
    program
        .succeed(["drive", "import", "comma2k19", &segment_text, "--dbc", &powertrain, &radar, "--out", &drive])
        .unwrap();
    let summary = program.succeed(["loop", "--drive", &drive, "--lake", &lake, "--json"]).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert!(summary["capture"]["frames"].as_u64().unwrap() >= 135_468 - 36_668, "{summary}");

    let firings = |rule: &str| -> Vec<(f64, f64)> {
        let query = format!("SELECT start_boot_ns, end_boot_ns FROM events WHERE rule_id = '{rule}' ORDER BY 1");
        let rows = program.succeed(["sql", &query, "--lake", &lake, "--format", "jsonl"]).unwrap();
        rows.lines()
            .map(|line| {
                let row: Value = serde_json::from_str(line).unwrap();
                (row["start_boot_ns"].as_f64().unwrap() / 1e9, row["end_boot_ns"].as_f64().unwrap() / 1e9)
            })
            .collect()
    };

    assert_eq!(firings("hard-brake"), [], "the brake is never pressed in this minute");

    // Every change of the car's own flag is near a firing, and every firing near a change.
    let (changes, fired) = (cruise_changes(&segment), firings("cruise-transition"));
    assert!(!changes.is_empty());
    for change in &changes {
        assert!(fired.iter().any(|(at, _)| (at - change).abs() < 1.0), "no firing at {change}: {fired:?}");
    }
    for (at, _) in &fired {
        assert!(
            changes.iter().any(|change| (at - change).abs() < 1.0),
            "a firing at {at} without a change: {changes:?}"
        );
    }

    // A clearly short gap (well under 1 s for well over 1 s) must be found; none may be where nothing is near.
    let (clear, possible) = (short_gaps(&segment, 0.9), short_gaps(&segment, 1.3));
    let fired = firings("short-time-gap");
    for (begin, end) in clear.iter().filter(|(begin, end)| end - begin > 2.0) {
        assert!(
            fired.iter().any(|(at, until)| *at < *end && *until > *begin),
            "no firing in {begin}..{end}: {fired:?}"
        );
    }
    for (at, until) in &fired {
        assert!(
            possible.iter().any(|(begin, end)| at < end && until > begin),
            "a firing at {at} where nothing is near"
        );
    }
    eprintln!("short gaps by the arrays: {clear:?}; fired: {fired:?}; cruise changes: {changes:?}");
}

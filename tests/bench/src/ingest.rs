//! Ingest of landed clips, beside Python's mcap and pyarrow doing the same work.

use std::path::Path;

use cloverleaf_capture::{CaptureConfig, Pace, run_drive};
use cloverleaf_catalog::Lake;
use cloverleaf_ingest::{Options, ingest};
use cloverleaf_vocabulary::{BootTime, Clock, Timestamp};

use crate::peer;
use crate::row::{Row, best_of};

/// Capture is not measured here, so its clock may stand.
struct StoppedClock;

impl Clock for StoppedClock {
    fn boot_time(&self) -> BootTime {
        BootTime::default()
    }
    fn utc(&self) -> Timestamp {
        Timestamp::default()
    }
}

/// Bytes of landed clips per second.
pub fn megabytes_per_second(drive: &Path, scratch: &Path) -> anyhow::Result<Row> {
    let captured = scratch.join("captured");
    let config = CaptureConfig::new(scratch.join("spool"), captured.display().to_string());
    let summary = run_drive(&config, Some(drive), Pace::Max, &StoppedClock, &mut |_| {})?;
    let megabytes = summary.uploaded_bytes as f64 / 1e6;
    let landing = captured.join("landing");

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut lakes = Vec::new();
    for round in 0..3 {
        let lake = scratch.join(format!("lake-{round}"));
        copy_folder(&landing, &lake.join("landing"))?;
        lakes.push(lake);
    }
    let mut next = lakes.iter();
    let seconds = best_of(lakes.len(), || {
        let lake = next.next().map(|lake| lake.display().to_string()).unwrap_or_default();
        runtime.block_on(async {
            let lake = Lake::open(&lake).await?;
            Ok(ingest(&lake, &Options::default(), &mut |_| {}).await?.clips)
        })
    })?;
    let out = scratch.join("peer-lake");
    let peer_seconds = peer::python("ingest.py", [landing.as_path(), out.as_path()])?;
    let peer_value = peer_seconds.map(|seconds| megabytes / seconds);
    Ok(Row::new("ingest_mb_s", megabytes / seconds, "MB/s", "Python mcap + pyarrow", peer_value))
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

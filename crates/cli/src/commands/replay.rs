use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use cloverleaf_catalog::Lake;
use cloverleaf_replay::{ReplayOptions, ReplaySummary, Sink, Source};
use cloverleaf_vocabulary::{ClipId, TimeDelta};

use super::{LakeArgument, block_on};
use crate::Outcome;
use crate::output::{Progress, bytes, count};

/// Options of `cloverleaf replay`.
#[derive(Args)]
#[command(after_help = "Open the result with `rerun FILE.rrd` (pip install rerun-sdk==0.36.*).\n\n\
                        Example: cloverleaf replay clip-3f1c --from 5 --until 15 --out cut-in.rrd")]
pub struct Options {
    /// A clip of the lake, by its id or an unambiguous beginning of it; or an .mcap file.
    clip: String,
    #[command(flatten)]
    lake: LakeArgument,
    /// Where to write; an existing file is replaced.
    #[arg(long, value_name = "FILE.rrd")]
    out: PathBuf,
    /// Only these topics; a trailing * stands for anything. May be repeated.
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
    /// Begin this many seconds after the start.
    #[arg(long, value_name = "SECONDS")]
    from: Option<f64>,
    /// End this many seconds after the start.
    #[arg(long, value_name = "SECONDS")]
    until: Option<f64>,
}

/// Writes the recording.
pub fn run(options: &Options) -> anyhow::Result<Outcome> {
    let source = if options.clip.ends_with(".mcap") && Path::new(&options.clip).exists() {
        Source::File(PathBuf::from(&options.clip))
    } else {
        block_on(async {
            let lake = Lake::open(&options.lake.lake).await?;
            source_of(&lake, &options.clip).await
        })?
    };
    let selection = ReplayOptions {
        topics: options.topics.clone(),
        from: options.from.map(TimeDelta::from_secs_f64),
        until: options.until.map(TimeDelta::from_secs_f64),
    };
    let summary = replay(&source, &selection, &options.out)?;
    print_summary(&options.out, &summary);
    Ok(Outcome::Done)
}

/// The object of a clip, by its id or an unambiguous beginning of it.
pub async fn source_of(lake: &Lake, clip: &str) -> anyhow::Result<Source> {
    // Also keeps quotes out of the query.
    ClipId::new(clip)?;
    let query = format!(
        "SELECT clip_id, object_path FROM clips WHERE starts_with(clip_id, '{clip}') ORDER BY clip_id LIMIT 11"
    );
    let found = super::search::texts(lake, &query, ["clip_id", "object_path"]).await?;
    match found.as_slice() {
        [] => bail!("no clip {clip} in {}: `cloverleaf search true` lists the clips there are", lake.url()),
        [[_, path]] => Ok(Source::Object { store: lake.store().clone(), path: path.as_str().into() }),
        several => match several.iter().find(|[id, _]| id == clip) {
            Some([_, path]) => Ok(Source::Object { store: lake.store().clone(), path: path.as_str().into() }),
            None => {
                let ids: Vec<&str> = several.iter().map(|[id, _]| id.as_str()).collect();
                bail!("{clip} is the beginning of several clips: {}", ids.join(", "))
            }
        },
    }
}

/// Replays with a progress bar.
pub fn replay(source: &Source, selection: &ReplayOptions, out: &Path) -> anyhow::Result<ReplaySummary> {
    let bar = Progress::new("writing the replay");
    cloverleaf_replay::replay(source, selection, &Sink::RrdFile(out.to_owned()), &mut |progress| {
        bar.set((progress.fraction * 1000.0) as u64, 1000);
    })
    .with_context(|| format!("cannot replay {} to {}", source.name(), out.display()))
}

fn print_summary(out: &Path, summary: &ReplaySummary) {
    println!(
        "{}: {} of {} from {} messages, {} read of {}",
        out.display(),
        bytes(summary.file_bytes),
        summary.duration,
        count(summary.messages),
        bytes(summary.bytes_read),
        bytes(summary.source_bytes)
    );
    for (entity, rows) in &summary.rows {
        println!("  {entity:<40} {:>10} rows", count(*rows));
    }
    for (topic, left_out) in &summary.left_out {
        eprintln!("note: {topic}: {} messages not shown: {}", count(left_out.messages), left_out.reason);
    }
    for (topic, messages) in &summary.not_finite {
        eprintln!("note: {topic}: {} messages have numbers that are not finite", count(*messages));
    }
}

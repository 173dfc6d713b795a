use clap::Args;
use cloverleaf_catalog::Lake;
use cloverleaf_ingest::{Options as IngestOptions, Progress as IngestProgress, Report};

use super::{LakeArgument, block_on};
use crate::Outcome;
use crate::output::{Progress, bytes, count};

/// Options of `cloverleaf ingest`.
#[derive(Args)]
#[command(after_help = "Exit code 3: some clips were damaged and lie in quarantine/ beside the reason.")]
pub struct Options {
    #[command(flatten)]
    lake: LakeArgument,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Ingests what has landed.
pub fn run(options: &Options) -> anyhow::Result<Outcome> {
    let report = block_on(async {
        let lake = Lake::open(&options.lake.lake).await?;
        ingest(&lake).await
    })?;
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print_report(&report);
    }
    let complete = report.quarantined.is_empty() && report.skipped.is_empty();
    Ok(if complete { Outcome::Done } else { Outcome::Partial })
}

/// Ingests with a progress bar.
pub async fn ingest(lake: &Lake) -> anyhow::Result<Report> {
    let bar = Progress::new("ingesting clips");
    let mut decoded = 0;
    let report = cloverleaf_ingest::ingest(lake, &IngestOptions::default(), &mut |event| {
        if let IngestProgress::Decoded { .. } = event {
            decoded += 1;
            bar.set(decoded, 0);
        }
    })
    .await?;
    Ok(report)
}

fn print_report(report: &Report) {
    println!("{} clips ingested, {}", count(report.clips), bytes(report.bytes));
    for (table, rows) in &report.rows {
        println!("  {table:<10} {:>12} rows", count(*rows));
    }
    if report.duplicates > 0 {
        println!("  {} were there already", count(report.duplicates));
    }
    if report.not_finite > 0 {
        println!("  {} values were not finite and are null", count(report.not_finite));
    }
    for (signal, messages) in &report.unknown_signals {
        eprintln!("note: {signal}: {messages} samples of a signal the catalogue does not know stay in the clip only");
    }
    for refused in report.skipped.iter().chain(&report.quarantined) {
        eprintln!("set aside: {}: {}", refused.path, refused.reason);
    }
}

//! Benchmarks, each beside its peer in the same run: a table, and JSON lines in `target/bench/<area>.jsonl`.

mod decode;
mod ingest;
mod peer;
mod row;
mod write;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use cloverleaf_sources::generated::{GenerateOptions, generate};

use crate::row::Row;

/// Measures an area of the product beside its peers.
#[derive(Parser)]
struct Arguments {
    /// What to measure.
    #[arg(value_parser = ["loop"])]
    area: String,
    /// Print the JSON lines instead of the table.
    #[arg(long)]
    json: bool,
    /// Where the JSON lines go.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let scratch = tempfile::tempdir()?;
    let rows = measure_loop(scratch.path())?;
    std::fs::create_dir_all(&arguments.out)?;
    let path = arguments.out.join(format!("{}.jsonl", arguments.area));
    let lines: Vec<String> = rows.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    std::fs::write(&path, lines.join("\n") + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", if arguments.json { lines.join("\n") } else { row::table(&rows) });
    Ok(())
}

fn measure_loop(scratch: &Path) -> anyhow::Result<Vec<Row>> {
    let drive = scratch.join("drive.mcap");
    eprintln!("generating a drive of 120 s");
    generate(&GenerateOptions { seed: 7, seconds: 120.0 }, &drive, &mut |_| {})?;
    eprintln!("decoding and rules");
    let mut rows = vec![decode::frames_per_second(&drive, scratch)?];
    eprintln!("clip writing");
    rows.push(write::megabytes_per_second(&drive)?);
    eprintln!("ingest");
    rows.push(ingest::megabytes_per_second(&drive, scratch)?);
    Ok(rows)
}

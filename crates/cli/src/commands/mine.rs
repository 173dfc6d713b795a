use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use arrow::array::RecordBatch;
use clap::Args;
use cloverleaf_catalog::Lake;
use cloverleaf_mining::{
    CLIP_COLUMNS, Candidate, ClipInput, ClipRow, Mined, OBJECT_COLUMNS, ObjectRow, SIGNAL_COLUMNS, SignalRow, Workflow,
    mine,
};

use super::{LakeArgument, block_on};
use crate::Outcome;
use crate::output::Progress;

/// The workflow that ships with the product.
const WORKFLOW: &str = include_str!("../../../../pipelines/mining.toml");

/// Options of `cloverleaf mine`.
#[derive(Args)]
#[command(
    after_help = "Each scenario gets a folder: <out>/<id>/scenario.xosc and road.xodr. Run one with `cloverleaf simulate`."
)]
pub struct Options {
    #[command(flatten)]
    lake: LakeArgument,
    /// Folder for the scenarios.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Another workflow than the one that ships (pipelines/mining.toml).
    #[arg(long, value_name = "FILE.toml")]
    workflow: Option<PathBuf>,
    /// Also say what was turned down and why.
    #[arg(long)]
    rejected: bool,
}

/// Mines the lake.
pub fn run(options: &Options) -> anyhow::Result<Outcome> {
    let workflow = match &options.workflow {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Workflow::parse(&text, &path.display().to_string())?
        }
        None => shipped_workflow()?,
    };
    let mined = block_on(async {
        let lake = Lake::open(&options.lake.lake).await?;
        mine_lake(&lake, &workflow, None).await
    })?;
    println!("{} scenarios, {} candidates turned down", mined.scenarios.len(), mined.rejected.len());
    for scenario in &mined.scenarios {
        let path = scenario.write_to(&options.out)?;
        let parameters: Vec<String> =
            scenario.parameters.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
        println!("{}", path.display());
        println!("  {} from {}: {}", scenario.situation, scenario.provenance.clip_id, parameters.join(", "));
        println!("  the replayed target lies {:.2} m (RMS) from its detections", scenario.rmse_m);
    }
    if options.rejected {
        for rejected in &mined.rejected {
            println!(
                "turned down: {} in {}: {}",
                rejected.candidate.situation, rejected.candidate.clip_id, rejected.reason
            );
        }
    }
    Ok(Outcome::Done)
}

/// The workflow that ships with the product.
pub fn shipped_workflow() -> anyhow::Result<Workflow> {
    Ok(Workflow::parse(WORKFLOW, "pipelines/mining.toml")?)
}

/// Runs every situation's query, then mines clip by clip: all clips, or those of one boot.
pub async fn mine_lake(lake: &Lake, workflow: &Workflow, boot: Option<&str>) -> anyhow::Result<Mined> {
    // One session, so that every query sees the same state of the tables.
    let session = lake.session().await?;
    let query = async |sql: &str| -> anyhow::Result<Vec<RecordBatch>> { Ok(session.sql(sql).await?.collect().await?) };
    let mut candidates: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
    for situation in &workflow.situations {
        let batches = query(&situation.candidates)
            .await
            .with_context(|| format!("the candidates query of situation {:?} failed", situation.name))?;
        for candidate in Candidate::from_batches(situation, &batches)? {
            candidates.entry(candidate.clip_id.clone()).or_default().push(candidate);
        }
    }
    let bar = Progress::new("mining clips");
    let total = candidates.len() as u64;
    let mut mined = Mined::default();
    for (done, (clip_id, candidates)) in candidates.into_iter().enumerate() {
        bar.set(done as u64, total);
        let rows = |table: &str, columns: &[&str]| {
            let columns: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
            format!("SELECT {} FROM {table} WHERE clip_id = '{}'", columns.join(", "), clip_id.replace('\'', "''"))
        };
        let clips = ClipRow::from_batches(&query(&rows("clips", CLIP_COLUMNS)).await?)?;
        let Some(clip) = clips.into_iter().find(|clip| boot.is_none_or(|boot| clip.boot_id == boot)) else { continue };
        let order = " ORDER BY boot_ns";
        let signals = SignalRow::from_batches(&query(&(rows("signals", SIGNAL_COLUMNS) + order)).await?)?;
        let objects = ObjectRow::from_batches(&query(&(rows("objects", OBJECT_COLUMNS) + order)).await?)?;
        let found = mine(workflow, &ClipInput { clip, signals, objects, candidates });
        mined.scenarios.extend(found.scenarios);
        mined.rejected.extend(found.rejected);
    }
    Ok(mined)
}

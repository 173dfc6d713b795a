use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use cloverleaf_capture::{CaptureConfig, CaptureSummary, Pace, RuleText, run_drive};
use cloverleaf_catalog::Lake;
use cloverleaf_judgement::{Criteria, Summary};
use cloverleaf_mining::MinedScenario;
use cloverleaf_replay::ReplayOptions;
use cloverleaf_scenario::Loaded;
use cloverleaf_simulator::{RunOptions, driver_by_name};
use cloverleaf_sources::comma2k19;
use serde::Serialize;

use super::{LakeArgument, block_on};
use crate::Outcome;
use crate::clock::SystemClock;
use crate::output::{Progress, bytes, count};

/// The system under test of the loop.
const DRIVER: &str = "highway-pilot";

/// Options of `cloverleaf loop`.
#[derive(Args)]
#[command(after_help = "Clips that the lake has already are recognised: a drive can go round the loop again.\n\
Exit code 0: the way was gone to its end, whatever the verdicts; 3: some clips were set aside.\n\n\
Examples:\n\
  cloverleaf loop --drive drive.mcap --lake lake\n\
  cloverleaf loop --drive comma2k19/Example_1 --dbc toyota_pt.dbc toyota_adas.dbc --lake lake")]
pub struct Options {
    /// The drive recording (cloverleaf drive generate, cloverleaf drive import); or, with --dbc, the folder of a
    /// comma2k19 segment, which is imported first.
    #[arg(long, value_name = "FILE.mcap")]
    drive: PathBuf,
    /// DBC files for importing a comma2k19 segment.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    dbc: Vec<PathBuf>,
    /// Other rules than the ones that ship (sdk-vehicle/rules/loop.toml).
    #[arg(long, value_name = "FILE.toml")]
    rules: Option<PathBuf>,
    #[command(flatten)]
    lake: LakeArgument,
    /// Folder for what is made beside the lake: spool, replay, scenarios, report. Otherwise `loop/` in a local lake, or
    /// ./cloverleaf-loop.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// The whole way, in numbers.
#[derive(Debug, Serialize)]
struct LoopSummary {
    drive: String,
    lake: String,
    out: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<Stage<Imported>>,
    capture: Stage<CaptureSummary>,
    ingest: Stage<cloverleaf_ingest::Report>,
    search: Stage<Found>,
    replay: Option<Stage<Replayed>>,
    mining: Stage<Mining>,
    simulation: Stage<Vec<Simulated>>,
    report: Option<Stage<SuiteSummary>>,
    seconds: f64,
}

/// A stage's result and how long it took, s.
#[derive(Debug, Serialize)]
struct Stage<T> {
    seconds: f64,
    #[serde(flatten)]
    result: Flat<T>,
}

/// Gives lists a name, so that every stage is a JSON object.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Flat<T> {
    Object(T),
    List { items: T },
}

impl<T> Flat<T> {
    fn get(&self) -> &T {
        match self {
            Self::Object(value) | Self::List { items: value } => value,
        }
    }
}

#[derive(Debug, Serialize)]
struct Imported {
    drive: PathBuf,
    messages: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Found {
    clips: Vec<ClipFound>,
    events: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
struct ClipFound {
    clip: String,
    start_time: String,
    duration_s: f64,
    rules: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Replayed {
    clip: String,
    file: String,
    bytes: u64,
    rows: u64,
}

#[derive(Debug, Serialize)]
struct Mining {
    scenarios: u64,
    by_situation: BTreeMap<String, u64>,
    rejected: u64,
}

#[derive(Debug, Serialize)]
struct Simulated {
    scenario: String,
    situation: String,
    clip: String,
    file: String,
    parameters: BTreeMap<&'static str, f64>,
    rmse_m: f64,
    passed: bool,
    findings: Vec<String>,
    summary: Summary,
    digest: String,
}

#[derive(Debug, Serialize)]
struct SuiteSummary {
    suite: String,
    junit: String,
    html: String,
    cases: u64,
}

/// Goes round the loop.
pub fn run(options: &Options) -> anyhow::Result<Outcome> {
    let clock = SystemClock::start();
    let lake_url = &options.lake.lake;
    let out = options.out.clone().unwrap_or_else(|| default_out(lake_url));
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let say = |text: String| {
        if !options.json {
            println!("{text}");
        }
    };

    let import = if options.dbc.is_empty() { None } else { Some(timed(&clock, || import(options, &out))?) };
    if let Some(stage) = &import {
        say(import_text(stage));
    }
    let drive = import.as_ref().map_or(&options.drive, |stage| &stage.result.get().drive);
    let capture = timed(&clock, || capture(drive, options.rules.as_deref(), lake_url, &out, &clock))?;
    say(capture_text(drive, &capture));
    let boot = capture.result.get().boot.as_ref().context("the recording names no boot")?.to_string();

    let lake = block_on(async { Ok(Lake::open(lake_url).await?) })?;
    let ingest = timed(&clock, || block_on(super::ingest::ingest(&lake)))?;
    say(ingest_text(lake_url, &ingest));
    for refused in ingest.result.get().quarantined.iter().chain(&ingest.result.get().skipped) {
        eprintln!("set aside: {}: {}", refused.path, refused.reason);
    }

    let search = timed(&clock, || block_on(find(&lake, &boot)))?;
    say(search_text(&search));

    let replay = match search.result.get().clips.first() {
        Some(clip) => {
            let stage = timed(&clock, || replay(&lake, &clip.clip, &out))?;
            say(replay_text(&stage));
            Some(stage)
        }
        None => None,
    };

    let workflow = super::mine::shipped_workflow()?;
    let mined = timed(&clock, || block_on(super::mine::mine_lake(&lake, &workflow, Some(&boot))))?;
    let (mining, scenarios) = mining_stage(mined);
    say(mining_text(&mining));
    let folder = out.join("scenarios");
    let simulation = timed(&clock, || {
        scenarios.iter().map(|scenario| simulate(scenario, &folder)).collect::<anyhow::Result<Vec<_>>>()
    })?;
    let simulation = Stage { seconds: simulation.seconds, result: as_list(simulation.result) };
    say(simulation_text(&simulation));

    let report = if simulation.result.get().is_empty() {
        None
    } else {
        let stage = timed(&clock, || report(simulation.result.get(), &out))?;
        say(report_text(&stage));
        Some(stage)
    };
    let summary = LoopSummary {
        drive: drive.display().to_string(),
        lake: lake_url.clone(),
        out: out.display().to_string(),
        import,
        capture,
        ingest,
        search,
        replay,
        mining,
        simulation,
        report,
        seconds: clock.seconds(),
    };
    if options.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        println!("{}", closing_text(&summary));
    }
    let ingested = summary.ingest.result.get();
    let complete = ingested.quarantined.is_empty() && ingested.skipped.is_empty();
    Ok(if complete { Outcome::Done } else { Outcome::Partial })
}

/// Beside a remote lake nothing of ours is written, so its by-products go to the working folder.
fn default_out(lake: &str) -> PathBuf {
    match lake.strip_prefix("file://") {
        Some(path) => Path::new(path).join("loop"),
        None if lake.contains("://") => PathBuf::from("cloverleaf-loop"),
        None => Path::new(lake).join("loop"),
    }
}

fn timed<T>(clock: &SystemClock, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Stage<T>> {
    let start = clock.seconds();
    let result = work()?;
    Ok(Stage { seconds: clock.seconds() - start, result: Flat::Object(result) })
}

fn as_list<T>(result: Flat<T>) -> Flat<T> {
    match result {
        Flat::Object(items) | Flat::List { items } => Flat::List { items },
    }
}

fn import(options: &Options, out: &Path) -> anyhow::Result<Imported> {
    let bar = Progress::new("importing the segment");
    let drive = out.join("drive.mcap");
    let summary = comma2k19::import(&options.drive, &options.dbc, &drive, &mut |progress| {
        bar.set((progress.done * 1000.0) as u64, 1000);
    })?;
    drop(bar);
    for warning in &summary.warnings {
        eprintln!("note: {warning}");
    }
    Ok(Imported { drive, messages: summary.message_count(), bytes: summary.size_bytes })
}

fn capture(
    drive: &Path,
    rules: Option<&Path>,
    lake: &str,
    out: &Path,
    clock: &SystemClock,
) -> anyhow::Result<CaptureSummary> {
    let bar = Progress::new("driving");
    let mut config = CaptureConfig::new(out.join("spool"), lake);
    if let Some(path) = rules {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        config.rules = RuleText { name, text };
    }
    let summary = run_drive(&config, Some(drive), Pace::Max, clock, &mut |progress| {
        bar.set((progress.position_s * 10.0) as u64, (progress.length_s * 10.0) as u64);
    })?;
    Ok(summary)
}

async fn find(lake: &Lake, boot: &str) -> anyhow::Result<Found> {
    // A boot id has no quotes (cloverleaf_vocabulary::BootId).
    let query = format!(
        "SELECT clip_id, CAST(start_time AS VARCHAR) AS start_time, CAST(duration_s AS VARCHAR) AS duration_s, \
         array_to_string(rules, ',') AS rules FROM clips WHERE boot_id = '{boot}' ORDER BY start_boot_ns"
    );
    let clips = super::search::texts(lake, &query, ["clip_id", "start_time", "duration_s", "rules"]).await?;
    let clips = clips
        .into_iter()
        .map(|[clip, start_time, duration_s, rules]| ClipFound {
            clip,
            start_time,
            duration_s: duration_s.parse().unwrap_or_default(),
            rules: rules.split(',').map(str::to_owned).collect(),
        })
        .collect();
    let query = format!(
        "SELECT rule_id, CAST(count(*) AS VARCHAR) AS firings FROM events WHERE boot_id = '{boot}' GROUP BY rule_id"
    );
    let events = super::search::texts(lake, &query, ["rule_id", "firings"]).await?;
    let events = events.into_iter().map(|[rule, firings]| (rule, firings.parse().unwrap_or_default())).collect();
    Ok(Found { clips, events })
}

fn replay(lake: &Lake, clip: &str, out: &Path) -> anyhow::Result<Replayed> {
    let source = block_on(super::replay::source_of(lake, clip))?;
    let file = out.join(format!("{clip}.rrd"));
    let summary = super::replay::replay(&source, &ReplayOptions::default(), &file)?;
    Ok(Replayed {
        clip: clip.to_owned(),
        file: file.display().to_string(),
        bytes: summary.file_bytes,
        rows: summary.rows.values().sum(),
    })
}

fn mining_stage(mined: Stage<cloverleaf_mining::Mined>) -> (Stage<Mining>, Vec<MinedScenario>) {
    let seconds = mined.seconds;
    let (Flat::Object(mined) | Flat::List { items: mined }) = mined.result;
    let mut by_situation = BTreeMap::new();
    for scenario in &mined.scenarios {
        *by_situation.entry(scenario.situation.clone()).or_default() += 1;
    }
    let rejected = mined.rejected.len() as u64;
    let mining = Mining { scenarios: mined.scenarios.len() as u64, by_situation, rejected };
    (Stage { seconds, result: Flat::Object(mining) }, mined.scenarios)
}

/// Writes a mined scenario and runs what was written, so that the files themselves are what was tried.
fn simulate(mined: &MinedScenario, folder: &Path) -> anyhow::Result<Simulated> {
    let path = mined.write_to(folder)?;
    let name = path.display().to_string();
    let Loaded { scenario, network, .. } = super::simulate::load(&path, &BTreeMap::new())?;
    let network = Arc::new(network);
    let driver = driver_by_name(DRIVER).with_context(|| format!("no driver {DRIVER}"))?;
    let run = cloverleaf_simulator::run(Arc::new(scenario), network.clone(), driver, RunOptions::default())
        .with_context(|| format!("cannot run {name}"))?;
    let verdict = run.judge(&network, &Criteria::default())?;
    Ok(Simulated {
        scenario: mined.id.to_string(),
        situation: mined.situation.clone(),
        clip: mined.provenance.clip_id.clone(),
        file: name,
        parameters: mined.parameters.iter().copied().collect(),
        rmse_m: mined.rmse_m,
        passed: verdict.passed,
        findings: verdict.findings.iter().map(ToString::to_string).collect(),
        summary: verdict.summary,
        digest: run.digest,
    })
}

/// Makes the scenarios a suite in which the driver should pass all, and runs it for its report.
fn report(simulated: &[Simulated], out: &Path) -> anyhow::Result<SuiteSummary> {
    let mut suite = String::from("name = \"loop\"\ndescription = \"What one drive became\"\n");
    for case in simulated {
        suite.push_str(&format!(
            "\n[[case]]\nname = \"{0}\"\nscenario = \"scenarios/{0}/scenario.xosc\"\n",
            case.scenario
        ));
    }
    let suite_path = out.join("suite.toml");
    std::fs::write(&suite_path, suite).with_context(|| format!("cannot write {}", suite_path.display()))?;
    let suite = cloverleaf_regression::Suite::load(&suite_path)?;
    let report = super::test::run_with_progress(&suite, None)?;
    let (junit, html) = (out.join("junit.xml"), out.join("report"));
    super::test::write_reports(&report, Some(&junit), Some(&html))?;
    Ok(SuiteSummary {
        suite: suite_path.display().to_string(),
        junit: junit.display().to_string(),
        html: html.join("index.html").display().to_string(),
        cases: report.cases.len() as u64,
    })
}

fn head<T>(name: &str, stage: &Stage<T>) -> String {
    format!("{name:<10} {:>6.1} s  ", stage.seconds)
}

const INDENT: &str = "                     ";

fn import_text(stage: &Stage<Imported>) -> String {
    let imported = stage.result.get();
    head("import", stage)
        + &format!("{}: {} messages, {}", imported.drive.display(), count(imported.messages), bytes(imported.bytes))
}

fn capture_text(drive: &Path, stage: &Stage<CaptureSummary>) -> String {
    let summary = stage.result.get();
    let mut text = head("capture", stage);
    text += &format!(
        "{}: {:.1} s of driving, {} messages, {} CAN frames, {} signal samples",
        drive.display(),
        summary.drive_s,
        count(summary.messages),
        count(summary.frames),
        count(summary.samples)
    );
    for (rule, firings) in &summary.firings {
        text += &format!("\n{INDENT}rule {rule}: {firings} firings");
    }
    text += &format!(
        "\n{INDENT}{} clips sealed ({}), {} known already, {} uploaded",
        summary.clips_sealed,
        bytes(summary.sealed_bytes),
        summary.clips_known,
        summary.clips_uploaded
    );
    text
}

fn ingest_text(lake: &str, stage: &Stage<cloverleaf_ingest::Report>) -> String {
    let report = stage.result.get();
    let mut text = head("ingest", stage);
    text += &format!("{} clips, {} into {lake}", report.clips, bytes(report.bytes));
    let rows: Vec<String> = report.rows.iter().map(|(table, rows)| format!("{table} {}", count(*rows))).collect();
    if !rows.is_empty() {
        text += &format!("\n{INDENT}rows: {}", rows.join(", "));
    }
    text
}

fn search_text(stage: &Stage<Found>) -> String {
    let mut text = head("search", stage);
    text += &format!("{} clips of this drive in the lake", stage.result.get().clips.len());
    for clip in &stage.result.get().clips {
        text += &format!(
            "\n{INDENT}{} {} {:>5.1} s  {}",
            clip.clip,
            clip.start_time,
            clip.duration_s,
            clip.rules.join(", ")
        );
    }
    text
}

fn replay_text(stage: &Stage<Replayed>) -> String {
    let replayed = stage.result.get();
    head("replay", stage) + &format!("{} ({}, {} rows)", replayed.file, bytes(replayed.bytes), count(replayed.rows))
}

fn mining_text(stage: &Stage<Mining>) -> String {
    let mining = stage.result.get();
    let kinds: Vec<String> = mining.by_situation.iter().map(|(kind, number)| format!("{number} {kind}")).collect();
    let kinds = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
    head("mining", stage) + &format!("scenarios: {kinds}; {} candidates turned down", mining.rejected)
}

fn simulation_text(stage: &Stage<Vec<Simulated>>) -> String {
    let simulated = stage.result.get();
    let passed = simulated.iter().filter(|case| case.passed).count();
    let mut text = head("simulate", stage);
    text += &format!("{passed} of {} pass with {DRIVER}", simulated.len());
    for case in simulated {
        let worst = |name: &str, unit: &str, extreme: &Option<cloverleaf_judgement::Extreme>| {
            extreme.as_ref().map_or_else(String::new, |extreme| format!(", {name} {:.2} {unit}", extreme.value))
        };
        text += &format!(
            "\n{INDENT}{} {}{}{}",
            if case.passed { "pass" } else { "FAIL" },
            case.scenario,
            worst("TTC", "s", &case.summary.min_ttc_s),
            worst("THW", "s", &case.summary.min_thw_s)
        );
        for finding in &case.findings {
            text += &format!("\n{INDENT}     {finding}");
        }
    }
    text
}

fn report_text(stage: &Stage<SuiteSummary>) -> String {
    head("report", stage) + &format!("{} cases", stage.result.get().cases)
}

fn closing_text(summary: &LoopSummary) -> String {
    let mut text = format!("{:<10} {:>6.1} s\n\nlook at:", "all", summary.seconds);
    if let Some(replay) = &summary.replay {
        text += &format!("\n  rerun {}", replay.result.get().file);
    }
    if let Some(report) = &summary.report {
        text += &format!("\n  {}   (report)", report.result.get().html);
        text += &format!("\n  {}   (suite; run it with `cloverleaf test`)", report.result.get().suite);
    }
    text += &format!("\n  cloverleaf search 'Vehicle.Speed > 100.0' --lake {}", summary.lake);
    text
}

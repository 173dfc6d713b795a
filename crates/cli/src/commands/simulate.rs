use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use cloverleaf_judgement::{Criteria, Extreme, Finding, Summary, Verdict};
use cloverleaf_scenario::{Folder, Loaded};
use cloverleaf_simulator::{DRIVER_NAMES, Run, RunEnd, RunOptions, driver_by_name};
use serde::Serialize;

use crate::Outcome;

/// Options of `cloverleaf simulate`.
#[derive(Args)]
#[command(after_help = "Exit code 0: passed; 4: the verdict is `fail`; 1: the file could not be run.\n\n\
                        Example: cloverleaf simulate scenarios/cut-in/scenario.xosc --param EgoSpeed=33")]
pub struct Options {
    /// The OpenSCENARIO file (XML 1.0 to 1.3); its road and catalogs are found from it.
    #[arg(value_name = "FILE.xosc")]
    pub file: PathBuf,
    /// Replace the value of a parameter of the scenario; may be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_override)]
    pub overrides: Vec<(String, String)>,
    /// The system under test.
    #[arg(long, default_value = "highway-pilot", value_parser = clap::builder::PossibleValuesParser::new(DRIVER_NAMES))]
    pub driver: String,
    /// The entity under test; otherwise the one called or controlled as Ego, else the first vehicle.
    #[arg(long, value_name = "NAME")]
    pub subject: Option<String>,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// End the run at the latest after this simulated time, s.
    #[arg(long, default_value_t = 600.0, value_name = "SECONDS")]
    pub max_duration: f64,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
    /// With --json: also every state of every road user and every measure over time.
    #[arg(long, requires = "json")]
    pub traces: bool,
}

fn parse_override(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?}: expected NAME=VALUE, for example EgoSpeed=33")),
    }
}

/// Reads a scenario, its catalogs and its road.
pub fn load(file: &Path, overrides: &BTreeMap<String, String>) -> anyhow::Result<Loaded> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let folder = Folder::new(file.parent().unwrap_or(Path::new("")));
    Ok(cloverleaf_scenario::load(&name, &text, overrides, &folder)?)
}

#[derive(Serialize)]
struct Report<'a> {
    scenario: String,
    driver: &'a str,
    seed: u64,
    passed: bool,
    findings: &'a [Finding],
    summary: &'a Summary,
    subject: &'a str,
    end: RunEnd,
    duration_s: f64,
    steps: u64,
    digest: &'a str,
    warnings: &'a [String],
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    traces: Option<&'a [cloverleaf_vocabulary::ActorTrace]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<&'a [cloverleaf_judgement::Sample]>,
}

/// Runs the scenario and prints the verdict.
pub fn run(options: &Options) -> anyhow::Result<Outcome> {
    let overrides: BTreeMap<String, String> = options.overrides.iter().cloned().collect();
    let Loaded { scenario, network, warnings } = load(&options.file, &overrides)?;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let (scenario, network) = (Arc::new(scenario), Arc::new(network));
    let driver = driver_by_name(&options.driver).with_context(|| format!("no driver {:?}", options.driver))?;
    let run_options = RunOptions {
        seed: options.seed,
        max_duration_s: options.max_duration,
        subject: options.subject.clone(),
        ..RunOptions::default()
    };
    let run = cloverleaf_simulator::run(scenario.clone(), network.clone(), driver, run_options)
        .with_context(|| format!("cannot run {}", options.file.display()))?;
    let verdict = run.judge(&network, &Criteria::default())?;
    if options.json {
        let report = Report {
            scenario: options.file.display().to_string(),
            driver: &options.driver,
            seed: options.seed,
            passed: verdict.passed,
            findings: &verdict.findings,
            summary: &verdict.summary,
            subject: &run.subject,
            end: run.end,
            duration_s: run.duration_s,
            steps: run.steps,
            digest: &run.digest,
            warnings: &warnings,
            notes: &run.notes,
            traces: options.traces.then_some(&*run.traces),
            timeline: options.traces.then_some(&*verdict.timeline),
        };
        println!("{}", serde_json::to_string(&report)?);
    } else {
        for note in warnings.iter().chain(&run.notes) {
            eprintln!("note: {note}");
        }
        if !scenario.header.description.is_empty() {
            println!("{}", scenario.header.description);
        }
        print_report(&run, &verdict);
    }
    Ok(if verdict.passed { Outcome::Done } else { Outcome::Failed })
}

fn print_report(run: &Run, verdict: &Verdict) {
    let end = match run.end {
        RunEnd::StopTrigger => "its stop trigger",
        RunEnd::StoryComplete => "the end of its story",
        RunEnd::MaxDuration => "the longest duration allowed",
        RunEnd::EndOfRoad => "the end of the road",
    };
    println!("{} road users, {:.2} s in {} steps, to {end}", run.traces.len(), run.duration_s, run.steps);
    print_verdict(run, verdict);
    println!("digest {}", run.digest);
}

/// The verdict with the measures it rests on.
pub fn print_verdict(run: &Run, verdict: &Verdict) {
    let summary = &verdict.summary;
    println!("{} drove {:.0} m in {:.2} s", run.subject, summary.distance_m, summary.duration_s);
    let rows: [(&str, &str, &Option<Extreme>); 6] = [
        ("least gap", "m", &summary.min_gap_m),
        ("least time to collision", "s", &summary.min_ttc_s),
        ("least time headway", "s", &summary.min_thw_s),
        ("strongest deceleration", "m/s2", &summary.max_decel_mps2),
        ("largest required deceleration", "m/s2", &summary.max_required_decel_mps2),
        ("largest lateral acceleration", "m/s2", &summary.max_lateral_accel_mps2),
    ];
    for (what, unit, extreme) in rows {
        if let Some(Extreme { value, at_s, other }) = extreme {
            let other = other.as_deref().map_or_else(String::new, |other| format!(", {other}"));
            println!("  {what:<30} {value:>8.2} {unit:<5} at {at_s:.2} s{other}");
        }
    }
    println!("  {:<30} {:>8}", "hard brakings", summary.hard_brakings);
    println!("  {:<30} {:>8}", "collisions", summary.collisions.len());
    for finding in &verdict.findings {
        println!("  ! {finding}");
    }
    println!("verdict: {}", if verdict.passed { "pass" } else { "FAIL" });
}

//! The vehicle program.

mod clock;
mod report;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use cloverleaf_capture::{AgentConfig, CaptureError, CaptureSummary, Pace, run_drive};

use crate::clock::SystemClock;

const EXIT_CODES: &str = "\
Exit codes:
  0  everything was captured and handed over
  1  the drive, the spool or the recorder failed; clips sealed before are kept
  2  wrong arguments, configuration or rules; nothing was done
  3  captured, but clips could not be handed over; they stay in the spool and the next run sends them
  4  captured and handed over, but clips were lost because the spool's quota was full

Environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP for s3:// URLs;
RUST_LOG sets what is logged to stderr (default: warn).";

/// Captures what matters of a drive and hands it over.
///
/// The agent decodes the vehicle's buses into signals, watches them by rules, keeps the recent past of every stream, cuts
/// clips when a rule fires, seals them in a spool and uploads them. It may be killed at any moment: the next run goes on
/// where it stopped, and every sealed clip arrives exactly once.
#[derive(Parser)]
#[command(name = "cloverleaf-agent", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Hand over what the spool holds, then capture a drive and hand over its clips.
    #[command(after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
    Run(Run),
    /// Check a configuration and its rules without doing anything.
    Check {
        /// The agent's configuration (TOML; an annotated example is infra/agent/agent.toml).
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

#[derive(Args)]
struct Run {
    /// The agent's configuration (TOML; an annotated example is infra/agent/agent.toml).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Drive recording to play (MCAP), instead of the configuration's. With neither, only the spool is handed over.
    #[arg(long, value_name = "FILE.mcap")]
    drive: Option<PathBuf>,
    /// How fast to play it: "max", or times real time ("1", "0.5", "20"), instead of the configuration's.
    #[arg(long, value_name = "max|N")]
    speed: Option<Pace>,
    /// Print the summary as one JSON object.
    #[arg(long)]
    json: bool,
    /// No progress on stderr.
    #[arg(long, short)]
    quiet: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).without_time().init();
    let outcome = match cli.command {
        Command::Run(arguments) => run(&arguments),
        Command::Check { config } => check(&config),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn run(arguments: &Run) -> anyhow::Result<ExitCode> {
    let config = AgentConfig::read(&arguments.config)?;
    let drive = arguments.drive.as_deref().or(config.drive.as_deref());
    let pace = arguments.speed.unwrap_or(config.pace);
    let clock = SystemClock::new();
    let mut progress = report::ProgressLine::new(arguments.quiet);
    let outcome = run_drive(&config.capture, drive, pace, &clock, &mut |at| progress.show(&clock, at));
    progress.clear();
    // What was achieved is said also when clips stay behind.
    match &outcome {
        Ok(summary) => print(summary, arguments.json)?,
        Err(CaptureError::Upload { summary, .. }) => print(summary, arguments.json)?,
        Err(_) => {}
    }
    let summary = outcome.with_context(|| match drive {
        Some(drive) => format!("capturing {}", drive.display()),
        None => "handing over the spool".to_owned(),
    })?;
    if summary.clips_refused > 0 {
        eprintln!(
            "error: {} clip(s) were lost because the spool's quota was full: raise [spool] quota_mib or upload sooner",
            summary.clips_refused
        );
        return Ok(ExitCode::from(4));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(path: &std::path::Path) -> anyhow::Result<ExitCode> {
    let config = AgentConfig::read(path)?;
    println!("{}: the configuration is sound", path.display());
    print!("{}", report::describe(&config)?);
    Ok(ExitCode::SUCCESS)
}

fn print(summary: &CaptureSummary, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        println!("{}", serde_json::to_string(summary).context("writing the summary")?);
    } else {
        print!("{}", report::summary(summary));
    }
    Ok(())
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<CaptureError>() {
        Some(
            CaptureError::Config { .. }
            | CaptureError::Rules(_)
            | CaptureError::Engine(_)
            | CaptureError::History { .. }
            | CaptureError::Uplink(_),
        ) => 2,
        Some(CaptureError::Upload { .. }) => 3,
        _ => 1,
    }
}

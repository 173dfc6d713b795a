//! The `cloverleaf` command: everything an engineer or a CI job does with drives, clips and scenarios.

mod clock;
mod commands;
mod output;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Vehicle-road-cloud data and test platform for automated driving.
///
/// A drive recording goes through the vehicle's rules; the clips they cut are uploaded to a lake, ingested into tables,
/// searched, replayed in Rerun, turned into scenarios, and driven again in simulation. `cloverleaf loop` does all of it
/// in one go; the other commands are its stages.
#[derive(Parser)]
#[command(name = "cloverleaf", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done in part (something was set aside, see the message);\n\
                        4 a verdict is `fail` or a suite regressed.\n\
                        Logging: RUST_LOG=info. Storage credentials: AWS_* variables."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make drive recordings: import real logs, generate a motorway drive, look into a file.
    #[command(subcommand)]
    Drive(commands::drive::Command),
    /// The whole way of one drive: capture, upload, ingest, search, replay, scenario, simulation, verdict.
    Loop(commands::r#loop::Options),
    /// Turn uploaded clips into catalog rows.
    Ingest(commands::ingest::Options),
    /// Find clips, or the moments in them where a condition holds.
    Search(commands::search::Options),
    /// Run a read-only SQL query over the catalog.
    Sql(commands::search::SqlOptions),
    /// Write a clip or a drive as a Rerun recording.
    Replay(commands::replay::Options),
    /// Turn situations found in clips into OpenSCENARIO and OpenDRIVE files.
    Mine(commands::mine::Options),
    /// Run an OpenSCENARIO file with a system under test and judge it.
    Simulate(commands::simulate::Options),
    /// Run a regression suite; JUnit XML and an HTML report come out.
    Test(commands::test::Options),
    /// Print the completion script of a shell.
    #[command(after_help = "For bash: cloverleaf completions bash > /etc/bash_completion.d/cloverleaf")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// How a command ended, when it did not fail outright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All done.
    Done,
    /// Done, but something had to be set aside.
    Partial,
    /// A verdict is `fail`, or a suite regressed.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Partial => Self::from(3),
            Outcome::Failed => Self::from(4),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let outcome = match arguments.command {
        Command::Drive(command) => commands::drive::run(command),
        Command::Loop(options) => commands::r#loop::run(&options),
        Command::Ingest(options) => commands::ingest::run(&options),
        Command::Search(options) => commands::search::run(&options),
        Command::Sql(options) => commands::search::run_sql(&options),
        Command::Replay(options) => commands::replay::run(&options),
        Command::Mine(options) => commands::mine::run(&options),
        Command::Simulate(options) => commands::simulate::run(&options),
        Command::Test(options) => commands::test::run(&options),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "cloverleaf", &mut std::io::stdout());
            Ok(Outcome::Done)
        }
    };
    match outcome {
        Ok(outcome) => outcome.into(),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error);
            ExitCode::FAILURE
        }
    }
}

/// `cloverleaf search ... | head` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

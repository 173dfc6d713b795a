//! Developer commands. `cargo xtask --help` lists them.

mod bench;
mod demo;
mod setup;
mod shell;
mod test;

use clap::{Parser, Subcommand};

/// Builds, shows, tests and measures Cloverleaf. Every command installs what it needs (as root) or says what to install.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the main job on a generated drive: capture, upload, ingest, search, replay, scenario, simulation.
    Demo(demo::Options),
    /// Formatting, lints, tests and documentation tests: everything that must pass before a commit lands.
    Test(test::Options),
    /// Measure an area beside its peers: a table, and JSON lines in target/bench/AREA.jsonl.
    Bench(bench::Options),
    /// Install what the other commands need, and stop.
    Setup,
}

fn main() -> anyhow::Result<()> {
    std::env::set_current_dir(shell::workspace())?;
    match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Setup => {
            setup::packages(&["build", "test"])?;
            setup::python().map(|_| ())
        }
    }
}

//! The main job, on a drive of our own making and a local folder as lake.

use std::process::Command;

use clap::Args;

use crate::{setup, shell};

/// Options of `cargo xtask demo`.
#[derive(Args)]
pub struct Options {
    /// Seed of the generated drive.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Length of the generated drive, s.
    #[arg(long, default_value_t = 120)]
    seconds: u32,
}

/// Builds the programs, then runs them as a user would.
pub fn run(options: &Options) -> anyhow::Result<()> {
    setup::packages(&["build"])?;
    // The whole workspace's features, so that the tests find everything built.
    shell::run(&mut shell::cargo(&["build", "--workspace", "--bins"]))?;
    let cloverleaf = shell::target().join("debug/cloverleaf");
    // Relative where possible: what is printed is then short enough to be typed again.
    let target = shell::target();
    let demo = target.strip_prefix(shell::workspace()).unwrap_or(&target).join("demo");
    if demo.exists() {
        std::fs::remove_dir_all(&demo)?;
    }
    std::fs::create_dir_all(&demo)?;
    let drive = demo.join("drive.mcap");
    let lake = demo.join("lake");
    let mut generate = Command::new(&cloverleaf);
    generate.args(["drive", "generate", "--seed", &options.seed.to_string()]);
    generate.args(["--seconds", &options.seconds.to_string(), "--out"]).arg(&drive);
    shell::run(&mut generate)?;
    shell::run(Command::new(&cloverleaf).arg("loop").arg("--drive").arg(&drive).arg("--lake").arg(&lake))
}

//! Benchmarks, each beside its peer in the same run.

use std::process::Command;

use clap::Args;

use crate::{setup, shell};

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub struct Options {
    /// What to measure: `loop`.
    #[arg(value_parser = ["loop"])]
    area: String,
    /// Print the JSON lines instead of the table.
    #[arg(long)]
    json: bool,
}

/// Builds what the demo and the tests build, where the crates that move bytes are fully optimised, and measures with it: an
/// optimised build of everything takes half an hour on two cores.
pub fn run(options: &Options) -> anyhow::Result<()> {
    setup::packages(&["build", "test"])?;
    let python = setup::python()?;
    shell::run(&mut shell::cargo(&["build", "--workspace", "--bins"]))?;
    let mut bench = Command::new(shell::target().join("debug/cloverleaf-bench"));
    bench.arg(&options.area).arg("--out").arg(shell::workspace().join("target/bench"));
    if options.json {
        bench.arg("--json");
    }
    bench.env("CLOVERLEAF_PYTHON", python);
    shell::run(&mut bench)
}

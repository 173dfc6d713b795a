//! Benchmarks, each beside its peer in the same run.

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

/// Builds the benchmark program optimised and runs it.
pub fn run(options: &Options) -> anyhow::Result<()> {
    setup::packages(&["build", "test"])?;
    let python = setup::python()?;
    let mut bench = shell::cargo(&["run", "--profile", "bench", "-p", "cloverleaf-bench", "--", &options.area]);
    if options.json {
        bench.arg("--json");
    }
    bench.env("CLOVERLEAF_PYTHON", python);
    shell::run(&mut bench)
}

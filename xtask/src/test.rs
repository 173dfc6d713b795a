//! Everything that must pass before a commit lands.

use clap::Args;

use crate::{setup, shell};

/// Options of `cargo xtask test`.
#[derive(Args)]
pub struct Options {
    /// Only this package (formatting and lints still cover everything).
    #[arg(short, long)]
    package: Option<String>,
}

/// Formatting, lints, tests, documentation tests.
pub fn run(options: &Options) -> anyhow::Result<()> {
    setup::packages(&["build", "test"])?;
    let python = setup::python()?;
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))?;
    shell::run(&mut shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let scope = match &options.package {
        Some(package) => vec!["--package", package],
        None => vec!["--workspace"],
    };
    // The programs first: end-to-end tests start them.
    shell::run(&mut shell::cargo(&["build", "--workspace", "--bins"]))?;
    let mut test = shell::cargo(&["test"]);
    test.args(scope).env("CLOVERLEAF_PYTHON", python);
    shell::run(&mut test)
}

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, bail};

/// Directory of this build's artefacts, `target` unless configured.
pub(crate) fn target_dir() -> PathBuf {
    // A test binary is target/<profile>/deps/<name>.
    let test = std::env::current_exe().unwrap_or_default();
    test.ancestors().nth(3).map_or_else(|| crate::workspace().join("target"), Path::to_path_buf)
}

/// One of the product's programs, run as a user runs it.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    environment: Vec<(String, String)>,
}

/// What a program said and how it ended.
#[derive(Debug)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
}

impl Program {
    /// The engineer's program.
    pub fn cloverleaf() -> Self {
        Self::built("cloverleaf")
    }

    /// The vehicle's program.
    pub fn agent() -> Self {
        Self::built("cloverleaf-agent")
    }

    /// The program as `cargo xtask test` built it; built here when there is none, so that `cargo test` alone is enough. It
    /// is not rebuilt: a cargo inside cargo's environment would build the dependencies anew, and then again outside.
    fn built(name: &str) -> Self {
        static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
        let given = std::env::var_os("CLOVERLEAF_PROGRAMS").map(PathBuf::from);
        let path = given.unwrap_or_else(|| target_dir().join("debug")).join(name);
        if !path.exists() {
            let outcome = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
            assert!(outcome.is_ok(), "building the programs failed: {outcome:?}");
        }
        Self { path, environment: Vec::new() }
    }

    /// The executable.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sets environment variables for every run.
    pub fn with_environment<'a>(mut self, variables: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        self.environment.extend(variables.into_iter().map(|(key, value)| (key.to_owned(), value)));
        self
    }

    /// A command that is not started yet.
    pub fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.path);
        command.args(arguments).env_remove("CLOVERLEAF_LAKE").env("NO_COLOR", "1");
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Runs to the end, whatever the exit code.
    pub fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Output> {
        let mut command = self.command(arguments);
        let output = command.output().with_context(|| format!("starting {command:?}"))?;
        Ok(Output {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        })
    }

    /// Runs to the end and expects success; gives standard output.
    pub fn succeed<'a>(&self, arguments: impl IntoIterator<Item = &'a str> + Clone) -> anyhow::Result<String> {
        let shown: Vec<&str> = arguments.clone().into_iter().collect();
        let output = self.run(arguments)?;
        if output.code != 0 {
            bail!("{} {}: exit code {}\n{}", self.path.display(), shown.join(" "), output.code, output.stderr);
        }
        Ok(output.stdout)
    }
}

fn build() -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // The same selection as `cargo xtask test`: another one would build other features of the same dependencies anew.
    command.args(["build", "--quiet", "--workspace", "--bins"]);
    command.current_dir(crate::workspace()).env("CARGO_TARGET_DIR", target_dir());
    let status = command.status().context("starting cargo")?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}

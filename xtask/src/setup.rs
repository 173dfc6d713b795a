//! Debian packages and the Python environment that tests and benchmarks use.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::shell;

/// What the Python side of tests and benchmarks imports.
const PYTHON_PACKAGES: [&str; 7] =
    ["rerun-sdk==0.36.*", "mcap", "mcap-protobuf-support", "cantools", "python-can", "deltalake", "duckdb"];

/// Installs the missing packages of some groups of infra/debian/packages.txt, or says how.
pub fn packages(groups: &[&str]) -> anyhow::Result<()> {
    let list = std::fs::read_to_string("infra/debian/packages.txt").context("reading infra/debian/packages.txt")?;
    let missing: Vec<&str> = list
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?, words.next()?))
        })
        .filter(|(group, package, program)| groups.contains(group) && !is_there(package, program))
        .map(|(_, package, _)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !succeeds("apt-get", &["--version"]) {
        bail!("missing packages; install them with:\n  sudo apt-get install {}", missing.join(" "));
    }
    eprintln!("installing {}", missing.join(" "));
    shell::run(Command::new("apt-get").args(["update", "-q"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-q", "-y", "--no-install-recommends"]).args(&missing);
    shell::run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// The interpreter of `target/python` with all Python packages; made when absent.
pub fn python() -> anyhow::Result<PathBuf> {
    let home = shell::target().join("python");
    let python = home.join("bin/python");
    let stamp = home.join("installed.txt");
    let wanted = PYTHON_PACKAGES.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    shell::run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PYTHON_PACKAGES);
    shell::run(&mut install)?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}

fn is_there(package: &str, program: &str) -> bool {
    if program == "-" { succeeds("dpkg", &["-s", package]) } else { on_path(program) }
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let quiet = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

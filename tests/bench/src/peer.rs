use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Runs a Python peer of `peers/` and gives the number it prints; `None` where no interpreter with the packages is given.
pub fn python<'a>(script: &str, arguments: impl IntoIterator<Item = &'a Path>) -> anyhow::Result<Option<f64>> {
    let Some(interpreter) = std::env::var_os("CLOVERLEAF_PYTHON") else {
        eprintln!("skipped peer {script}: CLOVERLEAF_PYTHON is not set (cargo xtask bench sets it)");
        return Ok(None);
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script);
    let output = Command::new(interpreter).arg(path).args(arguments).output().context("starting the Python peer")?;
    if !output.status.success() {
        bail!("{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let value = text.trim().parse().with_context(|| format!("{script} printed {text:?}: expected a number"))?;
    Ok(Some(value))
}

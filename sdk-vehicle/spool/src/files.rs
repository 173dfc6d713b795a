//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::SpoolError;

pub(crate) const TEMPORARY: &str = "tmp";

/// Writes a file under a temporary name, syncs it and renames it; the directory is left to [`sync_dir`].
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), SpoolError> {
    let temporary = temporary_name(path);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|error| {
        // Best effort: a full or read-only disk may refuse this too, and the next start removes it.
        drop(fs::remove_file(&temporary));
        SpoolError::io("writing", path)(error)
    })
}

/// Makes renames and removals in a directory last.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), SpoolError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(SpoolError::io("syncing", dir))
}

/// Removes a file that may already be gone.
pub(crate) fn remove(path: &Path) -> Result<(), SpoolError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SpoolError::io("removing", path)(error)),
        _ => Ok(()),
    }
}

/// Files of a directory, in order of name.
pub(crate) fn list(dir: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    let read = || fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = read().map_err(SpoolError::io("listing", dir))?;
    paths.sort();
    Ok(paths)
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(TEMPORARY);
    name.into()
}

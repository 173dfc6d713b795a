//! Files a scenario refers to, without IO in the reader.

use std::collections::BTreeMap;

/// Where the reader gets catalogs, road files and scenario files from. Paths are relative to the scenario's own folder
/// unless they are absolute. An error is a sentence that says why.
pub trait Resolver {
    /// The text of a file.
    fn read(&self, path: &str) -> Result<String, String>;

    /// The paths of the files in a directory whose name ends with `.xosc`, sorted, in a form [`read`](Self::read) takes.
    fn list(&self, directory: &str) -> Result<Vec<String>, String>;
}

/// Files held in memory by their path: for tests, and for scenarios that come over a network.
#[derive(Debug, Clone, Default)]
pub struct InMemory {
    /// Path to text.
    pub files: BTreeMap<String, String>,
}

impl Resolver for InMemory {
    fn read(&self, path: &str) -> Result<String, String> {
        self.files.get(path).cloned().ok_or_else(|| "no such file".to_owned())
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, String> {
        let prefix = format!("{}/", directory.trim_end_matches('/'));
        let inside = |path: &&String| {
            path.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/')) && path.ends_with(".xosc")
        };
        Ok(self.files.keys().filter(inside).cloned().collect())
    }
}

/// Files of the file system, below the folder a scenario lies in.
#[derive(Debug, Clone)]
pub struct Folder {
    root: std::path::PathBuf,
}

/// No file of a scenario is larger than this, bytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

impl Folder {
    /// Paths are relative to `root`, which is itself taken from the working folder: listed paths stay readable.
    pub fn new(root: impl Into<std::path::PathBuf>) -> Self {
        let root = root.into();
        Self { root: std::path::absolute(&root).unwrap_or(root) }
    }
}

impl Resolver for Folder {
    fn read(&self, path: &str) -> Result<String, String> {
        let full = self.root.join(path);
        let size = std::fs::metadata(&full).map_err(|e| e.to_string())?.len();
        if size > MAX_BYTES {
            return Err(format!("the file has {size} bytes; expected at most {MAX_BYTES}"));
        }
        std::fs::read_to_string(&full).map_err(|e| e.to_string())
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, String> {
        let mut out = Vec::new();
        for entry in std::fs::read_dir(self.root.join(directory)).map_err(|e| e.to_string())? {
            let path = entry.map_err(|e| e.to_string())?.path();
            if path.extension().is_some_and(|extension| extension == "xosc") && path.is_file() {
                out.push(path.to_string_lossy().into_owned());
            }
        }
        out.sort();
        Ok(out)
    }
}

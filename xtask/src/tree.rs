//! The files of the checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A source file in memory; checks take these, so that their tests need no disk.
pub struct Source {
    /// Relative to the root of the checkout, with `/`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Something a check objects to.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// `file`, `file:line` or the name of a package.
    pub place: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// Prints every problem; an error that counts them if there are any.
pub fn report(problems: &[Problem], passed: &str) -> Result<()> {
    for problem in problems {
        println!("{}: {}", problem.place, problem.what);
    }
    if !problems.is_empty() {
        bail!("{} problem(s)", problems.len());
    }
    println!("{passed}");
    Ok(())
}

/// The root of the checkout this program was built from.
pub fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or(manifest.clone(), Path::to_path_buf)
}

/// Every Rust file outside of build outputs, sorted by path.
pub fn rust_sources(root: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    walk(root, root, &mut found)?;
    found.sort_by(|a: &Source, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(root: &Path, dir: &Path, found: &mut Vec<Source>) -> Result<()> {
    let entries =
        std::fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", dir.display()))?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind =
            entry.file_type().with_context(|| format!("cannot look at {}", path.display()))?;
        if kind.is_dir() && name != "target" && !name.starts_with('.') {
            walk(root, &path, found)?;
        } else if kind.is_file() && name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let relative = path.strip_prefix(root).unwrap_or(&path);
            found.push(Source { path: relative.to_string_lossy().replace('\\', "/"), text });
        }
    }
    Ok(())
}

/// Every text file that git tracks, or would after `git add`; pictures, clips and
/// weights are left out.
pub fn tracked_text(root: &Path) -> Result<Vec<Source>> {
    let listed = Command::new("git")
        // A checkout made by another user is still only read.
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .args(["--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git, which lists the files to check")?;
    if !listed.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&listed.stderr).trim());
    }
    let mut found = Vec::new();
    for name in listed.stdout.split(|&b| b == 0).filter(|n| !n.is_empty()) {
        let path = String::from_utf8_lossy(name).into_owned();
        // Deleted but still in the index: nothing to check.
        let Ok(bytes) = std::fs::read(root.join(&path)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            found.push(Source { path, text });
        }
    }
    Ok(found)
}

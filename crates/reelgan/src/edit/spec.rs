//! Edits as people write them: `motion=1.5`, `motion.2=-1`, `age.npy:4..8=2`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Edit;
use crate::codes::{Direction, Rows, Trajectory};
use crate::generator::Identity;
use crate::{Error, Result};

/// Where a direction comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditSource {
    /// The run's own motion: the whole way, or one step (from 1).
    Motion(Option<usize>),
    /// A file: `.npy` or `.safetensors`.
    File(PathBuf),
}

/// One edit, not yet resolved to numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct EditSpec {
    /// Where the direction comes from.
    pub source: EditSource,
    /// On which rows.
    pub rows: Rows,
    /// How far.
    pub strength: f32,
}

impl EditSpec {
    /// Finds the direction.
    ///
    /// # Errors
    /// A step the run does not have, a file that holds no direction.
    pub fn resolve(&self, trajectory: &Trajectory, generator: &Identity) -> Result<Edit> {
        let direction = match &self.source {
            EditSource::Motion(step) => Direction::motion(trajectory, *step, generator)?,
            EditSource::File(path) => Direction::open(path)?,
        };
        Ok(Edit { direction, strength: self.strength, rows: self.rows })
    }
}

impl FromStr for EditSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |problem: String| Error::setting(format!("edit `{text}`"), problem);
        let Some((name, strength)) = text.rsplit_once('=') else {
            return Err(wrong("expected NAME=STRENGTH, such as motion=1.5".into()));
        };
        let strength = strength.trim().parse::<f32>().ok().filter(|s| s.is_finite());
        let strength =
            strength.ok_or_else(|| wrong("the part after `=` must be a number".into()))?;
        let (name, rows) = match name.rsplit_once(':') {
            Some((name, rows)) if rows.contains("..") => (name, rows.parse()?),
            _ => (name, Rows::ALL),
        };
        let name = name.trim();
        let source = if name == "motion" {
            EditSource::Motion(None)
        } else if let Some(step) = name.strip_prefix("motion.").and_then(|s| s.parse().ok()) {
            EditSource::Motion(Some(step))
        } else if is_direction_file(Path::new(name)) {
            EditSource::File(name.into())
        } else {
            return Err(wrong(format!(
                "`{name}` is neither `motion`, `motion.STEP` nor a .npy or .safetensors file"
            )));
        };
        Ok(Self { source, rows, strength })
    }
}

fn is_direction_file(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "npy" || e == "safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let spec: EditSpec = "motion=1.5".parse().unwrap();
        assert_eq!(spec.source, EditSource::Motion(None));
        assert_eq!((spec.strength, spec.rows), (1.5, Rows::ALL));
        let spec: EditSpec = "motion.2=-1".parse().unwrap();
        assert_eq!(spec.source, EditSource::Motion(Some(2)));
        let spec: EditSpec = "dir/a=b:age.npy:4..8=2".parse().unwrap();
        assert_eq!(spec.source, EditSource::File("dir/a=b:age.npy".into()));
        assert_eq!(spec.rows, Rows::range(4, 8));
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, want) in [
            ("motion", "NAME=STRENGTH"),
            ("motion=much", "must be a number"),
            ("motion=NaN", "must be a number"),
            ("smile=1", "neither"),
            ("age.npy:8..x=1", "START..END"),
        ] {
            let error = text.parse::<EditSpec>().unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}

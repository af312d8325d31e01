//! Edits as people write them: `age=+20y`, `smile~age=0.8`, `motion.2=-1`, `age.npy:4..8=2`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{Edit, Measure, conditional};
use crate::codes::{Direction, Rows, Trajectory};
use crate::directions;
use crate::face::Unit;
use crate::generator::Identity;
use crate::{Error, Result};

/// Where a direction comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditSource {
    /// The run's own motion: the whole way, or one step (from 1).
    Motion(Option<usize>),
    /// A file: `.safetensors`, `.npy`, `.pt` or `.pth`.
    File(PathBuf),
    /// One that ships, by name.
    Shipped(String),
}

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many times the direction: `2`.
    Strength(f32),
    /// So many units of the attribute: `+20y`, `-15deg`, `0.5p`, `0.1r`.
    Units(f32, Unit),
    /// To this distance from the boundary: `@2`.
    Distance(f32),
}

/// One edit, not yet resolved to numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct EditSpec {
    /// Where the direction comes from.
    pub source: EditSource,
    /// Directions that it shall leave alone.
    pub without: Vec<EditSource>,
    /// On which rows.
    pub rows: Rows,
    /// How far.
    pub amount: Amount,
}

impl EditSource {
    /// Finds the direction, and fits one of a file that names no generator to the rows of
    /// the codes ([`Direction::mapped`]).
    ///
    /// # Errors
    /// A step the run does not have, a name that none ships by (the nearest is told), a
    /// file that holds no direction.
    pub fn direction(&self, trajectory: &Trajectory, generator: &Identity) -> Result<Direction> {
        match self {
            Self::Motion(step) => Direction::motion(trajectory, *step, generator),
            _ => self.without_run(trajectory.rows(), generator),
        }
    }

    /// As [`EditSource::direction`], for codes of `rows` rows that belong to no run.
    ///
    /// # Errors
    /// As [`EditSource::direction`]; a motion.
    pub fn without_run(&self, rows: usize, generator: &Identity) -> Result<Direction> {
        match self {
            Self::Motion(_) => Err(Error::setting(
                format!("direction `{self}`"),
                "is the motion of a run, and there is none here; give a name that ships or a file",
            )),
            Self::Shipped(name) => directions::find(name, generator),
            Self::File(path) => {
                let direction = Direction::open(path)?;
                match direction.generator {
                    None if published(direction.rows()) => direction.mapped(rows),
                    _ => Ok(direction),
                }
            }
        }
    }
}

/// Row counts of published generators: two for each resolution from 4 to 1024.
fn published(rows: usize) -> bool {
    (2..=18).contains(&rows) && rows.is_multiple_of(2)
}

impl EditSpec {
    /// Finds a direction written without an amount, such as `age~gender`, that belongs to
    /// no run.
    ///
    /// # Errors
    /// As [`EditSource::without_run`] and [`conditional`].
    pub fn direction_of(text: &str, rows: usize, generator: &Identity) -> Result<Direction> {
        let spec: Self = format!("{text}=1").parse()?;
        let direction = spec.source.without_run(rows, generator)?;
        if spec.without.is_empty() {
            return Ok(direction);
        }
        let others = spec.without.iter().map(|o| o.without_run(rows, generator));
        conditional(&direction, &others.collect::<Result<Vec<_>>>()?)
    }

    /// Finds the direction and works out the strength.
    ///
    /// # Errors
    /// As [`EditSource::direction`] and [`conditional`]; units that the direction does not
    /// know; a distance of what has no boundary.
    pub fn resolve(&self, trajectory: &Trajectory, generator: &Identity) -> Result<Edit> {
        let mut direction = self.source.direction(trajectory, generator)?;
        if !self.without.is_empty() {
            let others = self.without.iter().map(|o| o.direction(trajectory, generator));
            direction = conditional(&direction, &others.collect::<Result<Vec<_>>>()?)?;
        }
        let (strength, measure) = match self.amount {
            Amount::Strength(strength) => (strength, Measure::By),
            Amount::Distance(distance) => (distance, Measure::To),
            Amount::Units(units, unit) => (in_strength(units, unit, &direction)?, Measure::By),
        };
        Ok(Edit { direction, strength, rows: self.rows, measure })
    }

    /// Whether both go along one direction on the same rows, which cannot be meant.
    pub fn conflicts(&self, other: &Self) -> bool {
        self.source == other.source && self.rows.overlap(&other.rows)
    }

    /// A short name for a folder: `motion=1.5`, `age[4..8]=2`.
    pub fn short(&self) -> String {
        let name = |source: &EditSource| match source {
            EditSource::File(path) => {
                path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
            }
            other => other.to_string(),
        };
        let mut text = name(&self.source);
        for other in &self.without {
            text = format!("{text}~{}", name(other));
        }
        if self.rows != Rows::ALL {
            text = format!("{text}[{}]", self.rows);
        }
        format!("{text}={}", self.amount)
    }
}

/// Units as a strength.
fn in_strength(units: f32, unit: Unit, direction: &Direction) -> Result<f32> {
    let wrong = |problem: String| {
        Err(Error::setting(format!("{units}{} of `{}`", unit.symbol(), direction.name), problem))
    };
    match &direction.learned {
        None => {
            wrong("nobody measured what a strength of 1 brings there; give a plain number".into())
        }
        Some(learned) if learned.unit != unit => {
            wrong(format!("it is measured in `{}`", learned.unit.symbol()))
        }
        Some(learned) if learned.per_strength == 0.0 => {
            wrong("it does not move its attribute".into())
        }
        Some(learned) => Ok((f64::from(units) / learned.per_strength) as f32),
    }
}

impl fmt::Display for EditSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Motion(None) => f.write_str("motion"),
            Self::Motion(Some(step)) => write!(f, "motion.{step}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Shipped(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strength(strength) => write!(f, "{strength}"),
            Self::Units(units, unit) => write!(f, "{units}{}", unit.symbol()),
            Self::Distance(distance) => write!(f, "@{distance}"),
        }
    }
}

impl fmt::Display for EditSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        for other in &self.without {
            write!(f, "~{other}")?;
        }
        if self.rows != Rows::ALL {
            write!(f, ":{}", self.rows)?;
        }
        write!(f, "={}", self.amount)
    }
}

impl FromStr for EditSource {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let name = name.trim();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name == "motion" {
            return Ok(Self::Motion(None));
        }
        if let Some(step) = name.strip_prefix("motion.").and_then(|s| s.parse().ok()) {
            return Ok(Self::Motion(Some(step)));
        }
        if is_direction_file(Path::new(name)) {
            return Ok(Self::File(name.into()));
        }
        if !name.is_empty() && name.chars().all(word) {
            return Ok(Self::Shipped(name.into()));
        }
        Err(Error::setting(
            format!("direction `{name}`"),
            "is neither the name of one that ships (`reelgan directions list`), `motion`, \
             `motion.STEP` nor a .safetensors, .npy, .pt or .pth file",
        ))
    }
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || {
            "the part after `=` must be a number, a number with a unit (y, deg, p, r), or @DISTANCE"
                .to_string()
        };
        let number = |s: &str| s.trim().parse::<f32>().ok().filter(|v| v.is_finite());
        if let Some(distance) = text.strip_prefix('@') {
            return number(distance).map(Self::Distance).ok_or_else(wrong);
        }
        if let Some(strength) = number(text) {
            return Ok(Self::Strength(strength));
        }
        let end = text.rfind(|c: char| c.is_ascii_digit() || c == '.').map_or(0, |k| k + 1);
        let (units, unit) = text.split_at(end);
        let units = number(units).ok_or_else(wrong)?;
        Ok(Self::Units(units, Unit::of_symbol(unit.trim()).ok_or_else(wrong)?))
    }
}

impl FromStr for EditSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |problem: String| Error::setting(format!("edit `{text}`"), problem);
        let Some((name, amount)) = text.rsplit_once('=') else {
            return Err(wrong("expected NAME=AMOUNT, such as age=+20y or motion=1.5".into()));
        };
        let amount = amount.parse().map_err(wrong)?;
        let (name, rows) = match name.rsplit_once(':') {
            Some((name, rows)) if rows.contains("..") => (name, rows.parse()?),
            _ => (name, Rows::ALL),
        };
        // A file may have a ~ in its name.
        let whole = is_direction_file(Path::new(name)) && Path::new(name).exists();
        let mut names = if whole { vec![name] } else { name.split('~').collect() }.into_iter();
        let source = names.next().unwrap_or_default().parse()?;
        let without = names.map(str::parse).collect::<Result<_>>()?;
        Ok(Self { source, without, rows, amount })
    }
}

fn is_direction_file(path: &Path) -> bool {
    let known = ["safetensors", "npy", "pt", "pth"];
    path.extension().is_some_and(|e| known.iter().any(|k| e.eq_ignore_ascii_case(k)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let spec: EditSpec = "motion=1.5".parse().unwrap();
        assert_eq!(spec.source, EditSource::Motion(None));
        assert_eq!((spec.amount, spec.rows), (Amount::Strength(1.5), Rows::ALL));
        let spec: EditSpec = "motion.2=-1".parse().unwrap();
        assert_eq!(spec.source, EditSource::Motion(Some(2)));
        let spec: EditSpec = "dir/a=b:age.npy:4..8=2".parse().unwrap();
        assert_eq!(spec.source, EditSource::File("dir/a=b:age.npy".into()));
        assert_eq!(spec.rows, Rows::range(4, 8));
        let spec: EditSpec = "age~gender~x.npy:..8=+20y".parse().unwrap();
        let others = [EditSource::Shipped("gender".into()), EditSource::File("x.npy".into())];
        assert_eq!(spec.without, others);
        assert_eq!(spec.amount, Amount::Units(20.0, Unit::Years));
    }

    #[test]
    fn amounts_have_units() {
        for (text, want) in [
            ("1e1", Amount::Strength(10.0)),
            ("-15deg", Amount::Units(-15.0, Unit::Degrees)),
            ("+0.5p", Amount::Units(0.5, Unit::Probability)),
            ("@-2", Amount::Distance(-2.0)),
        ] {
            assert_eq!(text.parse(), Ok(want));
        }
        for wrong in ["", "y", "3x", "NaN", "inf", "@", "1y2"] {
            assert!(wrong.parse::<Amount>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, want) in [
            ("motion", "NAME=AMOUNT"),
            ("motion=much", "must be a number"),
            ("motion=NaN", "must be a number"),
            ("a smile=1", "neither"),
            ("age.npy:8..x=1", "START..END"),
        ] {
            let error = text.parse::<EditSpec>().unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}

//! Losses of steps in files.

use std::path::Path;

use reelgan_run::{Array, ArrayFile};

use super::{InvertConfig, StepRecord};
use crate::objective::Terms;
use crate::{Error, Result};

/// The array, `[steps, terms]`.
const ARRAY: &str = "history";
/// The entry of the header that names the terms.
const NAMES: &str = "terms";
/// The terms of files that do not name them, which came before.
const UNNAMED: &str = "total,pixel,perceptual,lpips,face,consistency,cross_frame,smoothness";

/// Puts the losses of steps into a file, with the names of the terms.
pub(crate) fn put(file: &mut ArrayFile, steps: &[StepRecord]) -> Result<()> {
    let names = Terms::default().named().map(|(name, _)| name);
    let values = steps.iter().flat_map(|r| r.terms.named().map(|(_, value)| value)).collect();
    file.arrays.insert(ARRAY.into(), Array::new([steps.len(), names.len()], values)?);
    file.metadata.insert(NAMES.into(), names.join(","));
    Ok(())
}

/// The losses of the steps of a file; terms that it does not have are 0.
///
/// # Errors
/// A file without losses, or with other ones than it says.
pub(crate) fn get(file: &ArrayFile, path: &Path) -> Result<Vec<Terms>> {
    let array = file.get(ARRAY)?;
    let names = file.metadata.get(NAMES).map_or(UNNAMED, String::as_str);
    let names: Vec<&str> = names.split(',').collect();
    if array.shape.len() != 2 || array.shape[1] != names.len() {
        let problem = format!("has losses of shape {:?} for {} terms", array.shape, names.len());
        return Err(Error::file(path, problem));
    }
    let known = Terms::default().named().map(|(name, _)| name);
    if let Some(other) = names.iter().find(|name| !known.contains(name)) {
        let problem = format!("has losses of `{other}`, a term that this version does not know");
        return Err(Error::file(path, problem));
    }
    let places = known.map(|name| names.iter().position(|n| *n == name));
    let terms = |row: &[f32]| Terms::from_values(places.map(|at| at.map_or(0.0, |at| row[at])));
    Ok(array.data.chunks_exact(names.len()).map(terms).collect())
}

/// The steps of a file with those losses, taken with these settings.
///
/// # Errors
/// As [`get`]; more steps than the settings have.
pub(crate) fn records(
    file: &ArrayFile,
    config: &InvertConfig,
    path: &Path,
) -> Result<Vec<StepRecord>> {
    let terms = get(file, path)?;
    if terms.len() > config.steps {
        let problem =
            format!("has losses of {} steps, expected at most {}", terms.len(), config.steps);
        return Err(Error::file(path, problem));
    }
    let record =
        |(step, terms)| StepRecord { step, rate: config.schedule.rate(step, config.steps), terms };
    Ok(terms.into_iter().enumerate().map(record).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(names: Option<&str>, shape: [usize; 2], data: Vec<f32>) -> ArrayFile {
        let mut file = ArrayFile::default();
        file.arrays.insert(ARRAY.into(), Array::new(shape, data).unwrap());
        file.metadata.extend(names.map(|names| (NAMES.into(), names.into())));
        file
    }

    #[test]
    fn what_was_put_comes_back() {
        let config = InvertConfig { steps: 2, ..InvertConfig::default() };
        let steps = [0, 1].map(|step| StepRecord {
            step,
            rate: config.schedule.rate(step, 2),
            terms: Terms { total: 2.0, spread: step as f32, ..Terms::default() },
        });
        let mut file = ArrayFile::default();
        put(&mut file, &steps).unwrap();
        assert_eq!(records(&file, &config, Path::new("f")).unwrap(), steps);
        let fewer = InvertConfig { steps: 1, ..config };
        assert!(records(&file, &fewer, Path::new("f")).is_err());
    }

    #[test]
    fn files_of_before_have_no_names_and_fewer_terms() {
        let old = file(None, [2, 8], (0u8..16).map(f32::from).collect());
        let terms = get(&old, Path::new("f")).unwrap();
        assert_eq!((terms[1].total, terms[1].smoothness, terms[1].spread), (8.0, 15.0, 0.0));
        let other = file(Some("pixel,total"), [1, 2], vec![1.0, 2.0]);
        assert_eq!(get(&other, Path::new("f")).unwrap()[0].total, 2.0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (names, shape, said) in [
            (Some("total,pixel"), [1, 3], "2 terms"),
            (Some("total,magic,pixel"), [1, 3], "`magic`"),
            (None, [1, 3], "8 terms"),
        ] {
            let error = get(&file(names, shape, vec![0.0; 3]), Path::new("f")).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}

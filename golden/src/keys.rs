//! Complete key lists of published checkpoints.

use super::path;

/// One array of a checkpoint: its name and shape, empty for a single number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name in the file.
    pub name: String,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
}

impl Key {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether some extent is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads `golden/data/keys/NAME.tsv`: a name, a type and a shape (`64x3x3x3`, `scalar`) a line.
///
/// # Panics
/// If it cannot be read.
pub fn keys(name: &str) -> Vec<Key> {
    let file = path(&format!("keys/{name}.tsv"));
    let text = std::fs::read_to_string(&file).expect("key list can be read");
    let key = |line: &str| {
        let mut columns = line.split('\t');
        let (name, _, shape) = (columns.next()?, columns.next()?, columns.next()?);
        let extents = shape.split('x').filter(|s| *s != "scalar").map(str::parse);
        Some(Key { name: name.to_string(), shape: extents.collect::<Result<_, _>>().ok()? })
    };
    text.lines().map(|line| key(line).unwrap_or_else(|| panic!("{name}: `{line}`"))).collect()
}

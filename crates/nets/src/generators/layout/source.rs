//! The arrays of one network in a file, taken out one by one.

use std::collections::BTreeMap;

use reelgan_checkpoint::{Array, NamedArrays};

use super::detect::plain;
use crate::{Error, Result, Weights};

/// An array that was taken out: shape and numbers, row-major.
pub(super) struct Taken {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

/// The arrays below a prefix, under plain names.
pub(super) struct Source {
    network: &'static str,
    arrays: BTreeMap<String, Array>,
    /// Arrays beside the network, such as a mean code.
    beside: BTreeMap<String, Array>,
}

impl Source {
    /// Keeps what is below the prefix, and the mean codes beside it.
    pub fn new(network: &'static str, arrays: NamedArrays, prefix: &str) -> Result<Self> {
        let mut source = Self { network, arrays: BTreeMap::new(), beside: BTreeMap::new() };
        for (name, array) in arrays {
            let name = plain(&name);
            let (place, name) = match name.strip_prefix(prefix) {
                Some(below) => (&mut source.arrays, below.to_string()),
                None if name == "latent_avg" => (&mut source.beside, name),
                None => continue,
            };
            if place.insert(name.clone(), array).is_some() {
                let problem = format!("two of its arrays are named `{name}`; the file is damaged");
                return Err(source.problem(problem));
            }
        }
        Ok(source)
    }

    /// An error about this file.
    pub fn problem(&self, problem: impl Into<String>) -> Error {
        Error::Generator { network: self.network, problem: problem.into() }
    }

    /// The network's name in errors.
    pub fn network(&self) -> &'static str {
        self.network
    }

    /// Weights to be filled.
    pub fn empty(&self) -> Weights {
        Weights::empty(self.network)
    }

    /// Whether an array is there.
    pub fn has(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// The names left.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.arrays.keys().map(String::as_str)
    }

    /// Takes an array out, as it is.
    ///
    /// # Errors
    /// [`Error::MissingTensor`].
    pub fn take(&mut self, name: &str) -> Result<Taken> {
        let array = self.arrays.remove(name).ok_or_else(|| self.missing(name))?;
        Ok(Taken { shape: array.shape.clone(), data: array.to_f32() })
    }

    /// Takes an array that lies beside the network.
    pub fn take_beside(&mut self, name: &str) -> Option<Taken> {
        let array = self.beside.remove(name)?;
        Some(Taken { shape: array.shape.clone(), data: array.to_f32() })
    }

    /// Takes an array of a given rank, its axes in another order: axis `k` of the
    /// result is axis `order[k]` of the array.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::Shape`].
    pub fn take_permuted(&mut self, name: &str, order: &[usize]) -> Result<Taken> {
        let taken = self.take(name)?;
        if taken.shape.len() != order.len() {
            return Err(Error::Shape {
                network: self.network,
                name: name.to_string(),
                expected: format!("{} axes", order.len()),
                got: taken.shape,
            });
        }
        Ok(taken.permuted(order))
    }

    /// A weight `[in,out]` as `[out,in]`.
    ///
    /// # Errors
    /// As [`Source::take_permuted`].
    pub fn take_dense(&mut self, name: &str) -> Result<Taken> {
        self.take_permuted(name, &[1, 0])
    }

    /// A kernel `[H,W,in,out]` as `[out,in,H,W]`.
    ///
    /// # Errors
    /// As [`Source::take_permuted`].
    pub fn take_hwio(&mut self, name: &str) -> Result<Taken> {
        self.take_permuted(name, &[3, 2, 0, 1])
    }

    /// Every array that is left, under its own name.
    ///
    /// # Errors
    /// None; for the same shape as the other readers.
    pub fn all(&mut self) -> Result<Weights> {
        let mut weights = self.empty();
        for (name, array) in std::mem::take(&mut self.arrays) {
            weights.insert(&name, array.shape.clone(), array.to_f32());
        }
        Ok(weights)
    }

    /// Refuses arrays that nothing has asked for and that are not `ignorable`: where a
    /// layer in the middle is missing, those after it would silently be left out.
    ///
    /// # Errors
    /// [`Error::Generator`].
    pub fn check_rest(&self, ignorable: impl Fn(&str) -> bool) -> Result<()> {
        match self.names().find(|name| !ignorable(name)) {
            None => Ok(()),
            Some(name) => Err(self.unconnected(name)),
        }
    }

    /// The error for an array that hangs on a layer that is not there.
    pub fn unconnected(&self, name: &str) -> Error {
        self.problem(format!(
            "its array `{name}` belongs to no layer that is complete: another one is missing, or \
             this is a variant that cannot be read"
        ))
    }

    /// Refuses a network in the middle of its progressive growing.
    ///
    /// # Errors
    /// [`Error::Generator`].
    pub fn check_grown(&mut self, lod: &str) -> Result<()> {
        if !self.has(lod) {
            return Ok(());
        }
        let value = self.take(lod)?.data.first().copied().unwrap_or(0.0);
        if value == 0.0 {
            return Ok(());
        }
        Err(self.problem(format!(
            "it was saved while its images were still growing (level of detail {value}, not 0); \
             use the file of the finished training"
        )))
    }

    fn missing(&self, name: &str) -> Error {
        Error::MissingTensor { network: self.network, name: name.to_string() }
    }
}

/// The number behind `prefix` in a name, such as 3 in `style.3.weight`.
pub(super) fn numbered(name: &str, prefix: &str) -> Option<usize> {
    let rest = name.strip_prefix(prefix)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[..digits].parse().ok()
}

impl Taken {
    /// Puts it among the weights.
    pub fn put(self, weights: &mut Weights, name: &str) {
        weights.insert(name, self.shape, self.data);
    }

    /// Every number times `factor`.
    pub fn scaled(mut self, factor: f32) -> Self {
        self.data.iter_mut().for_each(|v| *v *= factor);
        self
    }

    /// Without the axes of size 1.
    pub fn squeezed(mut self) -> Self {
        self.shape.retain(|&d| d != 1);
        self
    }

    /// Without a first axis of size 1.
    pub fn without_first(mut self) -> Self {
        if self.shape.len() > 1 && self.shape[0] == 1 {
            self.shape.remove(0);
        }
        self
    }

    fn permuted(self, order: &[usize]) -> Self {
        let rank = order.len();
        let mut strides = vec![1; rank];
        for axis in (0..rank.saturating_sub(1)).rev() {
            strides[axis] = strides[axis + 1] * self.shape[axis + 1];
        }
        let shape: Vec<usize> = order.iter().map(|&axis| self.shape[axis]).collect();
        let strides: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
        let data = (0..self.data.len())
            .map(|mut place| {
                let mut from = 0;
                for axis in (0..rank).rev() {
                    from += place % shape[axis] * strides[axis];
                    place /= shape[axis];
                }
                self.data[from]
            })
            .collect();
        Self { shape, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_change_places() {
        // x[h][w][i][o] = 1000 h + 100 w + 10 i + o.
        let (h, w, i, o) = (2, 3, 4, 5);
        let mut data = Vec::new();
        for place in 0..h * w * i * o {
            let (y, x, from, to) = (place / 60, place / 20 % 3, place / 5 % 4, place % 5);
            data.push((1000 * y + 100 * x + 10 * from + to) as f32);
        }
        let got = Taken { shape: vec![h, w, i, o], data }.permuted(&[3, 2, 0, 1]);
        assert_eq!(got.shape, [o, i, h, w]);
        for (place, value) in got.data.iter().enumerate() {
            let (to, from, y, x) = (place / 24, place / 6 % 4, place / 3 % 2, place % 3);
            assert_eq!(*value, (1000 * y + 100 * x + 10 * from + to) as f32);
        }
    }
}

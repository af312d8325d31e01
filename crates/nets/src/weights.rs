//! Named arrays on their way into a network: every name and shape is checked.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};

use crate::{Error, Result};

/// One array: shape (row-major) and its numbers.
#[derive(Debug, Clone)]
struct Entry {
    shape: Vec<usize>,
    data: Vec<f32>,
}

/// The named arrays of one network.
#[derive(Debug, Clone)]
pub struct Weights {
    network: &'static str,
    entries: BTreeMap<String, Entry>,
}

impl Weights {
    /// Reads any weight file the checkpoint reader knows.
    ///
    /// `network` names what the weights are for; it appears in every error.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if the file cannot be read.
    pub fn open(network: &'static str, path: &Path) -> Result<Self> {
        Ok(Self::from_owned(network, reelgan_checkpoint::open(path)?.arrays))
    }

    /// Takes arrays that were read before.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if an array is not numeric.
    pub fn from_arrays(
        network: &'static str,
        arrays: &reelgan_checkpoint::NamedArrays,
    ) -> Result<Self> {
        let mut weights = Self::empty(network);
        for (name, array) in arrays {
            weights.insert(name, array.shape.clone(), array.to_f32());
        }
        Ok(weights)
    }

    /// Takes arrays that are not needed elsewhere; each is given up as soon as it is
    /// converted, so that a large network is never held twice.
    pub fn from_owned(network: &'static str, arrays: reelgan_checkpoint::NamedArrays) -> Self {
        Self::renamed(network, arrays, |name| Some(name.to_string()))
    }

    /// As [`Weights::from_owned`]; `rename` gives each array its name in the network,
    /// `None` leaves it out.
    pub fn renamed(
        network: &'static str,
        arrays: reelgan_checkpoint::NamedArrays,
        rename: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut weights = Self::empty(network);
        for (name, array) in arrays {
            if let Some(name) = rename(&name) {
                let data = array.to_f32();
                weights.insert(&name, array.shape, data);
            }
        }
        weights
    }

    /// No arrays yet; for networks made in memory (tests, benches).
    pub fn empty(network: &'static str) -> Self {
        Self { network, entries: BTreeMap::new() }
    }

    /// What the weights are for.
    pub fn network(&self) -> &'static str {
        self.network
    }

    /// Adds or replaces an array; `data` is row-major.
    ///
    /// # Panics
    /// If `data` does not fill `shape`.
    pub fn insert(&mut self, name: &str, shape: Vec<usize>, data: Vec<f32>) {
        assert_eq!(
            shape.iter().product::<usize>(),
            data.len(),
            "data must fill the shape of {name}"
        );
        self.entries.insert(name.to_string(), Entry { shape, data });
    }

    /// Whether an array of that name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Shape of an array.
    ///
    /// # Errors
    /// [`Error::MissingTensor`].
    pub fn shape(&self, name: &str) -> Result<&[usize]> {
        Ok(&self.entry(name)?.shape)
    }

    /// Sizes of an array whose axes must be as in `pattern`, where `None` stands for
    /// any size of at least 1.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::Shape`].
    pub fn sizes<const D: usize>(
        &self,
        name: &str,
        pattern: [Option<usize>; D],
    ) -> Result<[usize; D]> {
        let shape = self.shape(name)?;
        let fits = |(&size, wanted): (&usize, &Option<usize>)| {
            size > 0 && wanted.is_none_or(|wanted| wanted == size)
        };
        match <[usize; D]>::try_from(shape) {
            Ok(sizes) if shape.iter().zip(&pattern).all(fits) => Ok(sizes),
            _ => {
                let words = pattern.map(|p| p.map_or("any".into(), |size| size.to_string()));
                Err(self.unexpected(name, &format!("[{}]", words.join(", "))))
            }
        }
    }

    /// The numbers of an array whose shape must be `shape`; size-1 axes of the
    /// file are ignored, since exporters disagree on them.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::Shape`], [`Error::NotFinite`].
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<&[f32]> {
        let entry = self.entry(name)?;
        let squeeze = |s: &[usize]| s.iter().copied().filter(|&d| d != 1).collect::<Vec<_>>();
        if squeeze(&entry.shape) != squeeze(shape) {
            return Err(Error::Shape {
                network: self.network,
                name: name.to_string(),
                expected: format!("{shape:?}"),
                got: entry.shape.clone(),
            });
        }
        if entry.data.iter().any(|v| !v.is_finite()) {
            return Err(Error::NotFinite { network: self.network, name: name.to_string() });
        }
        Ok(&entry.data)
    }

    /// One number.
    ///
    /// # Errors
    /// As [`Weights::values`].
    pub fn scalar(&self, name: &str) -> Result<f32> {
        Ok(self.values(name, &[1])?[0])
    }

    /// An array as a tensor of `shape`.
    ///
    /// # Errors
    /// As [`Weights::values`].
    pub fn tensor<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>> {
        let data = self.values(name, &shape)?.to_vec();
        Ok(Tensor::from_data(TensorData::new(data, shape), device))
    }

    /// Takes an array out; its shape must be `shape`, as for [`Weights::values`].
    ///
    /// A network that takes every array it knows can ask [`Weights::finish`] whether
    /// the file holds others, and needs no second copy of the large ones.
    ///
    /// # Errors
    /// As [`Weights::values`].
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.values(name, shape)?;
        Ok(self.entries.remove(name).expect("it was just looked at").data)
    }

    /// Takes an array out as a tensor of `shape`.
    ///
    /// # Errors
    /// As [`Weights::values`].
    pub fn take_tensor<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>> {
        let data = self.take(name, &shape)?;
        Ok(Tensor::from_data(TensorData::new(data, shape), device))
    }

    /// Refuses arrays that were not taken, unless `ignorable` says their names mean nothing
    /// to the result (counters of a training run, buffers of constants).
    ///
    /// # Errors
    /// [`Error::ExtraTensors`].
    pub fn finish(self, ignorable: impl Fn(&str) -> bool) -> Result<()> {
        let mut extra = self.entries.into_keys().filter(|name| !ignorable(name));
        match extra.next() {
            None => Ok(()),
            Some(name) => {
                Err(Error::ExtraTensors { network: self.network, name, others: extra.count() })
            }
        }
    }

    /// The error for an array whose shape fits no expectation.
    pub fn unexpected(&self, name: &str, expected: &str) -> Error {
        match self.entries.get(name) {
            None => Error::MissingTensor { network: self.network, name: name.to_string() },
            Some(entry) => Error::Shape {
                network: self.network,
                name: name.to_string(),
                expected: expected.to_string(),
                got: entry.shape.clone(),
            },
        }
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        self.entries
            .get(name)
            .ok_or_else(|| Error::MissingTensor { network: self.network, name: name.to_string() })
    }
}

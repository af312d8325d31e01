//! Checkpoints of torch: a pickled tree whose tensors are views of raw storages.

mod legacy;
mod zip;

pub(crate) use legacy::{embedded_storage, index as index_legacy};
pub(crate) use zip::index as index_zip;

/// Name of the container in error messages.
const TORCH: &str = "torch checkpoint";
/// Tensor names are joined by dots, as in `state_dict`.
const SEPARATOR: &str = ".";

//! What can be wrong with a network's weights.

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tensor the network needs is not in the file.
    #[error(
        "{network}: tensor `{name}` is missing; this file does not hold the weights of a {network} (run `reelgan models verify`, or give the right file)"
    )]
    MissingTensor {
        /// The network that was being built.
        network: &'static str,
        /// The name looked for.
        name: String,
    },
    /// A tensor has another shape than the network needs.
    #[error(
        "{network}: tensor `{name}` has shape {got:?}, expected {expected}; the file belongs to another network"
    )]
    Shape {
        /// The network that was being built.
        network: &'static str,
        /// The tensor.
        name: String,
        /// What the network needs, in words.
        expected: String,
        /// What the file holds.
        got: Vec<usize>,
    },
    /// The file holds tensors that the network has no place for.
    #[error(
        "{network}: the file holds {count} tensors that the network has no place for, the first is `{first}`; the file belongs to another network"
    )]
    Extra {
        /// The network that was being built.
        network: &'static str,
        /// How many there are.
        count: usize,
        /// The first by name.
        first: String,
    },
    /// A weight is NaN or infinite.
    #[error("{network}: tensor `{name}` holds a value that is not finite; the file is damaged")]
    NotFinite {
        /// The network that was being built.
        network: &'static str,
        /// The tensor.
        name: String,
    },
    /// The weight file could not be read.
    #[error(transparent)]
    Checkpoint(#[from] reelgan_checkpoint::Error),
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

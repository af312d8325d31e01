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
        "{network}: the file holds `{name}` and {others} more tensors that a {network} does not have; the file belongs to another network"
    )]
    ExtraTensors {
        /// The network that was being built.
        network: &'static str,
        /// The first of them.
        name: String,
        /// How many others there are.
        others: usize,
    },
    /// The file leaves open how the network is to be used.
    #[error("{network}: {problem}")]
    Undecided {
        /// The network that was being built.
        network: &'static str,
        /// What is not said, and what to do.
        problem: String,
    },
    /// The adaptive integration of a flow cannot keep its tolerance.
    #[error(
        "integration from {start} to {end} came to a halt at {at} after {steps} steps; the tolerance {tolerance} cannot be kept in single precision here, give a larger one"
    )]
    Integration {
        /// Where it began.
        start: f64,
        /// Where it should have ended.
        end: f64,
        /// How far it came.
        at: f64,
        /// Steps tried.
        steps: usize,
        /// The tolerance asked for.
        tolerance: f64,
    },
    /// A device that is not here, or whose name means nothing.
    #[error("device `{name}`: {problem}")]
    Device {
        /// The name.
        name: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// A weight is NaN or infinite.
    #[error("{network}: tensor `{name}` holds a value that is not finite; the file is damaged")]
    NotFinite {
        /// The network that was being built.
        network: &'static str,
        /// The tensor.
        name: String,
    },
    /// The arrays of a file are those of no generator known here.
    #[error(
        "this file holds no generator that is known here: its arrays are named {names}; known are {known}"
    )]
    UnknownGenerator {
        /// Some of the names found.
        names: String,
        /// The layouts that can be read.
        known: String,
    },
    /// A generator's file cannot be used as it is.
    #[error("{network}: {problem}")]
    Generator {
        /// The network that was being built.
        network: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The weight file could not be read.
    #[error(transparent)]
    Checkpoint(#[from] reelgan_checkpoint::Error),
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

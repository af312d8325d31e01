//! Bytes to named arrays: a safe, bounded reader of model files.
//!
//! Files come from strangers. Nothing in them is executed, every size is checked before memory is
//! taken, nesting is bounded, and whatever is wrong ends in an [`Error`] that says what and where.
//! The arrays of one file stay within `64 MiB + 16 x` its size.
//!
//! - [`open`] and [`read`]: any checkpoint to a [`Checkpoint`], by content.
//! - [`detect`]: what a file is.
//! - [`package::member`]: one file out of a package as a registry serves it.
//! - [`ir`], [`pickle`], [`npy`], [`tfjs`]: the containers on their own.

mod archive;
mod array;
mod budget;
mod bytes;
mod checkpoint;
mod error;
pub mod ir;
mod kind;
pub mod npy;
pub mod package;
pub mod pickle;
mod safe;
pub mod tfjs;
mod torch;

pub use array::{Array, DType, NamedArrays};
pub use checkpoint::{Checkpoint, open, read};
pub use error::{Error, Result};
pub use kind::{Kind, detect};

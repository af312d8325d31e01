//! Bytes to named arrays: a safe, bounded reader of model files.
//!
//! Files come from strangers. Nothing in them is executed, every size is checked before memory is
//! taken, nesting is bounded, and whatever is wrong ends in an [`Error`] that says what and where.
//! The arrays of one file stay within `64 MiB + 16 x` its size.
//!
//! - [`open`] and [`read`]: any checkpoint to a [`Checkpoint`], by content.
//! - [`Index`]: the same without reading its arrays, which are fetched one by one.
//! - [`detect`]: what a file is.
//! - [`recognise`]: which networks its arrays feed, and what is missing.
//! - [`write_safetensors`]: any checkpoint as safetensors.
//! - [`package::member`]: one file out of a package as a registry serves it.
//! - [`ir`], [`pickle`], [`npy`], [`shards`]: the containers on their own.

mod archive;
mod array;
mod budget;
mod bytes;
mod checkpoint;
mod dlib;
mod error;
mod index;
mod input;
pub mod ir;
mod kind;
mod mat;
pub mod npy;
pub mod package;
pub mod pickle;
mod place;
pub mod recognise;
mod safe;
pub mod shards;
mod source;
mod torch;
mod write;

pub use array::{Array, DType, NamedArrays};
pub use checkpoint::{Checkpoint, open, read};
pub use error::{Error, Result};
pub use index::{ArrayInfo, Index};
pub use kind::{Kind, detect};
pub use write::write_safetensors;

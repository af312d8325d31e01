//! Python pickles, read without running them.
//!
//! [`parse`] is a machine that knows how to build lists, dicts and strings and nothing else: a call
//! becomes an inert [`Call`] that records what would have been called with what. Which of those mean an
//! array is decided afterwards, by looking.

mod flatten;
mod literal;
mod machine;
mod numpy;
mod opcode;
mod tensor;
mod value;

pub use flatten::{Flat, flatten};
pub(crate) use flatten::{Found, find};
pub use machine::parse;
pub(crate) use machine::parse_at;
pub(crate) use numpy::{Endian, element_type, layout};
pub(crate) use tensor::{NoStorages, Storage, Storages, resolve, storage_type};
pub use value::{Call, Pickle, Value};

/// Name of the container in error messages.
const PICKLE: &str = "pickle";

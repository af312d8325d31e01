//! OpenVINO models: a graph in XML and its constants in one binary file.

mod constant;
mod graph;
mod mobilestylegan;
mod parse;

pub use graph::{Graph, Layer};
pub use mobilestylegan::mobilestylegan;
pub(crate) use parse::MAX_XML;

/// Name of the container in error messages.
const IR: &str = "OpenVINO model";

//! Measuring pictures that are there: the reconstructions of a run, pairs of any
//! pictures, a set against a set.
//!
//! Frames are read one at a time, so memory does not grow with their number.
//!
//! ```text
//! panel     names of metrics -> loaded metrics
//! pairs     two clips, frame by frame and step by step; a run is one of inputs and reconstructions
//! set       two sets, or their statistics files
//! result    the numbers            report   the numbers as table, CSV, HTML
//! comparison   methods on synthesised sequences: pace (steps in a given time), inversion,
//!           editability (edits of the codes against the truth)
//! ```

mod comparison;
mod editability;
mod pace;
mod pairs;
mod panel;
mod report;
mod result;
mod set;

pub use comparison::{
    CompareKit, CompareRequest, Comparison, Effort, Progress, Record, Stand, compare, table,
};
pub use editability::{EditJudge, Editability, editability};
pub use pace::Pace;
pub use pairs::{measure_pairs, measure_run};
pub use panel::{NAMES, Needs, Networks, Panel};
pub use report::{csv, html};
pub use result::{Evaluation, Measured, Scope};
pub use set::{Set, measure_sets};

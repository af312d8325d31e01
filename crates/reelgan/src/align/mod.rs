//! From any clip to the crops that a generator of faces knows.
//!
//! ```text
//! survey     every frame: faces, their landmarks, who they are
//! eyes       the eyes where the template expects them
//! track      which faces are one person
//! template   landmarks -> the square of FFHQ
//! steady     landmarks of neighbouring frames averaged along the optical flow
//! smooth     squares over time: gaps filled, jitter taken out
//! plan       all that together: one square a frame
//! export     crops, landmarks, transforms and an overlay in a folder
//! shots      where a clip is cut
//! ```
//!
//! The number of frames never changes: a frame without a face takes its square from
//! its neighbours, and is marked.

mod export;
mod eyes;
mod plan;
mod shots;
mod smooth;
mod steady;
mod survey;
mod template;
mod track;

pub use export::{ExportOptions, Exported, check_folder, export, write_transforms};
pub use plan::{AlignConfig, Alignment, Placement, Source, plan};
pub use shots::Shots;
pub use smooth::{Smoothing, jitter};
pub(crate) use survey::each_frame;
pub use survey::{
    Frame, Progress, Seen, Survey, Tell, read_landmarks, survey, survey_some, survey_some_with,
    survey_with,
};
pub use template::Template;
pub use track::{Track, tracks};

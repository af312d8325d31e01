//! The whole objective (paper eq. 11), one frame at a time.
//!
//! Every term is a mean over frames of something that looks at one reconstruction
//! only (flows and targets come from the inputs), so the objective is a sum over
//! frames and memory does not grow with their number.

mod frame;
mod pairs;
mod weights;

pub use frame::{FrameLoss, Networks, Objective, Terms};
pub use pairs::{FlowPairs, PairPlan};
pub use weights::{ConsistencyBase, LossWeights};

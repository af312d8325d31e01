//! The whole objective (paper eq. 11), one frame at a time.
//!
//! Every term is a mean over frames of something that looks at one reconstruction
//! only (flows and targets come from the inputs), so the objective is a sum over
//! frames: a step holds the graph of one, and targets beyond those that memory has
//! room for ([`Room`]) wait in a file until their frame is looked at.

mod frame;
mod pairs;
mod shelf;
mod weights;

pub use frame::{FrameLoss, Networks, Objective, Terms};
pub use pairs::{FlowPairs, PairPlan};
pub use shelf::Room;
pub use weights::{ConsistencyBase, LossWeights};

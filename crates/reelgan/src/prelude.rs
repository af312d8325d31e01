//! What most programs need, in one line.

pub use burn::tensor::Device;
pub use reelgan_models::Store;
pub use reelgan_nets::DeviceName;
pub use reelgan_run::{Clip, Images, clip::Selection, images::Crop, media};

pub use crate::codes::{CodeFile, Codes, Direction, Rows, Trajectory};
pub use crate::edit::{Edit, edited, morph};
pub use crate::flow::{DenseFlow, FlowEstimator, FlowNet2Flow};
pub use crate::generator::{self, Generator};
pub use crate::invert::{InvertConfig, Inverter, Observer, Preset, Silent};
pub use crate::metric::Metric;
pub use crate::perceptual;
pub use crate::{Error, Result};

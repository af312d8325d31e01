//! Features of pictures.

use burn::tensor::Device;
use reelgan_nets::perceptual::{FidInput, Inception};
use reelgan_run::Images;
use reelgan_run::manifest::Better;

use crate::Result;
use crate::generator::frame_tensor;
use crate::metric::MetricInfo;

/// What the distance of two sets means: `fid_2015_pytorchfid` or `fid_2015_tf`, after
/// the way that pictures are brought to the network.
///
/// It grows as sets get smaller: compare distances of sets of one size only.
pub fn info(input: FidInput) -> MetricInfo {
    let name = match input {
        FidInput::PytorchFid => "fid_2015_pytorchfid",
        FidInput::TensorFlow => "fid_2015_tf",
    };
    MetricInfo::plain(name, Better::Lower)
}

/// The network of FID and how pictures are brought to it.
#[derive(Debug, Clone)]
pub struct FidNetwork {
    network: Inception,
    input: FidInput,
    device: Device,
}

impl FidNetwork {
    /// Takes the network.
    pub fn new(network: Inception, input: FidInput, device: Device) -> Self {
        Self { network, input, device }
    }

    /// The 2048 features of frame `k`; values are clamped to `[0,1]`.
    ///
    /// # Errors
    /// None yet; a device may fail.
    pub fn features(&self, images: &Images, k: usize) -> Result<Vec<f32>> {
        let x = frame_tensor(images, k, &self.device).clamp(0.0, 1.0);
        let features = self.network.features(x, self.input);
        Ok(features.into_data().try_into_vec::<f32>().expect("features are f32"))
    }
}

//! Flow by FlowNet2, from weights that the user has.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use reelgan_nets::flownet2::FlowNet2;
use reelgan_nets::ops::resize_bilinear;
use reelgan_run::Flow;
use reelgan_run::images::Frames;

use super::error::{FlowError, Result};
use super::{FlowEstimator, checked_frame, checked_values};

/// Dense optical flow by FlowNet2, what the paper used.
///
/// The weights are the user's own `FlowNet2_checkpoint.pth.tar` (or the same arrays in another
/// container); they are 650 MB in memory, read when the first flow is asked for or by
/// [`FlowNet2Flow::load`], and let go by [`FlowEstimator::release`].
///
/// The networks need sides that are multiples of 64. Other frames are enlarged to the next multiple,
/// bilinearly, and the flow is brought back to their size, its vectors scaled with it: as the inference
/// code of FlowNet2's users does. The same bits come out for any number of threads.
///
/// How accurate the flow is depends on the weights. The released ones were not at hand when this was
/// written: what is tested is that the arithmetic equals the original's, with weights made by rule.
///
/// # Source   Ilg et al. 2017, FlowNet 2.0; see [`FlowNet2`]
#[derive(Debug)]
pub struct FlowNet2Flow {
    path: PathBuf,
    device: Device,
    net: Mutex<Option<Arc<FlowNet2>>>,
}

impl FlowNet2Flow {
    /// Takes the path of a checkpoint; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>, device: &Device) -> Self {
        Self { path: path.into(), device: device.clone(), net: Mutex::new(None) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the weights, unless they are there.
    ///
    /// # Errors   `FlowError::Checkpoint` for a file that cannot be read, `FlowError::Weights` for
    /// weights of anything else than FlowNet2
    pub fn load(&self) -> Result<()> {
        self.net().map(drop)
    }

    fn net(&self) -> Result<Arc<FlowNet2>> {
        // What another thread left behind when it panicked is whole or absent.
        let mut net = self.net.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(net) = net.as_ref() {
            return Ok(net.clone());
        }
        let read = FlowNet2::open(&self.path, &self.device).map_err(|error| match error {
            reelgan_nets::Error::Checkpoint(error) => FlowError::Checkpoint(error),
            other => FlowError::Weights { path: self.path.clone(), source: Box::new(other) },
        })?;
        Ok(net.insert(Arc::new(read)).clone())
    }

    /// Frame `k` of a size the networks take.
    fn image(&self, frames: &dyn Frames, k: usize, size: [usize; 2]) -> Result<Tensor<4>> {
        let shape = [1, 3, frames.height(), frames.width()];
        let data = TensorData::new(checked_values(frames, k)?.into_owned(), shape);
        Ok(resize_bilinear(Tensor::from_data(data, &self.device), size))
    }
}

impl FlowEstimator for FlowNet2Flow {
    fn name(&self) -> String {
        "flownet2".into()
    }

    /// # Errors   `FlowError::Shape` if there is no such frame, `Pixel` if a pixel lies far outside
    /// `[0,1]`, those of [`FlowNet2Flow::load`], `Data` if the weights give no finite flow
    fn estimate(&self, frames: &dyn Frames, from: usize, to: usize) -> Result<Flow> {
        checked_frame(frames, from)?;
        checked_frame(frames, to)?;
        let size = [frames.height(), frames.width()];
        let taken = size.map(|side| side.next_multiple_of(FlowNet2::MULTIPLE));
        let (from, to) = (self.image(frames, from, taken)?, self.image(frames, to, taken)?);
        let flow = self.net()?.flow(from, to);
        let flow = resize_bilinear(flow, size);
        let mut data = flow.into_data().try_into_vec::<f32>().expect("flows are f32");
        let (dx, dy) = data.split_at_mut(size[0] * size[1]);
        for (component, axis) in [(dx, 1), (dy, 0)] {
            let scale = size[axis] as f32 / taken[axis] as f32;
            component.iter_mut().for_each(|v| *v *= scale);
        }
        Ok(Flow::new(1, size[0], size[1], data)?)
    }

    fn release(&self) {
        *self.net.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

//! The kinds of layer of FlowNet2, taken out of the weights by name.

use burn::tensor::Device;

use crate::ops::{Window, WindowKind};
use crate::{Result, Weights};

/// Slope of the negative side of every activation.
const SLOPE: f32 = 0.1;
/// No activation.
const LINEAR: f32 = 1.0;
/// Components of a flow.
pub const FLOW: usize = 2;

/// Takes the layers of one network out of the weights.
pub struct Reader<'a> {
    weights: &'a mut Weights,
    network: &'static str,
    device: Device,
}

impl<'a> Reader<'a> {
    /// Layers whose names begin with `network`.
    pub fn new(weights: &'a mut Weights, network: &'static str, device: &Device) -> Self {
        Self { weights, network, device: device.clone() }
    }

    /// `NAME.0`: a convolution with activation.
    pub fn conv(&mut self, name: &str, input: usize, side: usize, stride: usize) -> Result<Window> {
        self.convolution(&format!("{name}.0"), [None, Some(input)], side, stride, SLOPE)
    }

    /// `NAME.0`: a 3x3 convolution without activation.
    pub fn inter_conv(&mut self, name: &str, input: usize) -> Result<Window> {
        self.convolution(&format!("{name}.0"), [None, Some(input)], 3, 1, LINEAR)
    }

    /// `NAME`: a 3x3 convolution to a flow.
    pub fn predict_flow(&mut self, name: &str, input: usize) -> Result<Window> {
        self.convolution(name, [Some(FLOW), Some(input)], 3, 1, LINEAR)
    }

    /// `NAME.0`: a transposed convolution with activation.
    pub fn deconv(&mut self, name: &str, input: usize) -> Result<Window> {
        let layer = format!("{name}.0");
        let [_, out] = self.channels(&layer, [Some(input), None], 4)?;
        self.doubling(&layer, [out, input], SLOPE, true)
    }

    /// `NAME`: a transposed convolution of a flow.
    pub fn upsampled_flow(&mut self, name: &str, with_bias: bool) -> Result<Window> {
        self.doubling(name, [FLOW, FLOW], LINEAR, with_bias)
    }

    fn convolution(
        &mut self,
        layer: &str,
        channels: [Option<usize>; 2],
        side: usize,
        stride: usize,
        slope: f32,
    ) -> Result<Window> {
        let [out, input] = self.channels(layer, channels, side)?;
        let weight = self.take(layer, "weight", &[out, input, side, side])?;
        let bias = self.take(layer, "bias", &[out])?;
        let kind = WindowKind::Convolution { side, stride };
        Ok(Window::new(kind, weight, bias, [out, input], slope, &self.device))
    }

    fn doubling(
        &mut self,
        layer: &str,
        [out, input]: [usize; 2],
        slope: f32,
        with_bias: bool,
    ) -> Result<Window> {
        let weight = self.take(layer, "weight", &[input, out, 4, 4])?;
        let bias = if with_bias { self.take(layer, "bias", &[out])? } else { vec![0.0; out] };
        Ok(Window::new(WindowKind::Doubling, weight, bias, [out, input], slope, &self.device))
    }

    /// The first two axes of a weight of `side` times `side`, where those that are known must fit.
    fn channels(&self, layer: &str, known: [Option<usize>; 2], side: usize) -> Result<[usize; 2]> {
        let name = self.name(layer, "weight");
        let fits = |size: usize, known: Option<usize>| size > 0 && known.is_none_or(|k| k == size);
        match *self.weights.shape(&name)? {
            [first, second, h, w]
                if fits(first, known[0]) && fits(second, known[1]) && [h, w] == [side; 2] =>
            {
                Ok([first, second])
            }
            _ => {
                let [first, second] =
                    known.map(|k| k.map_or("channels".into(), |k: usize| k.to_string()));
                let expected = format!("[{first}, {second}, {side}, {side}]");
                Err(self.weights.unexpected(&name, &expected))
            }
        }
    }

    fn take(&mut self, layer: &str, part: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let name = self.name(layer, part);
        self.weights.take(&name, shape)
    }

    fn name(&self, layer: &str, part: &str) -> String {
        format!("{}.{layer}.{part}", self.network)
    }
}

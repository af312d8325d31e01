//! IR-SE-50, the face recognition backbone under pSp and e4e.

use burn::tensor::{Device, Tensor};

use super::layers::{BatchNorm, ChannelAffine, Conv, ConvShape, PRelu, SqueezeExcite, channels};
use crate::{Result, Weights};

/// Units of each group; the first unit of a group halves the size.
const GROUPS: [usize; 4] = [3, 4, 14, 3];

/// The 50-layer improved residual network with squeeze and excitation, up to its last
/// feature map.
///
/// # Source
/// Deng et al. 2019 (ArcFace) as in eladrich/pixel2style2pixel
/// `models/encoders/helpers.py`, `psp_encoders.py`; widths come from the weights.
#[derive(Debug, Clone)]
pub struct IrSe50 {
    input: Conv,
    input_slope: PRelu,
    /// The units of each group.
    groups: [Vec<Unit>; 4],
    widths: [usize; 4],
}

/// The feature maps that a pyramid is built on, fine to coarse.
#[derive(Debug, Clone)]
pub struct Pyramid {
    /// After group 2: `[N,C2,H/4,W/4]`.
    pub c1: Tensor<4>,
    /// After group 3: `[N,C3,H/8,W/8]`.
    pub c2: Tensor<4>,
    /// After group 4: `[N,C4,H/16,W/16]`.
    pub c3: Tensor<4>,
}

/// One residual unit.
#[derive(Debug, Clone)]
struct Unit {
    /// `None`: the channels stay, and every `stride`-th pixel is passed on.
    shortcut: Option<Conv>,
    norm: ChannelAffine,
    conv1: Conv,
    slope: PRelu,
    conv2: Conv,
    excite: SqueezeExcite,
    stride: usize,
}

impl IrSe50 {
    /// Takes `input_layer.*` and `body.0` to `body.23` out of `weights`.
    ///
    /// # Errors
    /// A missing or misshapen array.
    pub fn take(weights: &mut Weights, device: &Device) -> Result<Self> {
        let [stem, _] = channels(weights, "input_layer.0.weight", 3)?;
        let norm = BatchNorm::take(weights, "input_layer.1", stem)?;
        let shape = ConvShape { input: 3, output: stem, kernel: 3, stride: 1 };
        let names = ("input_layer.0.weight", None);
        let input = Conv::take(weights, names, shape, Some(&norm), device)?;
        let input_slope = PRelu::take(weights, "input_layer.2", stem, device)?;
        let (mut width, mut index) = (stem, 0);
        let mut widths = [0; 4];
        let mut groups: [Vec<Unit>; 4] = Default::default();
        for (g, &units) in GROUPS.iter().enumerate() {
            for k in 0..units {
                let stride = if k == 0 { 2 } else { 1 };
                let (unit, out) = Unit::take(weights, index, width, stride, device)?;
                groups[g].push(unit);
                (width, index) = (out, index + 1);
            }
            widths[g] = width;
        }
        Ok(Self { input, input_slope, groups, widths })
    }

    /// Channels after each group.
    pub fn widths(&self) -> [usize; 4] {
        self.widths
    }

    /// Feature maps of `x [N,3,H,W]`, RGB, `[-1,1]`; H and W divisible by 16.
    pub fn forward(&self, x: Tensor<4>) -> Pyramid {
        let x = self.input_slope.forward(self.input.forward(x));
        let group = |g: usize, x: Tensor<4>| self.groups[g].iter().fold(x, |x, u| u.forward(x));
        let c1 = group(1, group(0, x));
        let c2 = group(2, c1.clone());
        let c3 = group(3, c2.clone());
        Pyramid { c1, c2, c3 }
    }
}

impl Unit {
    /// The unit and the channels it puts out.
    fn take(
        weights: &mut Weights,
        index: usize,
        input: usize,
        stride: usize,
        device: &Device,
    ) -> Result<(Self, usize)> {
        let name = |part: &str| format!("body.{index}.{part}");
        let [output, _] = channels(weights, &name("res_layer.3.weight"), 3)?;
        let shape = |kernel, input, output, stride| ConvShape { input, output, kernel, stride };
        let shortcut = if input == output {
            None
        } else {
            let norm = BatchNorm::take(weights, &name("shortcut_layer.1"), output)?;
            let kernel = name("shortcut_layer.0.weight");
            let shape = shape(1, input, output, stride);
            Some(Conv::take(weights, (&kernel, None), shape, Some(&norm), device)?)
        };
        let norm = BatchNorm::take(weights, &name("res_layer.0"), input)?.layer(device);
        // Both convolutions are as wide as the unit; the first one already widens.
        let first = (name("res_layer.1.weight"), shape(3, input, output, 1));
        let conv1 = Conv::take(weights, (&first.0, None), first.1, None, device)?;
        let slope = PRelu::take(weights, &name("res_layer.2"), output, device)?;
        let after = BatchNorm::take(weights, &name("res_layer.4"), output)?;
        let second = (name("res_layer.3.weight"), shape(3, output, output, stride));
        let conv2 = Conv::take(weights, (&second.0, None), second.1, Some(&after), device)?;
        let excite = SqueezeExcite::take(weights, &name("res_layer.5"), output, device)?;
        Ok((Self { shortcut, norm, conv1, slope, conv2, excite, stride }, output))
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(x.clone()),
            None => every(x.clone(), self.stride),
        };
        let y = self.conv1.forward(self.norm.forward(x));
        let y = self.conv2.forward(self.slope.forward(y));
        self.excite.forward(y) + shortcut
    }
}

/// Every `stride`-th pixel of rows and columns, the first one included.
fn every(x: Tensor<4>, stride: usize) -> Tensor<4> {
    if stride == 1 {
        return x;
    }
    let [n, c, h, w] = x.dims();
    let (h, w) = (h / stride, w / stride);
    let rows = x.reshape([n * c, h, stride, w * stride]).slice([0..n * c, 0..h, 0..1]);
    let pixels = rows.reshape([n * c, h, w, stride]).slice([0..n * c, 0..h, 0..w, 0..1]);
    pixels.reshape([n, c, h, w])
}

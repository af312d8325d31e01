//! From an image of any size to a network's input.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// Where the zeros go that make an image square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Right of it or below it.
    After,
    /// On both sides; the odd pixel after it.
    Around,
}

/// The input of a network: its side, its mean colour, and where a square comes from.
///
/// 1. Zeros make the image square; 2. bilinear resize, source position
///    `destination * source / side` (no half-pixel shift), no antialiasing;
/// 3. `(255 x - mean) / 255`.
#[derive(Debug, Clone)]
pub struct Input {
    side: usize,
    padding: Padding,
    /// `mean / 255`, `[1,3,1,1]`.
    shift: Tensor<4>,
}

impl Input {
    pub(super) fn new(side: usize, padding: Padding, mean: [f32; 3], device: &Device) -> Self {
        let data = TensorData::new(mean.map(|m| m / 255.0).to_vec(), [1, 3, 1, 1]);
        Self { side, padding, shift: Tensor::from_data(data, device) }
    }

    /// The input of the three networks on 112 px and, with 150 px, of the identity network.
    pub(super) fn of_crop(side: usize, device: &Device) -> Self {
        Self::new(side, Padding::Around, [122.782, 117.001, 104.298], device)
    }

    /// Side in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// # Shapes `[N,3,H,W]` to `[N,3,side,side]`
    /// # Range  `[0,1]` to differences from the mean colour, about `[-0.5,0.6]`
    ///
    /// Differentiable in `x`.
    pub fn prepare(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let square = h.max(w);
        let x = self.along(x, 2, square);
        self.along(x, 3, square) - self.shift.clone()
    }

    /// Pads and resizes one axis.
    fn along(&self, x: Tensor<4>, axis: usize, square: usize) -> Tensor<4> {
        let length = x.dims()[axis];
        if length == self.side && square == self.side {
            return x;
        }
        let missing = square - length;
        let before = match self.padding {
            Padding::After => 0,
            // All but half of them, rounded up, which go after.
            Padding::Around => missing - missing.div_ceil(2),
        };
        let taps = Taps::new(length, before, square, self.side);
        let device = x.device();
        let mut shape = [1; 4];
        shape[axis] = self.side;
        let side = |index: &[i64], weight: &[f32]| {
            let index = TensorData::new(index.to_vec(), [self.side]);
            let weight = TensorData::new(weight.to_vec(), shape);
            x.clone().select(axis, Tensor::<1, Int>::from_data(index, &device))
                * Tensor::<4>::from_data(weight, &device)
        };
        side(&taps.low, &taps.low_weight) + side(&taps.high, &taps.high_weight)
    }
}

/// The two source pixels of every output of one axis and their weights, which are
/// 0 for pixels in the padding.
struct Taps {
    low: Vec<i64>,
    high: Vec<i64>,
    low_weight: Vec<f32>,
    high_weight: Vec<f32>,
}

impl Taps {
    /// `length` pixels, after `before` zeros, in `square` pixels, resized to `out`.
    fn new(length: usize, before: usize, square: usize, out: usize) -> Self {
        let mut taps = Self { low: vec![], high: vec![], low_weight: vec![], high_weight: vec![] };
        let scale = square as f64 / out as f64;
        for k in 0..out {
            let position = scale * k as f64;
            let low = (position as usize).min(square - 1);
            let high = (position.ceil() as usize).min(square - 1);
            let fraction = (position - low as f64) as f32;
            let place = |p: usize, weight: f32| match p.checked_sub(before) {
                Some(inside) if inside < length => (inside as i64, weight),
                _ => (0, 0.0),
            };
            let ((l, lw), (h, hw)) = (place(low, 1.0 - fraction), place(high, fraction));
            taps.low.push(l);
            taps.high.push(h);
            taps.low_weight.push(lw);
            taps.high_weight.push(hw);
        }
        taps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(padding: Padding, side: usize, x: &[f32], [h, w]: [usize; 2]) -> Vec<f32> {
        let device = Device::flex();
        let input = Input::new(side, padding, [0.0; 3], &device);
        let x = Tensor::<4>::from_data(TensorData::new(x.to_vec(), [1, 1, h, w]), &device);
        let y = input.prepare(x.repeat_dim(1, 3));
        let first = y.slice([0..1, 0..1]);
        first.into_data().try_into_vec::<f32>().expect("f32")
    }

    #[test]
    fn padding_goes_where_it_belongs() {
        // Two rows become four: all after, or one before and one after.
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let zero = [0.0; 4];
        let after = [&x[..], &zero, &zero].concat();
        assert_eq!(prepared(Padding::After, 4, &x, [2, 4]), after);
        let around = [&zero[..], &x, &zero].concat();
        assert_eq!(prepared(Padding::Around, 4, &x, [2, 4]), around);
        // One missing column: it goes after in both.
        let x = [1.0, 2.0];
        assert_eq!(prepared(Padding::Around, 2, &x, [2, 1]), [1.0, 0.0, 2.0, 0.0]);
    }

    #[test]
    fn positions_have_no_half_pixel_shift() {
        // Three pixels to two: source positions 0 and 1.5.
        let x = [0.0, 1.0, 3.0, 0.0, 1.0, 3.0, 0.0, 1.0, 3.0];
        assert_eq!(prepared(Padding::After, 2, &x, [3, 3]), [0.0, 2.0, 0.0, 2.0]);
        // Two to four: 0, 0.5, 1, 1.5, the last clamped.
        let x = [0.0, 1.0, 0.0, 1.0];
        assert_eq!(prepared(Padding::After, 4, &x, [2, 2])[..4], [0.0, 0.5, 1.0, 1.0]);
    }
}

//! Where the faces are: a tiny single-shot detector.

use burn::tensor::{Device, Tensor};

use super::input::{Input, Padding};
use super::layers::{Conv, Part, SeparableConv, max_pool_same};
use crate::{Result, Weights};

/// Widths and heights of the five anchors, in cells.
const ANCHORS: [[f64; 2]; 5] = [
    [1.603231, 2.094468],
    [6.041143, 7.080126],
    [2.882459, 3.518061],
    [4.266906, 5.178857],
    [9.041765, 10.66308],
];
/// Boxes that share more than this part of their union are one face.
const OVERLAP: f64 = 0.4;
/// Channels after each of the six convolutions.
const CHANNELS: [usize; 6] = [16, 32, 64, 128, 256, 512];

/// A face that was found, in pixels of the image; the box is not clipped to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceBox {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width, positive.
    pub width: f64,
    /// Height, positive.
    pub height: f64,
    /// How sure the network is, `[0,1]`.
    pub score: f64,
}

/// The network that finds faces.
#[derive(Debug, Clone)]
pub struct Detector {
    input: Input,
    first: Conv,
    convs: Vec<SeparableConv>,
    last: Conv,
}

impl Detector {
    /// The usual side of its input.
    pub const SIDE: usize = 416;

    /// Reads `detector.*`. The longer side of an image is brought to `side` pixels, a
    /// multiple of 32: more finds smaller faces and takes longer.
    ///
    /// # Errors
    /// A missing, misshapen or superfluous array.
    /// # Panics
    /// If `side` is no positive multiple of 32.
    pub fn from_weights(weights: &Weights, side: usize, device: &Device) -> Result<Self> {
        assert!(side > 0 && side.is_multiple_of(32), "the side is a multiple of 32");
        let part = Part::new(weights, "detector", device);
        let first = Conv::read(&part, "conv0", [3, CHANNELS[0], 3], 1, false)?;
        let mut convs = Vec::new();
        for (k, pair) in CHANNELS.windows(2).enumerate() {
            let name = format!("conv{}", k + 1);
            convs.push(SeparableConv::read(&part, &name, [pair[0], pair[1]], 1)?);
        }
        let last = Conv::read(&part, "conv8", [512, 5 * ANCHORS.len(), 1], 1, false)?;
        part.finish()?;
        let input = Input::new(side, Padding::After, [117.001, 114.697, 97.404], device);
        Ok(Self { input, first, convs, last })
    }

    /// The faces of one image whose score is above `threshold`, the surest first.
    ///
    /// # Shapes `image [1,3,H,W]`
    /// # Range  image `[0,1]`, threshold `[0,1]`
    pub fn detect(&self, image: Tensor<4>, threshold: f64) -> Vec<FaceBox> {
        let [n, _, h, w] = image.dims();
        assert_eq!(n, 1, "faces are found in one image at a time");
        let raw = self.raw(image);
        let grid = raw.dims()[3];
        let numbers = raw.into_data().try_into_vec::<f32>().expect("f32");
        let frame = Frame::new([h, w], self.input.side(), grid);
        let mut found = Vec::new();
        for anchor in 0..ANCHORS.len() {
            for cell in 0..grid * grid {
                let channel = |k: usize| f64::from(numbers[(anchor * 5 + k) * grid * grid + cell]);
                let score = sigmoid(channel(4));
                if score > threshold {
                    let shape = [channel(0), channel(1), channel(2), channel(3)];
                    found.push(frame.face(cell, ANCHORS[anchor], shape, score));
                }
            }
        }
        suppressed(found)
    }

    /// What the network itself puts out, `[N,25,G,G]`: for each of five anchors x, y,
    /// width, height and score, not decoded.
    pub fn raw(&self, image: Tensor<4>) -> Tensor<4> {
        let mut x = leaky(self.first.forward(self.input.prepare(image)));
        for conv in &self.convs {
            x = leaky(conv.forward(max_pool_same(x, 2, 2)));
        }
        self.last.forward(max_pool_same(x, 2, 1))
    }
}

/// `max(x, x / 10)`.
fn leaky(x: Tensor<4>) -> Tensor<4> {
    burn::tensor::activation::leaky_relu(x, 0.1)
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// From cells of the grid to pixels of the image.
struct Frame {
    grid: usize,
    /// Pixels of the image per grid, along x and y: the grid covers a square of which
    /// the image may be a part.
    scale: [f64; 2],
}

impl Frame {
    fn new([h, w]: [usize; 2], side: usize, grid: usize) -> Self {
        // The image at the network's scale, on whole pixels.
        let factor = side as f64 / h.max(w) as f64;
        let scaled = |length: usize| (length as f64 * factor + 0.5).floor().max(1.0);
        let square = scaled(h).max(scaled(w));
        let scale = [w, h].map(|length| length as f64 * square / scaled(length));
        Self { grid, scale }
    }

    fn face(&self, cell: usize, anchor: [f64; 2], shape: [f64; 4], score: f64) -> FaceBox {
        let grid = self.grid as f64;
        let [sx, sy] = self.scale;
        let x = ((cell % self.grid) as f64 + sigmoid(shape[0])) / grid * sx;
        let y = ((cell / self.grid) as f64 + sigmoid(shape[1])) / grid * sy;
        let width = shape[2].exp() * anchor[0] / grid * sx;
        let height = shape[3].exp() * anchor[1] / grid * sy;
        FaceBox { x: x - width / 2.0, y: y - height / 2.0, width, height, score }
    }
}

/// Drops every box that overlaps a surer one; the surest first.
fn suppressed(mut found: Vec<FaceBox>) -> Vec<FaceBox> {
    // A stable order, so that equal scores do not depend on chance.
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<FaceBox> = Vec::new();
    for face in found {
        if kept.iter().all(|other| overlap(&face, other) <= OVERLAP) {
            kept.push(face);
        }
    }
    kept
}

/// Area that two boxes share, as a part of the area that either covers.
fn overlap(a: &FaceBox, b: &FaceBox) -> f64 {
    let shared = |p: f64, np: f64, q: f64, nq: f64| ((p + np).min(q + nq) - p.max(q)).max(0.0);
    let both = shared(a.x, a.width, b.x, b.width) * shared(a.y, a.height, b.y, b.height);
    both / (a.width * a.height + b.width * b.height - both)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f64, width: f64, score: f64) -> FaceBox {
        FaceBox { x, y: 0.0, width, height: 1.0, score }
    }

    #[test]
    fn the_surest_of_overlapping_boxes_stays() {
        // Two squares moved by half share a third of their union.
        assert!((overlap(&face(0.0, 1.0, 0.5), &face(0.5, 1.0, 0.5)) - 1.0 / 3.0).abs() < 1e-12);
        let found = vec![face(0.2, 1.0, 0.6), face(0.5, 1.0, 0.9), face(3.0, 1.0, 0.7)];
        let kept: Vec<f64> = suppressed(found).iter().map(|f| f.score).collect();
        assert_eq!(kept, [0.9, 0.7]);
    }

    #[test]
    fn a_cell_of_a_wide_image_covers_the_padding_too() {
        // 200 x 100: the grid of 13 spans 200 px both ways.
        let frame = Frame::new([100, 200], 416, 13);
        let face = frame.face(13 * 2 + 4, [1.0, 1.0], [0.0; 4], 1.0);
        let cell = 200.0 / 13.0;
        assert!((face.width - cell).abs() < 1e-9 && (face.height - cell).abs() < 1e-9);
        assert!((face.x - 4.0 * cell).abs() < 1e-9 && (face.y - 2.0 * cell).abs() < 1e-9);
    }
}

//! pSp and e4e: the two encoders that share backbone, heads and file layout.

use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor, TensorData};
use reelgan_checkpoint::{Checkpoint, NamedArrays};

use super::layers::{Conv, ConvShape, channels, is_counter, misshapen};
use super::{IrSe50, Map2Style};
use crate::{Error, Result, Weights};

/// First row that reads the middle map, and first row that reads the fine map.
const MIDDLE: usize = 3;
const FINE: usize = 7;
/// How much smaller than the image the coarse map is.
const COARSE_STRIDE: usize = 16;

/// What the outputs of the heads mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PspKind {
    /// pixel2style2pixel: head `i` gives row `i`.
    Psp,
    /// encoder4editing: head 0 gives one row for all, the others what is added to it.
    E4e,
}

impl PspKind {
    /// The kind named by a training run's `encoder_type`.
    fn from_option(text: &str) -> Option<Self> {
        match text {
            "GradualStyleEncoder" => Some(Self::Psp),
            "Encoder4Editing" => Some(Self::E4e),
            _ => None,
        }
    }

    /// Codes from the outputs of the heads, both `[N,L,D]`; the mean code is not in them.
    pub fn codes(self, heads: Tensor<3>) -> Tensor<3> {
        let [n, rows, dim] = heads.dims();
        match self {
            Self::Psp => heads,
            Self::E4e if rows == 1 => heads,
            Self::E4e => {
                let first = heads.clone().slice([0..n, 0..1, 0..dim]);
                let others = heads.slice([0..n, 1..rows, 0..dim]);
                Tensor::cat(vec![first.clone(), others + first], 1)
            }
        }
    }
}

/// An encoder of the pSp family: image to W+ code of StyleGAN2.
///
/// # Source
/// Richardson et al. 2021 (pSp), Tov et al. 2021 (e4e); eladrich/pixel2style2pixel
/// `models/encoders/psp_encoders.py`, omertov/encoder4editing of the same name (its
/// last training stage, in which every head is active).
#[derive(Debug, Clone)]
pub struct Psp {
    kind: PspKind,
    backbone: IrSe50,
    /// To the width of the coarse map: from the middle map, from the fine one.
    lateral: [Conv; 2],
    heads: Vec<Map2Style>,
    /// `[1,L,D]`, added to every code.
    mean: Option<Tensor<3>>,
    side: usize,
    dim: usize,
}

impl Psp {
    /// Name of the network in errors, for [`Weights`].
    pub const NETWORK: &'static str = "pSp/e4e encoder";

    /// Whether arrays of these names hold such an encoder.
    pub fn is_in(arrays: &NamedArrays) -> bool {
        PREFIXES.iter().any(|p| arrays.contains_key(&format!("{p}input_layer.0.weight")))
    }

    /// Builds the encoder of a published checkpoint: `state_dict` with `encoder.*`
    /// (its `decoder.*` is left alone), `latent_avg`, `opts`.
    ///
    /// `kind` of `None` leaves it to `opts.encoder_type`. The mean code is added
    /// unless `opts.start_from_latent_avg` says no.
    ///
    /// # Errors
    /// A missing, misshapen or unknown array; [`Error::Undecided`] if nothing says
    /// which of the two encoders it is.
    pub fn from_checkpoint(
        checkpoint: Checkpoint,
        kind: Option<PspKind>,
        device: &Device,
    ) -> Result<Self> {
        let note = |name: &str| checkpoint.metadata.get(name).map(String::as_str);
        let kind = match (kind, note("opts.encoder_type")) {
            (Some(kind), _) => kind,
            (None, Some(text)) => PspKind::from_option(text).ok_or_else(|| {
                undecided(format!(
                    "the file was trained as `{text}`; GradualStyleEncoder (pSp) and Encoder4Editing (e4e) can be read"
                ))
            })?,
            (None, None) => {
                return Err(undecided(
                    "the file does not say whether it is pSp or e4e (it has no `opts.encoder_type`); say which"
                        .into(),
                ));
            }
        };
        let wants_mean = note("opts.start_from_latent_avg").map(|v| v == "true");
        let mut arrays = checkpoint.arrays;
        let mean = match (wants_mean, arrays.remove(MEAN)) {
            (Some(false), _) | (None, None) => None,
            (Some(true), None) => {
                let (network, name) = (Self::NETWORK, MEAN.to_string());
                return Err(Error::MissingTensor { network, name });
            }
            (_, Some(array)) => Some(array),
        };
        let mut weights = Weights::from_owned(Self::NETWORK, encoder_part(arrays));
        if let Some(mean) = mean {
            weights.insert(MEAN, mean.shape.clone(), mean.to_f32());
        }
        Self::from_weights(weights, kind, device)
    }

    /// Builds the encoder from bare names (`input_layer.*`, `body.*`, `styles.*`,
    /// `latlayer1`, `latlayer2`, perhaps `latent_avg`).
    ///
    /// # Errors
    /// A missing, misshapen or unknown array.
    pub fn from_weights(mut weights: Weights, kind: PspKind, device: &Device) -> Result<Self> {
        let backbone = IrSe50::take(&mut weights, device)?;
        let [_, fine, middle, coarse] = backbone.widths();
        let lateral = [
            lateral(&mut weights, "latlayer1", middle, coarse, device)?,
            lateral(&mut weights, "latlayer2", fine, coarse, device)?,
        ];
        let mut heads: Vec<Map2Style> = Vec::new();
        let mut coarse_side = 0;
        for row in 0.. {
            let name = format!("styles.{row}");
            if row > 0 && !weights.contains(&format!("{name}.convs.0.weight")) {
                break;
            }
            let head = Map2Style::take(&mut weights, &name, coarse, device)?;
            let first = heads.first().unwrap_or(&head);
            coarse_side = first.side();
            if (head.side(), head.dim()) != (coarse_side * zoom(row), first.dim()) {
                return Err(undecided(format!(
                    "`{name}` turns {0}x{0} pixels into {1} numbers, the heads before it call for {2}x{2} and {3}",
                    head.side(),
                    head.dim(),
                    coarse_side * zoom(row),
                    first.dim()
                )));
            }
            heads.push(head);
        }
        let (rows, dim) = (heads.len(), heads[0].dim());
        let mean = mean_code(&mut weights, rows, dim, device)?;
        weights.finish(is_counter)?;
        Ok(Self { kind, backbone, lateral, heads, mean, side: coarse_side * COARSE_STRIDE, dim })
    }

    /// Which of the two it is.
    pub fn kind(&self) -> PspKind {
        self.kind
    }

    /// Side of the images it reads, in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Rows of a code.
    pub fn rows(&self) -> usize {
        self.heads.len()
    }

    /// Width of a code row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Images to codes `[N,L,D]`, the mean code included.
    ///
    /// # Shapes   `images [N,3,S,S]` with `S` of [`Psp::side`]
    /// # Range    RGB, `[0,1]`
    /// # Panics
    /// If the images have another size.
    pub fn encode(&self, images: Tensor<4>) -> Tensor<3> {
        let codes = self.kind.codes(self.heads(images));
        match &self.mean {
            Some(mean) => codes + mean.clone(),
            None => codes,
        }
    }

    /// What the heads say, `[N,L,D]`, before it is made into codes; see [`Psp::encode`].
    ///
    /// # Panics
    /// If the images have another size.
    pub fn heads(&self, images: Tensor<4>) -> Tensor<3> {
        let [_, _, h, w] = images.dims();
        assert_eq!([h, w], [self.side; 2], "images must have the side of the encoder");
        let maps = self.backbone.forward(images.mul_scalar(2.0).sub_scalar(1.0));
        let middle = doubled(maps.c3.clone()) + self.lateral[0].forward(maps.c2);
        let fine = doubled(middle.clone()) + self.lateral[1].forward(maps.c1);
        let rows = self.heads.iter().enumerate().map(|(row, head)| {
            let map = match row {
                ..MIDDLE => &maps.c3,
                MIDDLE..FINE => &middle,
                _ => &fine,
            };
            head.forward(map.clone())
        });
        Tensor::stack::<3>(rows.collect(), 1)
    }
}

/// Where the encoder may stand in a file: in a training checkpoint, in its state dict, alone.
const PREFIXES: [&str; 3] = ["state_dict.encoder.", "encoder.", ""];
/// The mean code, in a file and among our weights.
const MEAN: &str = "latent_avg";

fn undecided(problem: String) -> Error {
    Error::Undecided { network: Psp::NETWORK, problem }
}

/// The arrays of the encoder, without the prefix of its place in the file.
fn encoder_part(arrays: NamedArrays) -> NamedArrays {
    let prefix = PREFIXES
        .into_iter()
        .find(|p| arrays.contains_key(&format!("{p}input_layer.0.weight")))
        .unwrap_or("");
    let strip = |(name, array): (String, _)| {
        name.strip_prefix(prefix).map(|bare| (bare.to_string(), array))
    };
    arrays.into_iter().filter_map(strip).collect()
}

fn lateral(
    weights: &mut Weights,
    name: &str,
    input: usize,
    output: usize,
    device: &Device,
) -> Result<Conv> {
    let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
    channels(weights, &weight, 1)?;
    let shape = ConvShape { input, output, kernel: 1, stride: 1 };
    Conv::take(weights, (&weight, Some(&bias)), shape, None, device)
}

/// How many times larger the map of a row is than the coarse one.
fn zoom(row: usize) -> usize {
    match row {
        ..MIDDLE => 1,
        MIDDLE..FINE => 2,
        _ => 4,
    }
}

/// The mean code `[L,D]`, or `[D]` for all rows alike.
fn mean_code(
    weights: &mut Weights,
    rows: usize,
    dim: usize,
    device: &Device,
) -> Result<Option<Tensor<3>>> {
    if !weights.contains(MEAN) {
        return Ok(None);
    }
    let given = match *weights.shape(MEAN)? {
        [_, d] if d == dim => rows,
        [d] if d == dim => 1,
        _ => return Err(misshapen(weights, MEAN, &format!("[{rows}, {dim}] or [{dim}]"))),
    };
    let values = weights.take(MEAN, &[given, dim])?;
    let mean = Tensor::<3>::from_data(TensorData::new(values, [1, given, dim]), device);
    Ok(Some(mean.expand([1, rows, dim])))
}

/// Twice the size, bilinear, the corner pixels staying in the corners.
fn doubled(x: Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let options = InterpolateOptions::new(InterpolateMode::Bilinear)
        .with_align_corners(true)
        .with_output_size([2 * h, 2 * w]);
    interpolate(x, options)
}

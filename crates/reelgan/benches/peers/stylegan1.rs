//! StyleGAN1 synthesis, forward and backward to the codes, with random weights of
//! the published sizes.

use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;
use reelgan_nets::Weights;
use reelgan_nets::generators::StyleGan1;
use reelgan_nets::ops::SquaredDistance;

use crate::exchange::{Exchange, Results};

/// Width of a code row.
const DIM: usize = 512;
const MAPPING_LAYERS: usize = 8;

/// Serves `n` images of `side` pixels, all in one batch.
pub fn serve(exchange: &Exchange, side: usize, n: usize) {
    let device = Device::flex();
    let mut random = Random::new();
    let arrays = state_dict(&mut random, side);
    let mut weights = Weights::empty(StyleGan1::NETWORK);
    for (name, shape, data) in &arrays {
        weights.insert(name, shape.clone(), data.clone());
    }
    let net = StyleGan1::from_weights(&weights, &device).expect("whole weights");
    drop(weights);
    let codes = random.normal(n * net.rows() * DIM, 1.0);
    let mut inputs = arrays;
    inputs.push(("codes".into(), vec![n, net.rows(), DIM], codes.clone()));
    let noise: Vec<Tensor<4>> = (0..net.rows())
        .map(|k| {
            let [h, w] = net.noise_shapes()[k];
            let plane = random.normal(h * w, 1.0);
            inputs.push((format!("noise{k}"), vec![1, 1, h, w], plane.clone()));
            Tensor::from_data(TensorData::new(plane, [1, 1, h, w]), &device)
        })
        .collect();
    exchange.write_inputs(inputs, &[]);
    let distance = SquaredDistance::new(Tensor::zeros([n, 3, side, side], &device));
    exchange.serve(|| {
        let data = TensorData::new(codes.clone(), [n, net.rows(), DIM]);
        let codes = Tensor::<3>::from_data(data, &device).autodiff().require_grad();
        let image = net.synthesize(codes.clone(), &noise);
        let mut grads = distance.forward(image.clone()).backward();
        let gradient = codes.grad_remove(&mut grads).expect("a gradient");
        Results { value: values(image.inner()), gradient: values(gradient) }
    });
}

pub fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec::<f32>().expect("f32")
}

/// A source of the same numbers in every run.
pub struct Random(Pcg64Mcg);

impl Random {
    pub fn new() -> Self {
        Self(Pcg64Mcg::seed_from_u64(1))
    }

    pub fn normal(&mut self, len: usize, scale: f32) -> Vec<f32> {
        let mut draw = || -> f32 { StandardNormal.sample(&mut self.0) };
        (0..len).map(|_| scale * draw()).collect()
    }
}

type Arrays = Vec<(String, Vec<usize>, Vec<f32>)>;

/// Channels of the layers of a resolution: 8192 shared out, 512 at most.
fn channels(side: usize) -> usize {
    (16_384 / side).min(512)
}

/// Arrays as [`StyleGan1::from_weights`] reads them: unit normal weights, whose scale the
/// network sets, and small biases.
fn state_dict(random: &mut Random, side: usize) -> Arrays {
    let mut arrays = Arrays::new();
    let mut add = |name: String, shape: &[usize], scale: f32| {
        let data = random.normal(shape.iter().product(), scale);
        arrays.push((name, shape.to_vec(), data));
    };
    for i in 0..MAPPING_LAYERS {
        add(format!("g_mapping.dense{i}.weight"), &[DIM, DIM], 1.0);
        add(format!("g_mapping.dense{i}.bias"), &[DIM], 0.1);
    }
    add("g_synthesis.blocks.4x4.const".into(), &[1, channels(4), 4, 4], 1.0);
    let sides: Vec<usize> = (2..).map(|k| 1 << k).take_while(|&s| s <= side).collect();
    for &size in &sides {
        let c = channels(size);
        let block = format!("g_synthesis.blocks.{size}x{size}");
        if size == 4 {
            add(format!("{block}.bias"), &[c], 0.1);
            add(format!("{block}.conv.weight"), &[c, c, 3, 3], 1.0);
            add(format!("{block}.conv.bias"), &[c], 0.1);
        } else {
            add(format!("{block}.conv0_up.weight"), &[c, channels(size / 2), 3, 3], 1.0);
            add(format!("{block}.conv0_up.bias"), &[c], 0.1);
            add(format!("{block}.conv1.weight"), &[c, c, 3, 3], 1.0);
            add(format!("{block}.conv1.bias"), &[c], 0.1);
        }
        for epilogue in ["epi1", "epi2"] {
            add(format!("{block}.{epilogue}.top_epi.noise.weight"), &[c], 0.1);
            add(format!("{block}.{epilogue}.style_mod.lin.weight"), &[2 * c, DIM], 1.0);
            add(format!("{block}.{epilogue}.style_mod.lin.bias"), &[2 * c], 0.1);
        }
    }
    add("g_synthesis.torgb.weight".into(), &[3, channels(side), 1, 1], 1.0);
    add("g_synthesis.torgb.bias".into(), &[3], 0.1);
    arrays
}

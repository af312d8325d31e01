//! The operators that are FlowNet2's own against the original's.

use burn::tensor::TensorData;
use reelgan_golden::{Golden, max_abs};

use super::*;
use crate::ops::correlation;

fn tensor(golden: &Golden, name: &str) -> Tensor<4> {
    let shape: [usize; 4] = golden.shape(name).try_into().expect("rank 4");
    Tensor::from_data(TensorData::new(golden.values(name), shape), &Device::flex())
}

#[track_caller]
fn close(golden: &Golden, got: Tensor<4>, tolerance: f32) {
    assert_eq!(got.dims().to_vec(), golden.shape("out"));
    let got = got.into_data().try_into_vec::<f32>().expect("f32");
    let difference = max_abs(&got, &golden.values("out"));
    assert!(difference <= tolerance, "differs by {difference}");
}

#[test]
fn correlation_matches_the_reference() {
    let golden = Golden::open("flow_correlation.safetensors");
    close(&golden, correlation(tensor(&golden, "a"), tensor(&golden, "b")), 1e-5);
}

#[test]
fn lengths_match_the_reference() {
    let golden = Golden::open("flow_channelnorm.safetensors");
    close(&golden, length(tensor(&golden, "x")), 1e-6);
}

#[test]
fn warping_matches_the_reference() {
    let golden = Golden::open("flow_resample2d.safetensors");
    close(&golden, warped(&tensor(&golden, "img"), tensor(&golden, "flow")), 1e-5);
}

#[test]
fn enlarging_repeats_each_pixel() {
    let x = Tensor::<4>::from_data([[[[1.0, 2.0], [3.0, 4.0]]]], &Device::flex());
    let got = nearest(x, [8, 8]).into_data().try_into_vec::<f32>().expect("f32");
    let want: Vec<f32> = (0..64).map(|i| (i / 32 * 2 + i % 8 / 4 + 1) as f32).collect();
    assert_eq!(got, want);
}

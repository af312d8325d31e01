//! Vectors of four that every target has.

use super::{Isa, Simd};
use std::mem::MaybeUninit;

/// Proof type of [`super::Isa::Portable`].
#[derive(Clone, Copy)]
pub struct Portable(pub(super) ());

/// Applies `f` lane by lane.
#[inline(always)]
fn lanes(a: [f32; 4], b: [f32; 4], f: impl Fn(f32, f32) -> f32) -> [f32; 4] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

impl Simd for Portable {
    type Vector = [f32; 4];
    const ISA: Isa = Isa::Portable;
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 4] {
        [value; 4]
    }
    #[inline(always)]
    fn load(self, source: &[f32]) -> [f32; 4] {
        *source.first_chunk().expect("source holds a vector")
    }
    #[inline(always)]
    fn load_part(self, source: &[f32]) -> [f32; 4] {
        std::array::from_fn(|lane| source.get(lane).copied().unwrap_or(0.0))
    }
    #[inline(always)]
    fn load_after_zero(self, source: &[f32]) -> [f32; 4] {
        std::array::from_fn(|lane| {
            lane.checked_sub(1).and_then(|i| source.get(i).copied()).unwrap_or(0.0)
        })
    }
    #[inline(always)]
    fn store(self, value: [f32; 4], target: &mut [f32]) {
        *target.first_chunk_mut().expect("target holds a vector") = value;
    }
    #[inline(always)]
    fn store_part(self, value: [f32; 4], target: &mut [f32]) {
        for (target, value) in target.iter_mut().zip(value) {
            *target = value;
        }
    }
    #[inline(always)]
    fn store_uninit(self, value: [f32; 4], target: &mut [MaybeUninit<f32>]) {
        *target.first_chunk_mut().expect("target holds a vector") = value.map(MaybeUninit::new);
    }
    #[inline(always)]
    fn stream(self, value: [f32; 4], target: &mut [MaybeUninit<f32>]) {
        self.store_uninit(value, target);
    }
    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn where_positive(self, test: [f32; 4], a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        let pick = |lane: usize| if test[lane] > 0.0 { a[lane] } else { b[lane] };
        [pick(0), pick(1), pick(2), pick(3)]
    }
    #[inline(always)]
    fn sum(self, value: [f32; 4]) -> f32 {
        (value[0] + value[2]) + (value[1] + value[3])
    }
}

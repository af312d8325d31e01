//! Operators of the frozen networks written for the CPU: plain slices in, vectors out, no tensor
//! library.
//!
//! Every operator picks its instruction set at run time ([`simd::Isa`]), splits its work in a way
//! that does not depend on the number of threads, and adds partial sums in a fixed order, so that
//! its results do not depend on that number either. All tensors are `f32`, contiguous, `NCHW`.
#![allow(unsafe_code)] // the one place for it; each block carries its argument

pub mod bf16;
pub mod buffer;
pub mod conv3x3;
pub mod correlation;
pub mod distance;
pub mod doubled;
pub mod epilogue;
pub mod fir;
pub mod gemm;
pub mod haar;
pub mod memory;
pub mod modulated;
pub mod pointwise;
pub mod pool;
pub mod quadratic;
pub mod resize;
pub mod separable;
pub mod simd;
pub mod style;
pub mod warp;
pub mod window;

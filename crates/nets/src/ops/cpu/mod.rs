//! Operators of the frozen networks written for the CPU: plain slices in, vectors out, no tensor
//! library.
//!
//! Every operator picks its instruction set at run time ([`simd::Isa`]), splits its work in a way
//! that does not depend on the number of threads, and adds partial sums in a fixed order, so that
//! its results do not depend on that number either. All tensors are `f32`, contiguous, `NCHW`.
#![allow(unsafe_code)] // the one place for it; each block carries its argument

pub mod buffer;
pub mod conv3x3;
pub mod distance;
pub mod gemm;
pub mod haar;
pub mod memory;
pub mod pointwise;
pub mod pool;
pub mod quadratic;
pub mod resize;
pub mod separable;
pub mod simd;
pub mod style;
pub mod warp;

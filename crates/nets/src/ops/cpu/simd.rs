//! Vector instructions chosen once at run time.
//!
//! A kernel is written once as a [`Kernel`], generic over [`Simd`], and [`Isa::run`] calls the
//! instance that was compiled for the CPU at hand. Inside `run` both the explicit operations of
//! [`Simd`] and plain loops (which the compiler vectorises) use the wide registers, provided that
//! everything below is `#[inline(always)]`.
//!
//! A closure handed to another thread is compiled on its own, without the wide registers: split the
//! work over threads first and call [`Isa::run`] inside, once a tile.

mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

use super::bf16;
use super::gemm::{PANEL, STRIP};
use std::fmt;
use std::mem::MaybeUninit;
use std::str::FromStr;
use std::sync::OnceLock;

/// Environment variable that forces a lower instruction set: `portable`, `avx2` or `avx512`.
pub const ISA_VARIABLE: &str = "REELGAN_ISA";

/// Instruction sets with an instance of every kernel, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What the compilation target guarantees (SSE2 on x86-64), vectors of 4.
    Portable,
    /// AVX2 with fused multiply-add, vectors of 8.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL), vectors of 16.
    Avx512,
}

/// The value of [`ISA_VARIABLE`] cannot be honoured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsaError(String);

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for IsaError {}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Self, IsaError> {
        match name {
            "portable" => Ok(Isa::Portable),
            "avx2" => Ok(Isa::Avx2),
            "avx512" => Ok(Isa::Avx512),
            _ => Err(IsaError(format!(
                "unknown instruction set {name:?}: expected portable, avx2 or avx512"
            ))),
        }
    }
}

impl Isa {
    /// The best instruction set of this CPU.
    pub fn detected() -> Isa {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(detect)
    }

    /// Every instruction set this CPU can run, lowest first.
    pub fn available() -> impl Iterator<Item = Isa> {
        [Isa::Portable, Isa::Avx2, Isa::Avx512].into_iter().filter(|isa| *isa <= Isa::detected())
    }

    /// Whether the CPU multiplies pairs of bf16 numbers faster than the numbers one by one.
    pub fn has_bf16(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self == Isa::Avx512 && is_x86_feature_detected!("avx512bf16");
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// The instruction set to use: that of [`Isa::from_environment`], or the detected one where
    /// that is an error.
    ///
    /// Read once; later changes of the environment have no effect. A program reports the error by
    /// calling [`Isa::from_environment`] at its start.
    pub fn active() -> Isa {
        static ACTIVE: OnceLock<Isa> = OnceLock::new();
        *ACTIVE.get_or_init(|| Isa::from_environment().unwrap_or(Isa::detected()))
    }

    /// The instruction set that [`ISA_VARIABLE`] asks for, the detected one where it is unset or
    /// empty.
    ///
    /// # Errors
    /// The value is none of the names, or names an instruction set that this CPU lacks.
    pub fn from_environment() -> Result<Isa, IsaError> {
        let Some(value) = std::env::var_os(ISA_VARIABLE).filter(|value| !value.is_empty()) else {
            return Ok(Isa::detected());
        };
        let isa: Isa = value
            .to_string_lossy()
            .parse()
            .map_err(|error| IsaError(format!("{ISA_VARIABLE}: {error}")))?;
        if isa > Isa::detected() {
            return Err(IsaError(format!(
                "{ISA_VARIABLE}: this CPU has no {isa:?}, its best is {:?}; unset the variable",
                Isa::detected()
            )));
        }
        Ok(isa)
    }

    /// Runs a kernel with this instruction set on the calling thread.
    ///
    /// # Panics
    /// If the CPU lacks the instruction set.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        assert!(self <= Isa::detected(), "this CPU has no {self:?}");
        match self {
            Isa::Portable => kernel.run(Portable(())),
            // SAFETY: detection above found every feature that the instance is compiled with.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { x86::run_avx2(kernel) },
            // SAFETY: as for AVX2.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { x86::run_avx512(kernel) },
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => unreachable!("never detected on this architecture"),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Isa {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => Isa::Avx512,
        (true, false) => Isa::Avx2,
        _ => Isa::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Isa {
    Isa::Portable
}

/// A piece of work with one instance per instruction set.
pub trait Kernel {
    /// What the work returns.
    type Output;

    /// Does the work. Mark the implementation `#[inline(always)]`, and all that it calls in its
    /// inner loops.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Operations on one vector of `f32`. A value of an implementing type is the proof that the CPU has
/// the instructions: only [`Isa::run`] makes one, after detection.
pub trait Simd: Copy {
    /// A vector of [`Simd::LANES`] numbers.
    type Vector: Copy;
    /// The instruction set whose instructions a value of this type proves.
    const ISA: Isa;
    /// Numbers in a vector.
    const LANES: usize;

    /// The same number in every lane.
    fn splat(self, value: f32) -> Self::Vector;
    /// The first `LANES` numbers of `source`; panics if it is shorter.
    fn load(self, source: &[f32]) -> Self::Vector;
    /// The first `min(LANES, source.len())` numbers, zeros behind them.
    fn load_part(self, source: &[f32]) -> Self::Vector;
    /// A zero, then the first `min(LANES - 1, source.len())` numbers, zeros behind them: the left
    /// neighbours at the start of a zero-padded row.
    fn load_after_zero(self, source: &[f32]) -> Self::Vector;
    /// Writes to the first `LANES` places of `target`; panics if it is shorter.
    fn store(self, value: Self::Vector, target: &mut [f32]);
    /// Writes the first `min(LANES, target.len())` lanes.
    fn store_part(self, value: Self::Vector, target: &mut [f32]);
    /// As [`Simd::store`], to memory that may be uninitialised.
    fn store_uninit(self, value: Self::Vector, target: &mut [MaybeUninit<f32>]);
    /// As [`Simd::store_uninit`], past the caches where the target is aligned to a vector: for maps
    /// so large that nothing of them would be found there later. Visible to other threads when
    /// [`Isa::run`] returns.
    fn stream(self, value: Self::Vector, target: &mut [MaybeUninit<f32>]);
    /// `a + b`.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a - b`.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b`.
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once where the CPU has a fused instruction, twice otherwise.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The larger of each pair.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Lane by lane `a` where `test > 0`, else `b` (also where `test` is not a number).
    fn where_positive(self, test: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The sum of all lanes, in an order fixed for each instruction set.
    fn sum(self, value: Self::Vector) -> f32;

    /// The product of a panel and a strip whose places hold two bf16 numbers each, summed in `f32`
    /// (see [`super::gemm`]). Without an instruction for it, slowly, number by number.
    #[inline(always)]
    fn multiply_pairs(
        self,
        panel: &[[f32; PANEL]],
        strip: &[[f32; STRIP]],
        tile: &mut [[f32; STRIP]; PANEL],
    ) {
        multiply_pairs_one_by_one(panel, strip, tile);
    }

    /// `first`, then all lanes but the last.
    #[inline(always)]
    fn shifted_up(self, first: f32, value: Self::Vector) -> Self::Vector {
        let mut lanes = [first; MAX_LANES + 1];
        self.store(value, &mut lanes[1..]);
        self.load(&lanes)
    }
    /// All lanes but the first, then `last`.
    #[inline(always)]
    fn shifted_down(self, value: Self::Vector, last: f32) -> Self::Vector {
        let mut lanes = [last; MAX_LANES + 1];
        self.store(value, &mut lanes);
        lanes[Self::LANES] = last;
        self.load(&lanes[1..])
    }
    /// Every second number of two vectors in a row: the even ones, the odd ones.
    #[inline(always)]
    fn deinterleave2(self, vectors: [Self::Vector; 2]) -> [Self::Vector; 2] {
        through_memory(self, vectors, |number| (number % 2, number / 2))
    }
    /// The inverse of [`Simd::deinterleave2`].
    #[inline(always)]
    fn interleave2(self, vectors: [Self::Vector; 2]) -> [Self::Vector; 2] {
        let lanes = Self::LANES;
        through_memory(self, vectors, |number| place(number % lanes * 2 + number / lanes, lanes))
    }
    /// Every fourth number of four vectors in a row: those at 0, 4, ..., those at 1, 5, ..., and so on.
    #[inline(always)]
    fn deinterleave4(self, vectors: [Self::Vector; 4]) -> [Self::Vector; 4] {
        through_memory(self, vectors, |number| (number % 4, number / 4))
    }
    /// The inverse of [`Simd::deinterleave4`].
    #[inline(always)]
    fn interleave4(self, vectors: [Self::Vector; 4]) -> [Self::Vector; 4] {
        let lanes = Self::LANES;
        through_memory(self, vectors, |number| place(number % lanes * 4 + number / lanes, lanes))
    }
}

/// [`Simd::multiply_pairs`] without an instruction for it.
#[inline(always)]
fn multiply_pairs_one_by_one(
    panel: &[[f32; PANEL]],
    strip: &[[f32; STRIP]],
    tile: &mut [[f32; STRIP]; PANEL],
) {
    *tile = [[0.0; STRIP]; PANEL];
    for (a, b) in panel.iter().zip(strip) {
        for (a, b) in bf16::part(a).iter().zip(&bf16::part(b)) {
            for (row, a) in tile.iter_mut().zip(a) {
                for (sum, b) in row.iter_mut().zip(b) {
                    *sum += a * b;
                }
            }
        }
    }
}

/// Most lanes of a vector.
pub const MAX_LANES: usize = 16;

/// Vector and lane of a number in vectors in a row.
#[inline(always)]
fn place(number: usize, lanes: usize) -> (usize, usize) {
    (number / lanes, number % lanes)
}

/// Moves number `i` of `N` vectors in a row to vector and lane `to(i)`.
#[inline(always)]
fn through_memory<S: Simd, const N: usize>(
    simd: S,
    vectors: [S::Vector; N],
    to: impl Fn(usize) -> (usize, usize),
) -> [S::Vector; N] {
    let mut lanes = [[0.0; MAX_LANES]; N];
    let mut moved = [[0.0; MAX_LANES]; N];
    for k in 0..N {
        simd.store(vectors[k], &mut lanes[k]);
    }
    for number in 0..N * S::LANES {
        let (vector, lane) = to(number);
        moved[vector][lane] = lanes[number / S::LANES][number % S::LANES];
    }
    let mut out = vectors;
    for k in 0..N {
        out[k] = simd.load(&moved[k]);
    }
    out
}

/// Asks for the memory of `numbers` to be brought near, into the second-level cache. Without effect
/// on any result.
#[inline(always)]
pub fn prefetch(numbers: &[f32]) {
    const LINE: usize = 16;
    #[cfg(target_arch = "x86_64")]
    for line in numbers.chunks(LINE) {
        // SAFETY: the instruction is part of SSE, hence of every x86-64, and touches no memory in
        // the sense of the language.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(
                line.as_ptr().cast(),
            )
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (numbers, LINE);
}

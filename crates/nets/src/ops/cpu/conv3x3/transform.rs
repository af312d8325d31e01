//! The one-dimensional transforms of Winograd's minimal filtering; two dimensions apply them to columns, then to rows.
//!
//! `F(m,3)` gets `m` outputs of a 3-tap filter from `m + 2` products: `y = A^T [(G g) * (B^T d)]`. The matrices follow from
//! `m + 1` interpolation points and infinity.
//! # Source
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.

use super::super::simd::Simd;

/// Most products of a transform.
pub const MAX_POINTS: usize = 6;
/// Most outputs of a transform.
pub const MAX_TILE: usize = 4;

/// One choice of `F(m,3)`.
pub trait Transform {
    /// Outputs `m`.
    const TILE: usize;
    /// Products `m + 2`.
    const POINTS: usize;
    /// `G`, by rows; the first [`Transform::POINTS`] count.
    const FILTER: [[f64; 3]; MAX_POINTS];

    /// `B^T d`; the first [`Transform::POINTS`] numbers of argument and result count.
    fn input<S: Simd>(simd: S, d: [S::Vector; MAX_POINTS]) -> [S::Vector; MAX_POINTS];

    /// `A^T m`; the first [`Transform::TILE`] numbers of the result count.
    fn output<S: Simd>(simd: S, m: [S::Vector; MAX_POINTS]) -> [S::Vector; MAX_TILE];
}

/// `F(2,3)` with the points 0, ±1.
pub struct F2;

impl Transform for F2 {
    const TILE: usize = 2;
    const POINTS: usize = 4;
    const FILTER: [[f64; 3]; 6] =
        [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0], [0.0; 3], [0.0; 3]];

    #[inline(always)]
    fn input<S: Simd>(s: S, d: [S::Vector; 6]) -> [S::Vector; 6] {
        [s.sub(d[0], d[2]), s.add(d[1], d[2]), s.sub(d[2], d[1]), s.sub(d[3], d[1]), d[4], d[5]]
    }

    #[inline(always)]
    fn output<S: Simd>(s: S, m: [S::Vector; 6]) -> [S::Vector; 4] {
        [s.add(m[0], s.add(m[1], m[2])), s.add(s.sub(m[1], m[2]), m[3]), m[2], m[3]]
    }
}

/// `F(4,3)` with the points 0, ±P, ±Q.
///
/// With the usual ±1, ±2 the error is 2.3 times as large. Of the pairs of short binary fractions, whose matrices `f32` holds
/// exactly, this one came out best.
pub struct F4;

const P: f64 = 0.625;
const Q: f64 = 1.5;
const PP: f64 = P * P;
const QQ: f64 = Q * Q;

/// The row of `G` of the point `at`, whose square is `own` and that of the other pair `other`.
const fn filter_row(at: f64, own: f64, other: f64) -> [f64; 3] {
    let scale = 1.0 / (2.0 * own * (own - other));
    [scale, at * scale, own * scale]
}

impl Transform for F4 {
    const TILE: usize = 4;
    const POINTS: usize = 6;
    const FILTER: [[f64; 3]; 6] = [
        [1.0 / (PP * QQ), 0.0, 0.0],
        filter_row(P, PP, QQ),
        filter_row(-P, PP, QQ),
        filter_row(Q, QQ, PP),
        filter_row(-Q, QQ, PP),
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn input<S: Simd>(s: S, d: [S::Vector; 6]) -> [S::Vector; 6] {
        let constant = |value: f64| s.splat(value as f32);
        // The polynomials through ±P share their even and their odd part, and so do those through ±Q.
        let even_p = s.mul_add(constant(-QQ), d[2], d[4]);
        let odd_p = s.mul(constant(P), s.mul_add(constant(-QQ), d[1], d[3]));
        let even_q = s.mul_add(constant(-PP), d[2], d[4]);
        let odd_q = s.mul(constant(Q), s.mul_add(constant(-PP), d[1], d[3]));
        let outer =
            |a, b, c| s.mul_add(constant(PP * QQ), a, s.mul_add(constant(-(PP + QQ)), b, c));
        [
            outer(d[0], d[2], d[4]),
            s.add(even_p, odd_p),
            s.sub(even_p, odd_p),
            s.add(even_q, odd_q),
            s.sub(even_q, odd_q),
            outer(d[1], d[3], d[5]),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(s: S, m: [S::Vector; 6]) -> [S::Vector; 4] {
        let constant = |value: f64| s.splat(value as f32);
        let (even_p, odd_p) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
        let (even_q, odd_q) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
        let blend = |p, q, a, b| s.mul_add(constant(p), a, s.mul(constant(q), b));
        [
            s.add(m[0], s.add(even_p, even_q)),
            blend(P, Q, odd_p, odd_q),
            blend(PP, QQ, even_p, even_q),
            s.add(m[5], blend(P * PP, Q * QQ, odd_p, odd_q)),
        ]
    }
}

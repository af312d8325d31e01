//! Red-black successive over-relaxation for the linear system of one flow increment.
//!
//! At every pixel p the unknown increment (du, dv) satisfies
//! `A_p (du, dv) + sum_q w_pq ((du, dv)_p - (du, dv)_q) = b_p`
//! with a symmetric 2x2 matrix `A_p` from the data term and weights `w_pq`
//! towards the four neighbours from the smoothness term.
//!
//! The two colours of the checkerboard are stored apart. A colour then reads
//! only the other one: its rows are independent (any thread count gives the
//! same bits) and contiguous (the inner loop vectorises).

use rayon::prelude::*;

use super::plane::{Plane, rows_per_task};

/// Numbers stored per unknown: the inverse block, right-hand side, four weights.
const COEFFICIENTS: usize = 9;

/// The system before it is split into colours; every plane has the image's size.
pub(super) struct System {
    /// Data matrix, (1,1) entry.
    pub(super) a11: Plane,
    /// Data matrix, off-diagonal entry.
    pub(super) a12: Plane,
    /// Data matrix, (2,2) entry.
    pub(super) a22: Plane,
    /// Right-hand side for du.
    pub(super) b1: Plane,
    /// Right-hand side for dv.
    pub(super) b2: Plane,
    /// Smoothness weight of the edge to the right neighbour; zero in the last column.
    pub(super) right: Plane,
    /// Smoothness weight of the edge to the neighbour below; zero in the last row.
    pub(super) below: Plane,
}

/// Unknowns of one colour: per image row a padded du row, then a padded dv row.
/// One row of zeros stands above and below the image.
struct Unknowns {
    half: usize,
    data: Vec<f32>,
}

impl Unknowns {
    fn zeros(half: usize, height: usize) -> Self {
        Self { half, data: vec![0.0; 2 * (half + 2) * (height + 2)] }
    }

    /// Floats per image row.
    fn stride(&self) -> usize {
        2 * (self.half + 2)
    }

    /// Padded du and dv of stored row `row` (image row `row - 1`).
    fn row(&self, row: usize) -> (&[f32], &[f32]) {
        self.data[row * self.stride()..(row + 1) * self.stride()].split_at(self.half + 2)
    }
}

impl System {
    /// Runs `sweeps` over-relaxed sweeps from zero and returns (du, dv).
    pub(super) fn solve(&self, sweeps: usize, relaxation: f32) -> (Plane, Plane) {
        let (width, height) = (self.a11.width, self.a11.height);
        let half = width.div_ceil(2);
        let coefficients = [self.coefficients(0, half), self.coefficients(1, half)];
        let mut even = Unknowns::zeros(half, height);
        let mut odd = Unknowns::zeros(half, height);
        for _ in 0..sweeps {
            relax(&mut even, &odd, &coefficients[0], 0, relaxation);
            relax(&mut odd, &even, &coefficients[1], 1, relaxation);
        }
        let unpack = |component: usize| {
            Plane::from_rows(width, height, |y, row| {
                for (colour, unknowns) in [&even, &odd].into_iter().enumerate() {
                    let (du, dv) = unknowns.row(y + 1);
                    let source = if component == 0 { du } else { dv };
                    let cells = row.iter_mut().skip(first(colour, y)).step_by(2);
                    for (out, value) in cells.zip(&source[1..]) {
                        *out = *value;
                    }
                }
            })
        };
        (unpack(0), unpack(1))
    }

    /// Per row of one colour: nine runs of `half` numbers.
    fn coefficients(&self, colour: usize, half: usize) -> Vec<f32> {
        let (width, height) = (self.a11.width, self.a11.height);
        let mut packed = vec![0.0; COEFFICIENTS * half * height];
        packed
            .par_chunks_mut(COEFFICIENTS * half)
            .with_min_len(rows_per_task(width))
            .enumerate()
            .for_each(|(y, row)| {
                for (i, x) in (first(colour, y)..width).step_by(2).enumerate() {
                    for (k, value) in self.cell(x, y).into_iter().enumerate() {
                        row[k * half + i] = value;
                    }
                }
            });
        packed
    }

    /// Inverse block (11, 12, 22), right-hand side (u, v), weights (left, right, up, down).
    fn cell(&self, x: usize, y: usize) -> [f32; COEFFICIENTS] {
        let at = y * self.a11.width + x;
        let left = if x > 0 { self.right.data[at - 1] } else { 0.0 };
        let up = if y > 0 { self.below.data[at - self.a11.width] } else { 0.0 };
        let (right, down) = (self.right.data[at], self.below.data[at]);
        let total = left + right + up + down;
        let (a11, m12, a22) = (self.a11.data[at], self.a12.data[at], self.a22.data[at]);
        let (m11, m22) = (a11 + total, a22 + total);
        // Expanded, so that an edge (data along one direction only) does not
        // cancel the smoothness away in single precision.
        let determinant = (a11 * a22 - m12 * m12).max(0.0) + total * (a11 + a22 + total);
        // A pixel without data and neighbours (a 1x1 image) keeps a zero increment.
        let inverse = if determinant > f32::MIN_POSITIVE { determinant.recip() } else { 0.0 };
        let (b1, b2) = (self.b1.data[at], self.b2.data[at]);
        [m22 * inverse, -m12 * inverse, m11 * inverse, b1, b2, left, right, up, down]
    }
}

/// First column of a colour in row `y`.
fn first(colour: usize, y: usize) -> usize {
    (colour + y) % 2
}

/// One half-sweep: every unknown of `own` from its neighbours in `other`.
fn relax(own: &mut Unknowns, other: &Unknowns, packed: &[f32], colour: usize, relaxation: f32) {
    let (half, stride) = (own.half, own.stride());
    let rows = own.data.len() / stride;
    own.data[stride..(rows - 1) * stride]
        .par_chunks_mut(stride)
        .zip(packed.par_chunks(COEFFICIENTS * half))
        .with_min_len(rows_per_task(2 * half))
        .enumerate()
        .for_each(|(y, (row, coefficients))| {
            let around = [other.row(y), other.row(y + 1), other.row(y + 2)];
            relax_row(row, coefficients, around, first(colour, y), relaxation);
        });
}

/// Relaxes one row. `around` holds the other colour's rows above, beside and below.
fn relax_row(
    row: &mut [f32],
    coefficients: &[f32],
    around: [(&[f32], &[f32]); 3],
    shift: usize,
    relaxation: f32,
) {
    let half = row.len() / 2 - 2;
    let (du, dv) = row.split_at_mut(half + 2);
    let (du, dv) = (&mut du[1..=half], &mut dv[1..=half]);
    let run = |k: usize| &coefficients[k * half..(k + 1) * half];
    let (i11, i12, i22) = (run(0), run(1), run(2));
    let (b1, b2) = (run(3), run(4));
    let (wl, wr, wu, wd) = (run(5), run(6), run(7), run(8));
    let [above, beside, below] = around;
    let (uu, uv) = (&above.0[1..=half], &above.1[1..=half]);
    let (lu, lv) = (&beside.0[shift..shift + half], &beside.1[shift..shift + half]);
    let (ru, rv) = (&beside.0[shift + 1..=shift + half], &beside.1[shift + 1..=shift + half]);
    let (bu, bv) = (&below.0[1..=half], &below.1[1..=half]);
    for i in 0..half {
        let su = b1[i] + wl[i] * lu[i] + wr[i] * ru[i] + wu[i] * uu[i] + wd[i] * bu[i];
        let sv = b2[i] + wl[i] * lv[i] + wr[i] * rv[i] + wu[i] * uv[i] + wd[i] * bv[i];
        du[i] += relaxation * (i11[i] * su + i12[i] * sv - du[i]);
        dv[i] += relaxation * (i12[i] * su + i22[i] * sv - dv[i]);
    }
}

//! The unknowns of a window that takes up where another ends, or that shares rows.

use super::Offsets;
use crate::codes::Codes;

/// Codes that are a held or free first code, known codes, and what is added to them.
///
/// `w_k = start_k + n_1 + ... + n_k + (k / M) d` for the frames `k = 1 .. M` after the
/// first, where `n` are the steps, and `d`, with a value for every row, lets the base code
/// drift over a window that is held at its beginning. Steps in W move all rows alike, as
/// in eq. 2-3, and shared rows not at all.
///
/// # Shapes   first `[1,L,D]`; start `[M,L,D]`; steps `[M, 1 or L, D]`; drift `[1,L,D]`
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    rows: usize,
    dim: usize,
    offsets: Offsets,
    /// Whether the first code is an unknown, too.
    free: bool,
    /// Rows from this one on are the same for all frames; `rows` shares none.
    shared_from: usize,
    start: Vec<f32>,
    first: Vec<f32>,
    drift: Vec<f32>,
    steps: Vec<f32>,
}

impl Path {
    /// A path that rests at a first code which is free (`[L,D]`), over `count` frames.
    ///
    /// # Panics
    /// If `first` is not `rows` rows, or `count` is 0.
    pub fn free(
        first: &[f32],
        rows: usize,
        count: usize,
        offsets: Offsets,
        shared_from: usize,
    ) -> Self {
        assert!(count > 0 && rows > 0 && first.len().is_multiple_of(rows), "a code of {rows} rows");
        let start = first.repeat(count - 1);
        Self::new(first, start, rows, true, offsets).sharing(shared_from)
    }

    /// A path from a code that is held (`[1,L,D]`), through codes known so far, one for each
    /// frame after it; the last of them serves for the frames that have none yet.
    ///
    /// # Panics
    /// If there is no frame after the first, or more codes are known than frames.
    pub fn held(known: &Codes, count: usize, offsets: Offsets, shared_from: usize) -> Self {
        let (have, size) = (known.count(), known.rows() * known.dim());
        assert!(count > 1 && have <= count, "{have} codes for {count} frames");
        let mut start = known.data()[size..].to_vec();
        let mut last = known.code(have - 1).to_vec();
        // Shared rows are those of the held code, whatever came after it.
        let shared = if shared_from == 0 { known.rows() } else { shared_from.min(known.rows()) };
        last[shared * known.dim()..].copy_from_slice(&known.code(0)[shared * known.dim()..]);
        start.extend(last.iter().copied().cycle().take((count - have) * size));
        Self::new(known.code(0), start, known.rows(), false, offsets).sharing(shared_from)
    }

    fn new(first: &[f32], start: Vec<f32>, rows: usize, free: bool, offsets: Offsets) -> Self {
        let size = first.len();
        let (dim, after) = (size / rows, start.len() / size);
        let width = if offsets == Offsets::W { dim } else { size };
        // Rows that each frame has for itself need no drift beside their steps.
        let drift = if free || offsets != Offsets::W { 0 } else { size };
        Self {
            rows,
            dim,
            offsets,
            free,
            shared_from: rows,
            start,
            first: first.to_vec(),
            drift: vec![0.0; drift],
            steps: vec![0.0; after * width],
        }
    }

    fn sharing(mut self, from: usize) -> Self {
        self.shared_from = if from == 0 { self.rows } else { from.min(self.rows) };
        self
    }

    /// How many codes at the beginning are held: 0 or 1.
    pub fn held_codes(&self) -> usize {
        usize::from(!self.free)
    }

    /// How many unknowns.
    pub fn len(&self) -> usize {
        self.base_len() + self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of the unknowns are the first code or its drift: the others are steps.
    pub fn base_len(&self) -> usize {
        if self.free { self.first.len() } else { self.drift.len() }
    }

    /// The unknowns in one row: first code or drift, then steps.
    pub fn values(&self) -> Vec<f32> {
        let base = if self.free { &self.first } else { &self.drift };
        [base.as_slice(), &self.steps].concat()
    }

    /// The unknowns, to be changed, in the order of [`Path::values`].
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        let base = if self.free { &mut self.first } else { &mut self.drift };
        base.iter_mut().chain(&mut self.steps)
    }

    /// The code of every frame, the held one included.
    pub fn codes(&self) -> Codes {
        let size = self.first.len();
        let mut data = self.first.clone();
        // The sum of all changes of the first code and the steps so far.
        let mut moved = vec![0.0f32; size];
        for (k, start) in self.start.chunks_exact(size).enumerate() {
            self.add_step(k, &mut moved);
            let share = self.share(k);
            for i in 0..size {
                let own = i / self.dim < self.shared_from;
                // A free first code moves all frames with it; they all rest at it.
                let rest = if self.free { self.first[i] } else { start[i] };
                let drift = if self.drift.is_empty() { 0.0 } else { share * self.drift[i] };
                data.push(if own { rest + moved[i] + drift } else { rest });
            }
        }
        Codes::new(self.rows, self.dim, data).expect("whole codes")
    }

    /// Gradient to the unknowns from the gradient to every code, `[1+M,L,D]`.
    ///
    /// # Panics
    /// If `codes` is not one gradient for each code.
    pub fn backward(&self, codes: &[f32]) -> Vec<f32> {
        let size = self.first.len();
        assert_eq!(codes.len(), size + self.start.len(), "one gradient for each code");
        let mut base = vec![0.0f32; self.base_len()];
        let mut steps = vec![0.0f32; self.steps.len()];
        let mut tail = vec![0.0f32; size];
        let width = self.width();
        for k in (0..self.start.len() / size).rev() {
            let gradient = &codes[(k + 1) * size..(k + 2) * size];
            if self.offsets == Offsets::Free {
                tail.fill(0.0);
            }
            for (i, g) in gradient.iter().enumerate() {
                if self.free {
                    base[i] += g;
                }
                if i / self.dim < self.shared_from {
                    tail[i] += g;
                    if !self.drift.is_empty() {
                        base[i] += self.share(k) * g;
                    }
                }
            }
            let step = &mut steps[k * width..(k + 1) * width];
            tail.iter().enumerate().for_each(|(i, g)| step[i % width] += g);
        }
        if self.free {
            base.iter_mut().zip(codes).for_each(|(b, g)| *b += g);
        }
        base.extend(steps);
        base
    }

    /// Part of the drift that frame `k` after the first has.
    fn share(&self, k: usize) -> f32 {
        (k + 1) as f32 / (self.start.len() / self.first.len()) as f32
    }

    fn width(&self) -> usize {
        if self.offsets == Offsets::W { self.dim } else { self.first.len() }
    }

    /// Adds step `k`; free codes have what they move by for themselves.
    fn add_step(&self, k: usize, moved: &mut [f32]) {
        let width = self.width();
        let step = &self.steps[k * width..(k + 1) * width];
        for (i, m) in moved.iter_mut().enumerate() {
            match self.offsets {
                Offsets::Free => *m = step[i],
                _ => *m += step[i % width],
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path of three frames after the first, 3 rows of 2, with all unknowns set.
    fn example(free: bool, offsets: Offsets, shared_from: usize) -> Path {
        let known = Codes::new(3, 2, (0..12).map(|v| v as f32).collect()).unwrap();
        let mut path = match free {
            true => Path::free(known.code(0), 3, 4, offsets, shared_from),
            false => Path::held(&known, 4, offsets, shared_from),
        };
        for (i, v) in path.values_mut().enumerate() {
            *v = ((i * i) % 11) as f32 - 4.0;
        }
        path
    }

    #[test]
    fn a_held_code_stays_and_the_others_follow_the_formula() {
        let path = example(false, Offsets::W, 0);
        let values = path.values();
        let (drift, steps) = values.split_at(6);
        let codes = path.codes();
        assert_eq!(codes.code(0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        for k in 1..4 {
            for i in 0..6 {
                let known = if k == 0 { i } else { 6 + i } as f32;
                let moved: f32 = (0..k).map(|j| steps[2 * j + i % 2]).sum();
                let want = known + moved + drift[i] * k as f32 / 3.0;
                assert!((codes.code(k)[i] - want).abs() < 1e-5, "frame {k}, value {i}");
            }
        }
    }

    #[test]
    fn shared_rows_are_those_of_the_first_code() {
        for free in [false, true] {
            let path = example(free, Offsets::W, 2);
            let codes = path.codes();
            if free {
                for k in 1..4 {
                    assert_eq!(codes.code(k)[4..], codes.code(0)[4..]);
                }
            } else {
                // Of the frames that are new here; known codes are what they are.
                assert_eq!(codes.code(3)[4..], codes.code(0)[4..]);
            }
            assert_ne!(codes.code(3)[..4], codes.code(2)[..4]);
        }
    }

    #[test]
    fn backward_is_the_adjoint_of_codes() {
        // codes(p) is affine in p, so <codes(p) - codes(0), g> = <p, backward(g)>.
        for free in [false, true] {
            for offsets in [Offsets::W, Offsets::WPlus, Offsets::Free] {
                for shared in [0, 2] {
                    let path = example(free, offsets, shared);
                    let mut rest = path.clone();
                    rest.values_mut().for_each(|v| *v = 0.0);
                    let g: Vec<f32> = (0..24).map(|i| ((i * 7) % 5) as f32 - 2.0).collect();
                    let (at, zero) = (path.codes(), rest.codes());
                    let moved = at.data().iter().zip(zero.data()).map(|(a, b)| a - b);
                    let left: f32 = moved.zip(&g).map(|(m, g)| m * g).sum();
                    let back = path.backward(&g);
                    let right: f32 = path.values().iter().zip(&back).map(|(v, b)| v * b).sum();
                    assert!(
                        (left - right).abs() < 1e-3 * (1.0 + left.abs()),
                        "free {free}, {offsets:?}, shared from {shared}: {left} and {right}"
                    );
                }
            }
        }
    }
}

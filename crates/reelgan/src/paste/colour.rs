//! Making a crop match its frame where the two meet.

/// The colour by which the source differs from the edited picture along the edge of
/// the mask, carried smoothly over the whole window: adding it makes both agree at
/// the edge and leaves everything finer than `sigma` pixels alone.
///
/// `D(p) = sum_q G(p-q) w(q) (s(q) - e(q)) / sum_q G(p-q) w(q)`, where the weight `w` is
/// `4 a (1 - a)` of the mask `a`, the most in the middle of its edge, and less where
/// the two differ by more than a change of light explains (hair over skin).
///
/// # Shapes   source, edited `[3,h,w]`, mask `[h,w]`; result `[3,h,w]`
/// # Source   normalised convolution, Knutsson and Westin 1993
pub(super) fn difference(
    source: &[f32],
    edited: &[f32],
    mask: &[f32],
    width: usize,
    sigma: f64,
) -> Vec<f32> {
    let height = mask.len() / width;
    let grid = Grid::over(width, height, sigma);
    let mut cells = vec![[0.0f64; 4]; grid.columns * grid.rows];
    for (p, &a) in mask.iter().enumerate() {
        let rim = f64::from(4.0 * a * (1.0 - a));
        if rim > 0.0 {
            let plane = width * height;
            let d: [f64; 3] = std::array::from_fn(|c| {
                f64::from(source[c * plane + p]) - f64::from(edited[c * plane + p])
            });
            let weight = rim / (1.0 + d.iter().map(|d| d * d).sum::<f64>() / (UNLIKE * UNLIKE));
            let cell = &mut cells[grid.cell(p % width, p / width)];
            cell[0] += weight;
            (0..3).for_each(|c| cell[c + 1] += weight * d[c]);
        }
    }
    let field = grid.spread(&cells);
    grid.upsampled(&field)
}

/// A difference of RGB beyond which it is another thing that is seen, not another light.
const UNLIKE: f64 = 0.2;
/// Weights of the Gaussian beyond so many deviations are left out.
const REACH: f64 = 3.5;
/// Cells of the grid in one deviation.
const CELLS: f64 = 4.0;

/// A coarse grid over a window: what is smooth needs no more.
struct Grid {
    width: usize,
    height: usize,
    cell: usize,
    columns: usize,
    rows: usize,
    /// The deviation in cells.
    sigma: f64,
}

impl Grid {
    fn over(width: usize, height: usize, sigma: f64) -> Self {
        let cell = ((sigma / CELLS).floor() as usize).clamp(1, width.max(height).max(1));
        let (columns, rows) = (width.div_ceil(cell), height.div_ceil(cell));
        Self { width, height, cell, columns, rows, sigma: sigma / cell as f64 }
    }

    fn cell(&self, x: usize, y: usize) -> usize {
        (y / self.cell) * self.columns + x / self.cell
    }

    /// Both sums of the formula by a separable Gaussian, and their quotient.
    fn spread(&self, cells: &[[f64; 4]]) -> Vec<[f64; 3]> {
        let total = cells.iter().fold([0.0; 4], |t, c| std::array::from_fn(|k| t[k] + c[k]));
        if total[0] <= 0.0 {
            return vec![[0.0; 3]; cells.len()];
        }
        let kernel = self.kernel();
        let lines = |cells: &[[f64; 4]], length: usize, step: usize| {
            let mut out = vec![[0.0; 4]; cells.len()];
            for (at, sum) in out.iter_mut().enumerate() {
                // The place on this line, and where the line begins.
                let i = (at / step) % length;
                let first = at - i * step;
                for (k, weight) in kernel.iter().enumerate() {
                    for j in [i.checked_sub(k), (k > 0).then_some(i + k)].into_iter().flatten() {
                        if j < length {
                            let from = cells[first + j * step];
                            (0..4).for_each(|c| sum[c] += weight * from[c]);
                        }
                    }
                }
            }
            out
        };
        let across = lines(cells, self.columns, 1);
        let blurred = lines(&across, self.rows, self.columns);
        // Where no weight reaches, the mean stands in.
        let floor = 1e-6;
        let quotient = |cell: &[f64; 4]| {
            std::array::from_fn(|c| {
                (cell[c + 1] + floor * total[c + 1]) / (cell[0] + floor * total[0])
            })
        };
        blurred.iter().map(quotient).collect()
    }

    /// One half of the Gaussian, from its middle.
    fn kernel(&self) -> Vec<f64> {
        let reach = (REACH * self.sigma).ceil() as usize;
        (0..=reach).map(|k| (-0.5 * (k as f64 / self.sigma).powi(2)).exp()).collect()
    }

    /// Cells to pixels, bilinearly between the centres of the cells.
    fn upsampled(&self, field: &[[f64; 3]]) -> Vec<f32> {
        let place = |pixel: usize, cells: usize| {
            let at = (pixel as f64 + 0.5) / self.cell as f64 - 0.5;
            let at = at.clamp(0.0, (cells - 1) as f64);
            let low = at.floor() as usize;
            (low, (low + 1).min(cells - 1), at - low as f64)
        };
        let plane = self.width * self.height;
        let mut out = vec![0.0f32; 3 * plane];
        for y in 0..self.height {
            let (y0, y1, v) = place(y, self.rows);
            for x in 0..self.width {
                let (x0, x1, u) = place(x, self.columns);
                let at = |x: usize, y: usize| field[y * self.columns + x];
                let (a, b, c, d) = (at(x0, y0), at(x1, y0), at(x0, y1), at(x1, y1));
                for k in 0..3 {
                    let (top, bottom) = (a[k] + u * (b[k] - a[k]), c[k] + u * (d[k] - c[k]));
                    out[k * plane + y * self.width + x] = (top + v * (bottom - top)) as f32;
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 60;

    /// 1 in the middle, with a soft edge.
    fn mask() -> Vec<f32> {
        let at = |p: usize| {
            let (x, y) = ((p % SIDE) as f32 - 29.5, (p / SIDE) as f32 - 29.5);
            ((25.0 - x.hypot(y)) / 8.0).clamp(0.0, 1.0)
        };
        (0..SIDE * SIDE).map(at).collect()
    }

    fn texture(c: usize, p: usize) -> f32 {
        0.5 + 0.1 * ((p * 7919 + c * 31) % 17) as f32 / 17.0
    }

    fn planes(f: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        (0..3 * SIDE * SIDE).map(|i| f(i / (SIDE * SIDE), i % (SIDE * SIDE))).collect()
    }

    #[test]
    fn a_cast_is_found_whatever_the_texture() {
        let edited = planes(texture);
        let cast = [0.06, -0.03, 0.01];
        let source = planes(|c, p| texture(c, p) + cast[c]);
        let d = difference(&source, &edited, &mask(), SIDE, 9.0);
        for (i, d) in d.iter().enumerate() {
            assert!((d - cast[i / (SIDE * SIDE)]).abs() < 1e-4, "{i}: {d}");
        }
    }

    #[test]
    fn light_from_one_side_is_followed() {
        let edited = planes(texture);
        let light = |p: usize| 0.1 * ((p % SIDE) as f32 / SIDE as f32 - 0.5);
        let source = planes(|c, p| texture(c, p) + light(p));
        let d = difference(&source, &edited, &mask(), SIDE, 9.0);
        for x in [10, 20, 40, 50] {
            let p = 30 * SIDE + x;
            assert!((d[p] - light(p)).abs() < 0.015, "{x}: {} {}", d[p], light(p));
        }
    }

    #[test]
    fn the_inside_alone_says_nothing() {
        let edited = planes(texture);
        let inside = |p: usize| if mask()[p] == 1.0 { 0.4 } else { 0.0 };
        let source = planes(|c, p| texture(c, p) + inside(p));
        let d = difference(&source, &edited, &mask(), SIDE, 9.0);
        assert!(d.iter().all(|d| d.abs() < 1e-6), "an edit of the inside stays");
        let none = vec![1.0; SIDE * SIDE];
        assert!(difference(&source, &edited, &none, SIDE, 9.0).iter().all(|d| *d == 0.0));
    }

    #[test]
    fn hair_over_the_edge_hardly_counts() {
        let edited = planes(texture);
        // A tenth of the edge shows something else entirely.
        let other = |p: usize| if p / SIDE < 10 && (p % SIDE) > 25 { -0.6 } else { 0.05 };
        let source = planes(|c, p| texture(c, p) + other(p));
        let d = difference(&source, &edited, &mask(), SIDE, 9.0);
        let below = 50 * SIDE + 30;
        assert!((d[below] - 0.05).abs() < 0.005, "{}", d[below]);
    }
}

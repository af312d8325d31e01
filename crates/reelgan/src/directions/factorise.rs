//! Directions found without labels: in the weights (SeFa), in the spread of codes (GANSpace).

use crate::codes::{Direction, Rows};
use crate::generator::{self, Generator, PrincipalAxes};
use crate::spectrum::eigen;
use crate::{Error, Result};

/// SeFa: the directions of W that change the styles of some rows most, the strongest
/// first; unit vectors on those rows and zero on the others.
///
/// The matrices from codes to styles are put side by side, each column normalised, and the
/// eigenvectors of `A A'` taken.
/// # Errors
/// [`Error::Setting`] for a generator whose weights are not known, rows it does not have,
/// a count of 0 or above the width of a code.
/// # Source   Shen, Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs";
/// columns normalised as in its published code
pub fn sefa(generator: &dyn Generator, rows: Rows, count: usize) -> Result<Vec<Direction>> {
    let (dim, all) = (generator.dim(), generator.rows());
    check_count(count, dim)?;
    let range = rows.resolve(all)?;
    let mut product = vec![0.0f64; dim * dim];
    let mut columns = 0;
    for row in range.clone() {
        for weight in generator.style_weights(row) {
            let [_, width] = weight.dims();
            let weight = weight.into_data().try_into_vec::<f32>().expect("weights are f32");
            columns += width;
            add_columns(&mut product, &weight, dim, width);
        }
    }
    if columns == 0 {
        return Err(Error::setting(
            format!("SeFa of {}", generator.identity()),
            "the weights of its styles are not known; take `directions pca`",
        ));
    }
    let (values, vectors) = eigen(&product, dim);
    let total: f64 = values.iter().sum();
    let direction = |k: usize| {
        let vector: Vec<f32> = vectors[k].iter().map(|&v| v as f32).collect();
        let row = |r| if range.contains(&r) { vector.clone() } else { vec![0.0; dim] };
        Direction::new(
            format!("sefa-{}", k + 1),
            (0..all).flat_map(row).collect(),
            all,
            Some(generator.identity().clone()),
            format!(
                "SeFa, eigenvector {} of the style weights of rows {rows}, {:.2} % of their square",
                k + 1,
                100.0 * values[k] / total
            ),
        )
    };
    (0..count).map(direction).collect()
}

/// Adds `a a'` of every normalised column of `weight [D,C]`.
fn add_columns(product: &mut [f64], weight: &[f32], dim: usize, width: usize) {
    for c in 0..width {
        let column: Vec<f64> = (0..dim).map(|d| f64::from(weight[d * width + c])).collect();
        let square: f64 = column.iter().map(|v| v * v).sum();
        if square == 0.0 {
            continue;
        }
        for (row, a) in product.chunks_exact_mut(dim).zip(&column) {
            row.iter_mut().zip(&column).for_each(|(p, b)| *p += a * b / square);
        }
    }
}

/// GANSpace: principal directions of codes drawn from a seed, the widest first; a strength
/// of 1 is one standard deviation of them.
///
/// # Errors
/// [`Error::Setting`] for a count of 0 or above the width of a code, or fewer samples
/// than twice that.
/// # Source   Härkönen et al. 2020, "GANSpace: Discovering Interpretable GAN Controls"
pub fn ganspace(
    generator: &dyn Generator,
    count: usize,
    samples: usize,
    seed: u64,
) -> Result<Vec<Direction>> {
    let dim = generator.dim();
    check_count(count, dim)?;
    if samples < 2 * count {
        let problem =
            format!("{samples} are too few for {count} directions; draw at least twice as many");
        return Err(Error::setting("samples", problem));
    }
    let PrincipalAxes { axes, deviations } = generator::principal_axes(generator, samples, seed)?;
    let total: f64 = deviations.iter().map(|d| d * d).sum();
    let direction = |k: usize| {
        let deviation = deviations[k];
        Direction::new(
            format!("pca-{}", k + 1),
            axes[k].iter().map(|v| (v * deviation) as f32).collect(),
            1,
            Some(generator.identity().clone()),
            format!(
                "GANSpace, principal direction {} of {samples} codes of seed {seed}, {:.2} % of their \
                 variance; strength 1 is one standard deviation, {deviation:.4}",
                k + 1,
                100.0 * deviation * deviation / total
            ),
        )
    };
    (0..count).map(direction).collect()
}

fn check_count(count: usize, dim: usize) -> Result<()> {
    if (1..=dim).contains(&count) {
        return Ok(());
    }
    Err(Error::setting("count", format!("{count} is not 1 to {dim}, the width of a code")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_normalised_and_add_up() {
        // Columns (3,4)/5 and (0,2)/2.
        let mut product = vec![0.0; 4];
        add_columns(&mut product, &[3.0, 0.0, 4.0, 2.0], 2, 2);
        let want = [0.36, 0.48, 0.48, 1.64];
        assert!(product.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{product:?}");
    }
}

//! The distance between two Gaussians.

use super::Statistics;
use super::symmetric::{eigenvalues, factor, sandwich};
use crate::{Error, Result};

/// Frechet distance of two Gaussians: `|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^1/2)`.
///
/// The trace of the root is that of `sqrt(L' S2 L)` with `S1 = L L'`: the matrix is
/// symmetric and has the eigenvalues of `S1 S2`, and a set of fewer pictures than features
/// makes it small instead of singular.
///
/// # Range    result >= 0 up to rounding; about -1e-9 of the traces for equal sets
/// # Errors   [`Error::Shape`] if they have features of different lengths
/// # Source   Dowson, Landau 1982; Heusel et al. 2017, eq. 6
pub fn frechet_distance(a: &Statistics, b: &Statistics) -> Result<f64> {
    let d = a.mean().len();
    if b.mean().len() != d {
        return Err(Error::Shape {
            what: "statistics to compare".into(),
            expected: format!("{d} features"),
            got: b.mean().len().to_string(),
        });
    }
    let means: f64 = a.mean().iter().zip(b.mean()).map(|(a, b)| (a - b).powi(2)).sum();
    let trace = |s: &Statistics| (0..d).map(|i| s.covariance()[i * d + i]).sum::<f64>();
    let lower = factor(a.covariance(), d);
    let rank = lower.len() / d;
    let root: f64 = match rank {
        0 => 0.0,
        _ => eigenvalues(sandwich(&lower, b.covariance(), d), rank)
            .into_iter()
            .map(|v| v.max(0.0).sqrt())
            .sum(),
    };
    Ok(means + trace(a) + trace(b) - 2.0 * root)
}

#[cfg(test)]
mod tests {
    use reelgan_golden::{Golden, path};

    use super::super::Gathered;
    use super::*;

    fn gathered(golden: &Golden, name: &str) -> Statistics {
        let d = golden.shape(name)[1];
        let mut all = Gathered::default();
        // The features themselves are f64; rounding them to f32 costs 1e-7.
        for row in golden.values(name).chunks_exact(d) {
            all.add(row).unwrap();
        }
        all.statistics().unwrap()
    }

    /// Mean and covariance in f64 throughout, as numpy takes them.
    fn exact(golden: &Golden, name: &str) -> Statistics {
        let (rows, d) = (golden.doubles(name), golden.shape(name)[1]);
        let n = rows.len() / d;
        let mean: Vec<f64> =
            (0..d).map(|i| rows.iter().skip(i).step_by(d).sum::<f64>() / n as f64).collect();
        let pair = |i: usize, j: usize| {
            let row = rows.chunks_exact(d);
            row.map(|r| (r[i] - mean[i]) * (r[j] - mean[j])).sum::<f64>() / (n - 1) as f64
        };
        let covariance = (0..d * d).map(|p| pair(p / d, p % d)).collect();
        Statistics::new(mean, covariance).unwrap()
    }

    #[test]
    fn distances_match_the_reference() {
        let golden = Golden::open("fid_formula.safetensors");
        for (set, relative, absolute) in [
            ("full", 1e-6, 0.0),
            ("one_dim", 1e-6, 0.0),
            ("rankdef", 1e-6, 0.0),
            ("same", 0.0, 1e-6),
        ] {
            let of = |k: usize| exact(&golden, &format!("{set}_f{k}"));
            let want = golden.doubles(&format!("{set}_fid_eigh"))[0];
            for (a, b) in [(1, 2), (2, 1)] {
                let got = frechet_distance(&of(a), &of(b)).unwrap();
                let error = (got - want).abs();
                assert!(error <= relative * want.abs() + absolute, "{set}: {got}, not {want}");
            }
        }
    }

    #[test]
    fn gathering_one_by_one_gives_the_statistics_of_the_whole() {
        let golden = Golden::open("fid_formula.safetensors");
        for name in ["full_f1", "rankdef_f2", "one_dim_f1"] {
            let (got, want) = (gathered(&golden, name), exact(&golden, name));
            let pairs = got.mean().iter().zip(want.mean());
            for (a, b) in pairs.chain(got.covariance().iter().zip(want.covariance())) {
                assert!((a - b).abs() < 1e-6 * (1.0 + b.abs()), "{name}: {a} {b}");
            }
        }
    }

    #[test]
    fn files_of_pytorch_fid_are_read_and_our_own_come_back_to_the_bit() {
        let golden = Golden::open("fid_formula.safetensors");
        let theirs = Statistics::read(&path("fid_stats_full_f1.npz")).unwrap();
        let want = exact(&golden, "full_f1");
        for (a, b) in theirs.covariance().iter().zip(want.covariance()) {
            assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()));
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.npz");
        theirs.write(&file).unwrap();
        assert_eq!(Statistics::read(&file).unwrap(), theirs);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let mut one = Gathered::default();
        one.add(&[1.0, 2.0]).unwrap();
        assert!(one.statistics().unwrap_err().to_string().contains("two at least"));
        assert!(one.add(&[1.0]).is_err());
        assert!(Statistics::new(vec![0.0; 2], vec![0.0; 3]).is_err());
        assert!(Statistics::new(vec![f64::NAN], vec![1.0]).is_err());
        let (a, b) =
            (Statistics::new(vec![0.0], vec![1.0]), Statistics::new(vec![0.0; 2], vec![0.0; 4]));
        assert!(frechet_distance(&a.unwrap(), &b.unwrap()).is_err());
    }

    #[test]
    fn gaussians_on_a_line_have_a_closed_form() {
        let line = |mean, deviation: f64| Statistics::new(vec![mean], vec![deviation.powi(2)]);
        let got = frechet_distance(&line(1.0, 2.0).unwrap(), &line(4.0, 6.0).unwrap()).unwrap();
        // (1 - 4)^2 + (2 - 6)^2
        assert!((got - 25.0).abs() < 1e-12, "{got}");
        let point = frechet_distance(&line(1.0, 0.0).unwrap(), &line(4.0, 6.0).unwrap()).unwrap();
        assert!((point - 45.0).abs() < 1e-12, "{point}");
    }
}

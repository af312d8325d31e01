//! Fewer points, the same look.

/// At most `limit` (even, at least 2) of `points`, in order: of each of `limit / 2`
/// equal runs the lowest and the highest that can be drawn, so that no spike is
/// lost; a run without such a point leaves one NaN as a gap.
pub(super) fn thinned(
    points: &[(f64, f64)],
    limit: usize,
    can_draw: impl Fn((f64, f64)) -> bool,
) -> Vec<(f64, f64)> {
    if points.len() <= limit {
        return points.to_vec();
    }
    let runs = limit / 2;
    let mut kept = Vec::with_capacity(limit);
    for run in 0..runs {
        let (from, to) = (run * points.len() / runs, (run + 1) * points.len() / runs);
        let drawn = (from..to).filter(|&i| can_draw(points[i]));
        let by_height = |a: &usize, b: &usize| points[*a].1.total_cmp(&points[*b].1);
        let lowest = drawn.clone().min_by(by_height);
        let highest = drawn.max_by(by_height);
        match lowest.zip(highest) {
            Some((a, b)) => kept.extend([a.min(b), a.max(b)].map(|i| points[i])),
            None => kept.push((f64::NAN, f64::NAN)),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finite(p: (f64, f64)) -> bool {
        p.1.is_finite()
    }

    #[test]
    fn spikes_survive_and_order_is_kept() {
        let mut points: Vec<(f64, f64)> = (0..12_345).map(|i| (f64::from(i), 1.0)).collect();
        points[7_777].1 = 9.0;
        points[3_333].1 = -9.0;
        points[3_334].1 = f64::NAN;
        let few = thinned(&points, 1000, finite);
        assert_eq!(few.len(), 1000);
        assert!(few.contains(&(7_777.0, 9.0)) && few.contains(&(3_333.0, -9.0)));
        assert!(few.windows(2).all(|w| w[0].0 <= w[1].0));
    }

    #[test]
    fn gaps_stay_gaps() {
        let height = |i| if (4_000..6_000).contains(&i) { f64::NAN } else { 1.0 };
        let points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), height(i))).collect();
        let few = thinned(&points, 100, finite);
        assert_eq!(few.iter().filter(|p| !finite(**p)).count(), 10);
        assert_eq!(few.len(), 90);
    }

    #[test]
    fn short_curves_stay() {
        let points = [(0.0, 1.0), (1.0, 2.0)];
        assert_eq!(thinned(&points, 1000, finite), points);
        assert!(thinned(&[], 1000, finite).is_empty());
    }
}

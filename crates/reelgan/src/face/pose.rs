//! Which way a head is turned, from its landmarks.

use reelgan_run::Landmarks;

/// Angles of a head in degrees; 0 looks straight ahead.
///
/// Absolute values lean on an average head, so they are good to some five degrees;
/// differences between pictures of one person are better than that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Positive: turned to the right of the picture.
    pub yaw: f64,
    /// Positive: looking up.
    pub pitch: f64,
    /// Positive: tilted clockwise in the picture.
    pub roll: f64,
}

/// Points of an average adult head that neither speech nor blinking moves far:
/// number of the landmark, then x to the right of the picture, y down and z towards
/// the viewer, in millimetres from the middle between the eyes.
///
/// # Source   distances between these points as anthropometry reports them, rounded:
/// outer corners of the eyes 90 apart, inner ones 33, nose 34 wide and 54 high, its tip
/// 18 before its base, mouth 52 wide
const HEAD: [(usize, [f64; 3]); 12] = [
    (36, [-45.0, 0.0, -8.0]),
    (39, [-16.5, 1.0, 4.0]),
    (42, [16.5, 1.0, 4.0]),
    (45, [45.0, 0.0, -8.0]),
    (27, [0.0, -4.0, 14.0]),
    (30, [0.0, 38.0, 36.0]),
    (31, [-13.0, 48.0, 15.0]),
    (33, [0.0, 51.0, 18.0]),
    (35, [13.0, 48.0, 15.0]),
    (48, [-26.0, 74.0, 8.0]),
    (51, [0.0, 68.0, 20.0]),
    (54, [26.0, 74.0, 8.0]),
];

impl Pose {
    /// The pose under which an average head comes nearest to these points, seen from
    /// far away (weak perspective); `None` if they lie on a line or a point.
    ///
    /// # Source   least squares for an affine camera, then the nearest rotation of its
    /// two rows (symmetric orthogonalisation)
    pub fn of(face: &Landmarks) -> Option<Self> {
        let points = HEAD.map(|(k, _)| face.points()[k]);
        let [a, b] = camera(&points)?;
        // (A A')^(-1/2) A is the orthonormal pair nearest to A = [a; b].
        let (aa, ab, bb) = (dot(a, a), dot(a, b), dot(b, b));
        let root = (aa * bb - ab * ab).max(0.0).sqrt();
        let sum = (aa + bb + 2.0 * root).sqrt();
        if !(root > 0.0 && sum.is_finite()) {
            return None;
        }
        // The square root of a 2x2 matrix M is (M + sqrt(det M) 1) / sqrt(tr M + 2 sqrt(det M)).
        let (p, q, r) = ((aa + root) / sum, ab / sum, (bb + root) / sum);
        let det = p * r - q * q;
        let mix = |x: f64, y: f64| std::array::from_fn(|k| (x * a[k] + y * b[k]) / det);
        let (u, v): ([f64; 3], [f64; 3]) = (mix(r, -q), mix(-q, p));
        let depth = (1.0 - u[2] * u[2] - v[2] * v[2]).max(0.0).sqrt();
        Some(Self {
            yaw: u[2].atan2(depth).to_degrees(),
            pitch: (-v[2]).clamp(-1.0, 1.0).asin().to_degrees(),
            roll: v[0].atan2(u[0]).to_degrees(),
        })
    }
}

/// The rows of the affine camera that takes [`HEAD`] nearest to the points, without
/// its translation.
fn camera(points: &[[f64; 2]; HEAD.len()]) -> Option<[[f64; 3]; 2]> {
    let mean = |of: &dyn Fn(usize) -> f64| (0..HEAD.len()).map(of).sum::<f64>() / HEAD.len() as f64;
    let centre: [f64; 3] = std::array::from_fn(|axis| mean(&|k| HEAD[k].1[axis]));
    let mut normal = [[0.0; 3]; 3];
    let mut right = [[0.0; 3]; 2];
    for ((_, at), point) in HEAD.iter().zip(points) {
        let x: [f64; 3] = std::array::from_fn(|axis| at[axis] - centre[axis]);
        for i in 0..3 {
            for j in 0..3 {
                normal[i][j] += x[i] * x[j];
            }
            // The head is centred, so the mean of the points drops out.
            right[0][i] += x[i] * point[0];
            right[1][i] += x[i] * point[1];
        }
    }
    let inverse = inverted(normal)?;
    let row = |r: [f64; 3]| std::array::from_fn(|i| dot(inverse[i], r));
    Some([row(right[0]), row(right[1])])
}

/// The inverse of a symmetric matrix by cofactors.
fn inverted(m: [[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let minor = |i: usize, j: usize| {
        let (a, b) = ((i + 1) % 3, (i + 2) % 3);
        let (c, d) = ((j + 1) % 3, (j + 2) % 3);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let det: f64 = (0..3).map(|j| m[0][j] * minor(0, j)).sum();
    (det.abs() > 0.0).then(|| std::array::from_fn(|i| std::array::from_fn(|j| minor(j, i) / det)))
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The average head under a pose, enlarged and moved.
    fn seen(pose: Pose) -> Landmarks {
        let (sy, cy) = pose.yaw.to_radians().sin_cos();
        let (sp, cp) = pose.pitch.to_radians().sin_cos();
        let (sr, cr) = pose.roll.to_radians().sin_cos();
        let mut points = [[0.0; 2]; reelgan_run::landmarks::POINTS];
        for (k, [x, y, z]) in HEAD {
            // Yaw about the vertical, then pitch about the horizontal, then roll.
            let (x, z) = (cy * x + sy * z, -sy * x + cy * z);
            let y = cp * y - sp * z;
            points[k] = [3.0 * (cr * x - sr * y) + 500.0, 3.0 * (sr * x + cr * y) + 400.0];
        }
        Landmarks::new(points).unwrap()
    }

    #[test]
    fn angles_come_back_one_by_one() {
        for angle in [-40.0, -5.0, 0.0, 12.0, 35.0] {
            let still = Pose { yaw: 0.0, pitch: 0.0, roll: 0.0 };
            for want in [
                Pose { yaw: angle, ..still },
                Pose { pitch: angle, ..still },
                Pose { roll: angle, ..still },
            ] {
                let got = Pose::of(&seen(want)).unwrap();
                let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
                let same = near(got.yaw, want.yaw) && near(got.pitch, want.pitch);
                assert!(same && near(got.roll, want.roll), "{got:?} {want:?}");
            }
        }
    }

    #[test]
    fn a_point_has_no_pose() {
        let face = Landmarks::new([[7.0, 9.0]; reelgan_run::landmarks::POINTS]).unwrap();
        assert_eq!(Pose::of(&face), None);
    }
}

//! Reproducible pseudo-random weights (the "DETW" rule of the reference data).

/// Numbers in `[-1,1)` that follow from a name: SplitMix64 seeded with FNV-1a of it.
#[derive(Debug, Clone)]
pub struct Detw {
    seed: u64,
    index: u64,
}

impl Detw {
    /// Starts the numbers of `name`.
    pub fn new(name: &str) -> Self {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { seed, index: 0 }
    }
}

impl Iterator for Detw {
    type Item = f32;

    fn next(&mut self) -> Option<f32> {
        self.index += 1;
        let mut z = self.seed.wrapping_add(self.index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        Some((z >> 40) as f32 * 2f32.powi(-23) - 1.0)
    }
}

/// `len` numbers of `name`, times `bound`.
pub fn detw(name: &str, len: usize, bound: f32) -> Vec<f32> {
    Detw::new(name).take(len).map(|u| u * bound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_numbers_are_the_published_ones() {
        let got: Vec<f32> = Detw::new("flownetc.conv1.0.weight").take(5).collect();
        assert_eq!(got, [-0.080_139_4, -0.276_968_36, 0.536_333_3, -0.576_458_7, -0.177_391_77]);
    }
}

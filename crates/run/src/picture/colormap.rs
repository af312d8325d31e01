//! Colours for amounts: dark is little, bright is much.

/// The colour of `amount`, 0 (none: near black) to 1 (full: pale yellow); values
/// outside and infinities take the colour of the nearer end, NaN a grey that no
/// amount has.
///
/// Equal steps of the amount look like equal steps of lightness: the ramp is a
/// straight line in OKLab lightness, with the hue turning from violet over red
/// to yellow, so it also reads in grey and without red-green vision.
///
/// # Source  OKLab: B. Ottosson, "A perceptual color space for image processing", 2020
pub fn heat_colour(amount: f32) -> [u8; 3] {
    if amount.is_nan() {
        return [128, 128, 128];
    }
    let t = amount.clamp(0.0, 1.0);
    let lightness = 0.14 + 0.82 * t;
    let hue = (285.0 + 180.0 * t).to_radians();
    // Little colour at both ends, where few colours fit the screen.
    let wanted = 0.05 + 0.17 * (std::f32::consts::PI * t.powf(0.8)).sin();
    let chroma = largest_shown(lightness, wanted, hue);
    linear_rgb(lightness, chroma, hue).map(encode)
}

/// The largest chroma up to `wanted` that a screen can show.
fn largest_shown(lightness: f32, wanted: f32, hue: f32) -> f32 {
    let shown = |chroma| {
        let rgb = linear_rgb(lightness, chroma, hue);
        rgb.iter().all(|v| (0.0..=1.0).contains(v))
    };
    if shown(wanted) {
        return wanted;
    }
    let (mut inside, mut outside) = (0.0, wanted);
    for _ in 0..16 {
        let middle = 0.5 * (inside + outside);
        if shown(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    inside
}

/// OKLab lightness, chroma and hue (radians) to linear light.
fn linear_rgb(lightness: f32, chroma: f32, hue: f32) -> [f32; 3] {
    let (a, b) = (chroma * hue.cos(), chroma * hue.sin());
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
        -0.004_196_086 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
}

/// Linear light to an sRGB byte.
fn encode(v: f32) -> u8 {
    let v = v.clamp(0.0, 1.0);
    let shown = if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
    (shown * 255.0 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE lightness L* of an sRGB colour: another measure than the one that
    /// the ramp is built on.
    fn cie_lightness(rgb: [u8; 3]) -> f32 {
        let linear = rgb.map(|v| {
            let v = f32::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        });
        let y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        if y > 0.008856 { 116.0 * y.cbrt() - 16.0 } else { 903.3 * y }
    }

    #[test]
    fn lightness_rises_all_the_way_in_similar_steps() {
        let ramp: Vec<f32> =
            (0..=32).map(|i| cie_lightness(heat_colour(i as f32 / 32.0))).collect();
        let steps: Vec<f32> = ramp.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(steps.iter().all(|&s| s > 0.8 && s < 6.0), "{steps:?}");
        assert!(ramp[0] < 8.0 && ramp[32] > 90.0, "{} {}", ramp[0], ramp[32]);
    }

    #[test]
    fn values_off_the_scale_have_a_colour_too() {
        assert_eq!(heat_colour(f32::INFINITY), heat_colour(1.0));
        assert_eq!(heat_colour(-3.0), heat_colour(0.0));
        let grey = heat_colour(f32::NAN);
        assert!((0..=255).all(|i| heat_colour(i as f32 / 255.0) != grey));
    }

    #[test]
    fn white_of_oklab_is_white() {
        assert_eq!(linear_rgb(1.0, 0.0, 0.0).map(encode), [255, 255, 255]);
        assert_eq!(linear_rgb(0.0, 0.0, 0.0).map(encode), [0, 0, 0]);
    }
}

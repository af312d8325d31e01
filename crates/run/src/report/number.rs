//! Numbers as people read them.

/// `v` with `digits` (1 to 15) significant digits: plain from 0.0001 to below a
/// million, otherwise with an exponent; NaN and infinities by name.
pub fn significant(v: f64, digits: usize) -> String {
    if v.is_nan() {
        return "NaN".into();
    }
    if v.is_infinite() {
        return if v > 0.0 { "∞".into() } else { "−∞".into() };
    }
    if v == 0.0 {
        return "0".into();
    }
    let digits = digits.clamp(1, 15);
    // The exponent after rounding, so that 9.99996 counts as 10.
    let scientific = format!("{v:.*e}", digits - 1);
    let exponent: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let text = if (-4..6).contains(&exponent) {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        format!("{v:.decimals$}")
    } else {
        scientific
    };
    text.replacen('-', "−", usize::from(v < 0.0))
}

#[cfg(test)]
mod tests {
    use super::significant;

    #[test]
    fn numbers_read_well() {
        let cases = [
            (0.0, "0"),
            (0.0123456, "0.01235"),
            (20.6, "20.60"),
            (9.99996, "10.00"),
            (-3.5, "−3.500"),
            (123456.7, "123457"),
            (0.0001, "0.0001000"),
            (1.25e-7, "1.250e-7"),
            (-4.0e9, "−4.000e9"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "−∞"),
        ];
        for (v, text) in cases {
            assert_eq!(significant(v, 4), text, "{v:e}");
        }
        assert_eq!(significant(f64::MAX, 0), "2e308");
    }
}

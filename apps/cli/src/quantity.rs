//! Numbers as people read them.

use std::time::Duration;

/// `37.6 MB`: decimal units, as disks and downloads have them.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// `42 s`, `12 min`, `2 h 10 min`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    match seconds {
        0..100 => format!("{seconds} s"),
        100..5_400 => format!("{} min", (seconds + 30) / 60),
        _ => {
            let minutes = (seconds + 30) / 60;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// Four digits that mean something: `0.01234`, `3.21`, `1234`, `1.2e-7`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{value:.2e}");
    }
    let before = size.log10().floor() as i32 + 1;
    let decimals = usize::try_from(4 - before).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

/// `1 frame`, `5 frames`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (value, want) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.012_345_6, "0.01235"),
            (3.214_2, "3.214"),
            (99.999_9, "100"),
            (12_345.6, "12346"),
            (0.000_000_12, "1.20e-7"),
            (-0.5, "-0.5"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), want);
        }
    }

    #[test]
    fn sizes_and_times_read_well() {
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(37_588_926), "37.6 MB");
        assert_eq!(duration(Duration::from_millis(41_700)), "42 s");
        assert_eq!(duration(Duration::from_secs(150)), "3 min");
        assert_eq!(duration(Duration::from_secs(7_800)), "2 h 10 min");
        assert_eq!(counted(1, "frame"), "1 frame");
        assert_eq!(counted(5, "frame"), "5 frames");
    }
}

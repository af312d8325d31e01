//! The table of workloads: as Markdown and as JSON.

use std::fmt;

use serde_json::{Value, json};

/// Its first two lines.
pub const HEAD: &str = "\
| workload | ours, s | min to max | MB | PyTorch, s | min to max | MB | ratio | values | gradients |
|---|---|---|---|---|---|---|---|---|---|
";

/// Times of one side and its peak memory.
pub struct Times {
    /// Seconds, sorted.
    seconds: Vec<f64>,
    peak_mb: f64,
}

impl Times {
    /// Seconds of every run, of which there is at least one, and memory in 10^6 bytes.
    pub fn new(mut seconds: Vec<f64>, peak_mb: f64) -> Self {
        assert!(!seconds.is_empty(), "a workload is run at least once");
        seconds.sort_by(f64::total_cmp);
        Self { seconds, peak_mb }
    }

    fn median(&self) -> f64 {
        let middle = self.seconds.len() / 2;
        let upper = self.seconds[middle];
        if self.seconds.len() % 2 == 1 { upper } else { 0.5 * (self.seconds[middle - 1] + upper) }
    }

    fn spread(&self) -> [f64; 2] {
        [self.seconds[0], self.seconds[self.seconds.len() - 1]]
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [min, max] = self.spread();
        write!(f, "{:.3} | {min:.3} to {max:.3} | {:.0}", self.median(), self.peak_mb)
    }
}

/// One workload.
pub struct Row {
    /// Its name.
    pub workload: String,
    /// Our side.
    pub ours: Times,
    /// The other side, where it was asked for.
    pub torch: Option<Times>,
    /// Relative errors of values and gradients of one side against the other.
    pub errors: Option<[Option<f64>; 2]>,
}

impl Row {
    /// PyTorch's median divided by ours.
    fn ratio(&self) -> Option<f64> {
        self.torch.as_ref().map(|torch| torch.median() / self.ours.median())
    }

    /// As an object of the array `rows`.
    pub fn json(&self) -> Value {
        let torch = self.torch.as_ref();
        let [value_error, gradient_error] = self.errors.unwrap_or_default();
        json!({
            "workload": self.workload,
            "ours_s": self.ours.median(),
            "ours_spread_s": self.ours.spread(),
            "ours_peak_mb": self.ours.peak_mb,
            "torch_s": torch.map(Times::median),
            "torch_spread_s": torch.map(Times::spread),
            "torch_peak_mb": torch.map(|t| t.peak_mb),
            "ratio": self.ratio(),
            "value_error": value_error,
            "gradient_error": gradient_error,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let torch = self.torch.as_ref().map_or("| |".to_string(), Times::to_string);
        let ratio = self.ratio().map_or(String::new(), |r| format!("**{r:.2}**"));
        let error = |e: Option<f64>| e.map_or(String::new(), |e| format!("{e:.0e}"));
        let [value, gradient] = self.errors.unwrap_or_default().map(error);
        let (name, ours) = (&self.workload, &self.ours);
        write!(f, "| `{name}` | {ours} | {torch} | {ratio} | {value} | {gradient} |")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(torch: Option<Times>) -> Row {
        let errors = torch.as_ref().map(|_| [Some(1e-5), None]);
        let ours = Times::new(vec![0.3, 0.1, 0.2], 64.0);
        Row { workload: "w".into(), ours, torch, errors }
    }

    #[test]
    fn the_ratio_is_of_medians() {
        let row = row(Some(Times::new(vec![0.4, 0.8, 0.6, 0.7], 100.0)));
        assert!((row.json()["ratio"].as_f64().unwrap() - 3.25).abs() < 1e-12);
        assert_eq!(row.json()["torch_spread_s"], json!([0.4, 0.8]));
        assert_eq!(row.json()["gradient_error"], Value::Null);
    }

    #[test]
    fn every_line_has_the_columns_of_the_head() {
        let columns = HEAD.lines().next().unwrap().matches('|').count();
        for torch in [None, Some(Times::new(vec![0.5], 1.0))] {
            assert_eq!(row(torch).to_string().matches('|').count(), columns);
        }
    }
}

//! What was measured.

use reelgan_run::manifest::{Better, Metric};
use serde::Serialize;

use crate::Result;
use crate::metric::MetricInfo;

/// What one value of a metric belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A frame.
    Frame,
    /// A frame and the next.
    Step,
    /// The set as a whole.
    Set,
}

/// One metric over everything it was taken of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Name, protocol included.
    pub name: String,
    /// What one value belongs to.
    pub scope: Scope,
    /// Values that are numbers; the others do not count in the mean.
    pub defined: usize,
    /// Unit, direction, values (NaN where nothing could be measured), mean.
    #[serde(flatten)]
    pub metric: Metric,
}

/// What was measured of what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// What it was measured against.
    pub reference: String,
    /// What was judged.
    pub judged: String,
    /// Names of the frames that were judged; empty for sets.
    pub frames: Vec<String>,
    /// In the order of the panel.
    pub metrics: Vec<Measured>,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

impl Measured {
    /// Sums up; there is at least one value.
    ///
    /// # Errors
    /// None for a value or more.
    pub(super) fn new(info: &MetricInfo, scope: Scope, values: Vec<f64>) -> Result<Self> {
        let known: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        let mut metric = Metric::new(info.unit, info.better, values)?;
        metric.mean = known.iter().sum::<f64>() / known.len() as f64;
        Ok(Self { name: info.name.to_string(), scope, defined: known.len(), metric })
    }

    /// The value that is farthest from good, and its place, counted from 0.
    pub fn worst(&self) -> Option<(usize, f64)> {
        let known = self.metric.frames.iter().copied().enumerate().filter(|(_, v)| !v.is_nan());
        known.max_by(|(_, a), (_, b)| match self.metric.better {
            Better::Lower => a.total_cmp(b),
            Better::Higher => b.total_cmp(a),
        })
    }
}

impl Evaluation {
    /// The metric of that name.
    pub fn get(&self, name: &str) -> Option<&Measured> {
        self.metrics.iter().find(|m| m.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_defined_does_not_count() {
        let info = MetricInfo { name: "psnr".into(), unit: "dB", better: Better::Higher };
        let values = vec![30.0, f64::NAN, 20.0];
        let measured = Measured::new(&info, Scope::Frame, values).unwrap();
        assert_eq!((measured.metric.mean, measured.defined), (25.0, 2));
        assert_eq!(measured.worst(), Some((2, 20.0)));
        let json = serde_json::to_value(&measured).unwrap();
        assert_eq!(json["frames"], serde_json::json!([30.0, "nan", 20.0]));
        let nothing = Measured::new(&info, Scope::Frame, vec![f64::NAN]).unwrap();
        assert!(nothing.metric.mean.is_nan() && nothing.worst().is_none());
    }
}

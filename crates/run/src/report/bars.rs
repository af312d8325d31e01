//! Amounts side by side, such as the time of each stage.

use std::fmt::Write;

use super::escape::escape;
use super::number::significant;

/// One named amount.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// What it is.
    pub label: String,
    /// How much; what is negative or not finite gets no bar, only its number.
    pub value: f64,
}

impl Bar {
    /// A named amount.
    pub fn new(label: impl Into<String>, value: f64) -> Self {
        Self { label: label.into(), value }
    }
}

/// Amounts of one unit; the longest bar is the largest amount.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// The unit of all amounts, such as `s`.
    pub unit: String,
    /// From top to bottom.
    pub bars: Vec<Bar>,
    /// Below the bars; empty for none.
    pub caption: String,
}

pub(super) fn render(bars: &Bars, out: &mut String) {
    let drawn = |v: f64| if v.is_finite() { v.max(0.0) } else { 0.0 };
    let largest = bars.bars.iter().map(|b| drawn(b.value)).fold(0.0, f64::max);
    let total: f64 = bars.bars.iter().map(|b| drawn(b.value)).sum();
    out.push_str("<figure><div class=\"bars\">\n");
    for bar in &bars.bars {
        let part = |whole: f64| if whole > 0.0 { 100.0 * drawn(bar.value) / whole } else { 0.0 };
        let length = part(largest);
        let _ = write!(out, "<span class=\"label\">{}</span>", escape(&bar.label));
        let _ = write!(
            out,
            "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"track\" width=\"100\" height=\"10\"/>\
             <rect class=\"amount\" width=\"{length:.2}\" height=\"10\"/></svg>"
        );
        let (value, unit) = (significant(bar.value, 3), escape(&bars.unit));
        let share = match part(total) {
            share if share > 0.0 && share < 0.5 => "&lt;1".to_owned(),
            share => format!("{share:.0}"),
        };
        let _ = writeln!(out, "<span class=\"n\">{value} {unit} <small>{share} %</small></span>");
    }
    out.push_str("</div>");
    if !bars.caption.is_empty() {
        let _ = write!(out, "<figcaption>{}</figcaption>", escape(&bars.caption));
    }
    out.push_str("</figure>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_relative_to_the_largest_and_never_leave_the_track() {
        let values = [("flow", 5.0), ("optimise", 20.0), ("odd", f64::NAN), ("less", -1.0)];
        let bars = values.map(|(label, value)| Bar::new(label, value)).to_vec();
        let mut html = String::new();
        render(&Bars { unit: "s".into(), bars, caption: String::new() }, &mut html);
        let lengths: Vec<&str> = html
            .split("class=\"amount\" width=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert_eq!(lengths, ["25.00", "100.00", "0.00", "0.00"]);
        assert!(html.contains("20.0 s <small>80 %</small>"), "{html}");
    }

    #[test]
    fn a_small_share_is_not_called_none() {
        let bars = vec![Bar::new("a", 1.0), Bar::new("b", 999.0), Bar::new("c", 0.0)];
        let mut html = String::new();
        render(&Bars { bars, ..Bars::default() }, &mut html);
        assert!(html.contains("<small>&lt;1 %</small>") && html.contains("<small>0 %</small>"));
    }
}

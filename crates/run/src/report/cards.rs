//! Headline figures.

use std::fmt::Write;

use super::escape::escape;
use super::number::significant;

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The smaller the better, as an error.
    Lower,
    /// The larger the better, as a likeness.
    Higher,
}

impl Better {
    pub(super) fn words(self) -> &'static str {
        match self {
            Better::Lower => "lower is better ↓",
            Better::Higher => "higher is better ↑",
        }
    }
}

/// One figure, large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// What it is.
    pub label: String,
    /// The figure, as shown.
    pub value: String,
    /// Its unit; empty for none.
    pub unit: String,
    /// A line below, such as the direction; empty for none.
    pub note: String,
}

impl Card {
    /// A metric with four significant digits and its direction.
    pub fn metric(label: impl Into<String>, value: f64, unit: &str, better: Better) -> Self {
        Self {
            label: label.into(),
            value: significant(value, 4),
            unit: unit.into(),
            note: better.words().into(),
        }
    }
}

pub(super) fn render(cards: &[Card], out: &mut String) {
    out.push_str("<ul class=\"cards\">\n");
    for card in cards {
        let _ = write!(out, "<li><span class=\"label\">{}</span>", escape(&card.label));
        let _ = write!(out, "<span class=\"value\">{}", escape(&card.value));
        if !card.unit.is_empty() {
            let _ = write!(out, " <small>{}</small>", escape(&card.unit));
        }
        out.push_str("</span>");
        if !card.note.is_empty() {
            let _ = write!(out, "<span class=\"note\">{}</span>", escape(&card.note));
        }
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n");
}

//! Curves over steps, drawn as SVG.

use std::fmt::Write;

use super::escape::escape;

mod axis;
mod svg;
mod thin;
mod ticks;

/// One named curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Shown in the legend.
    pub name: String,
    /// `(x, y)`, in drawing order; a value that is not finite breaks the line.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// A named curve.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points }
    }
}

/// Curves over one pair of axes.
///
/// Any values can be drawn: what is not finite, and on a logarithmic axis what is
/// not above 0, is left out and counted ([`LinePlot::left_out`]). Curves of more
/// than 1000 points are thinned, their highest and lowest points kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinePlot {
    /// Above the curves; empty for none.
    pub title: String,
    /// Below the horizontal axis; empty for none.
    pub x_label: String,
    /// Beside the vertical axis; empty for none.
    pub y_label: String,
    /// Whether the vertical axis is logarithmic.
    pub log_y: bool,
    /// The curves.
    pub series: Vec<Series>,
}

impl LinePlot {
    /// The plot as a complete SVG document that may also stand inside HTML.
    pub fn to_svg(&self) -> String {
        svg::draw(self)
    }

    /// How many points cannot be drawn.
    pub fn left_out(&self) -> usize {
        let points = self.series.iter().flat_map(|s| &s.points);
        points.filter(|p| !self.can_draw(**p)).count()
    }

    fn can_draw(&self, (x, y): (f64, f64)) -> bool {
        x.is_finite() && y.is_finite() && (!self.log_y || y > 0.0)
    }
}

pub(super) fn render(plots: &[LinePlot], out: &mut String) {
    out.push_str("<div class=\"plots\">\n");
    for plot in plots {
        let _ = write!(out, "<figure>{}", plot.to_svg());
        let left_out = plot.left_out();
        if left_out > 0 {
            let rule = if plot.log_y { "not finite or not above 0" } else { "not finite" };
            let words = format!("{left_out} of the values are {rule} and not drawn.");
            let _ = write!(out, "<figcaption>{}</figcaption>", escape(&words));
        }
        out.push_str("</figure>\n");
    }
    out.push_str("</div>\n");
}

#[cfg(test)]
mod tests;

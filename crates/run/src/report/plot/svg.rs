//! The drawing itself.

use std::fmt::Write;

use super::super::escape::escape;
use super::super::number::significant;
use super::axis::Axis;
use super::thin::thinned;
use super::{LinePlot, Series};

/// Told apart without red-green vision; the page has brighter ones for dark screens.
const COLOURS: [&str; 8] =
    ["#1f6fd6", "#d9730d", "#1a8f5f", "#8b50c9", "#cc3d4f", "#0b8f9c", "#8a6d3b", "#6b7280"];

const WIDTH: f64 = 560.0;
/// Height of the area with the curves.
const AREA: f64 = 230.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 26.0;
const ROW: f64 = 20.0;
/// The width of a letter, generously: the page enlarges letters on small screens.
const LETTER: f64 = 8.2;
/// The most points drawn of one curve.
const MOST_POINTS: usize = 1000;
/// The most points of one curve that tell their value under the pointer.
const MOST_HITS: usize = 48;

pub(super) fn draw(plot: &LinePlot) -> String {
    let legend = legend(plot);
    let rows = legend.last().map_or(0.0, |entry| entry.y / ROW + 1.0);
    let title = if plot.title.is_empty() { 6.0 } else { 28.0 };
    let top = title + rows * ROW + 8.0;
    let bottom = top + AREA;
    let height = bottom + 46.0;

    let drawn = || plot.series.iter().flat_map(|s| &s.points).filter(|p| plot.can_draw(**p));
    let x = Axis::over(drawn().map(|p| p.0), false, 0.0, (LEFT, WIDTH - RIGHT));
    let y = Axis::over(drawn().map(|p| p.1), plot.log_y, 0.05, (bottom, top));

    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" aria-label=\"{}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"none\">",
        escape(&plot.title)
    );
    if !plot.title.is_empty() {
        text(&mut out, (8.0, 17.0), "font-size=\"14\" font-weight=\"600\"", &plot.title);
    }
    for entry in &legend {
        let (x, y) = (entry.x, entry.y + title + 12.0);
        let _ = write!(
            out,
            "<path {} stroke-width=\"2.5\" d=\"M{x:.1} {y:.1}h18\"/>",
            stroke(entry.number)
        );
        text(&mut out, (x + 24.0, y + 4.0), "", &entry.name);
    }
    frame(plot, &x, &y, (top, bottom), &mut out);
    if drawn().next().is_none() {
        let middle = (0.5 * (LEFT + WIDTH - RIGHT), 0.5 * (top + bottom));
        text(&mut out, middle, "text-anchor=\"middle\" fill-opacity=\"0.6\"", "nothing to draw");
    }
    for (number, series) in plot.series.iter().enumerate() {
        curve(plot, series, number, (&x, &y), &mut out);
    }
    // Above all curves, so that each can be reached by the pointer.
    for series in &plot.series {
        hits(plot, series, (&x, &y), &mut out);
    }
    out.push_str("</svg>");
    out
}

/// A name in the legend and its place below the title.
struct Entry {
    number: usize,
    name: String,
    x: f64,
    y: f64,
}

/// Rows of names, as many side by side as fit; one nameless curve needs none.
fn legend(plot: &LinePlot) -> Vec<Entry> {
    let most = ((WIDTH - 40.0) / LETTER) as usize - 4;
    let (mut x, mut y) = (8.0, 0.0);
    let mut entries = Vec::new();
    for (number, series) in plot.series.iter().enumerate() {
        if series.name.is_empty() {
            continue;
        }
        let mut name: String = series.name.chars().take(most).collect();
        if name.len() < series.name.len() {
            name.push('…');
        }
        let width = 40.0 + LETTER * name.chars().count() as f64;
        if x > 8.0 && x + width > WIDTH {
            (x, y) = (8.0, y + ROW);
        }
        entries.push(Entry { number, name, x, y });
        x += width;
    }
    entries
}

/// Grid lines, marks and axis labels.
fn frame(plot: &LinePlot, x: &Axis, y: &Axis, (top, bottom): (f64, f64), out: &mut String) {
    let right = WIDTH - RIGHT;
    for (at, label) in y.ticks(5) {
        let _ = write!(
            out,
            "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"currentColor\" stroke-opacity=\"0.12\"/>"
        );
        text(out, (LEFT - 8.0, at + 4.0), "text-anchor=\"end\" fill-opacity=\"0.7\"", &label);
    }
    let _ = write!(
        out,
        "<path d=\"M{LEFT} {bottom:.1}H{right}\" stroke=\"currentColor\" stroke-opacity=\"0.45\"/>"
    );
    for (at, label) in x.ticks(6) {
        let _ = write!(
            out,
            "<path d=\"M{at:.1} {bottom:.1}v5\" stroke=\"currentColor\" stroke-opacity=\"0.45\"/>"
        );
        text(out, (at, bottom + 19.0), "text-anchor=\"middle\" fill-opacity=\"0.7\"", &label);
    }
    let middle = 0.5 * (LEFT + right);
    text(out, (middle, bottom + 39.0), "text-anchor=\"middle\"", &plot.x_label);
    let (x, y) = (14.0, 0.5 * (top + bottom));
    let turned = format!("text-anchor=\"middle\" transform=\"rotate(-90 {x:.1} {y:.1})\"");
    text(out, (x, y), &turned, &plot.y_label);
}

/// One curve: a line through every run of drawable points, a dot for a lone one.
fn curve(
    plot: &LinePlot,
    series: &Series,
    number: usize,
    (x, y): (&Axis, &Axis),
    out: &mut String,
) {
    let points = thinned(&series.points, MOST_POINTS, |p| plot.can_draw(p));
    for run in points.split(|p| !plot.can_draw(*p)).filter(|run| !run.is_empty()) {
        let place = |p: &(f64, f64)| format!("{:.1} {:.1}", x.place(p.0), y.place(p.1));
        let path: Vec<String> = run.iter().map(place).collect();
        let end = if run.len() == 1 { "h0" } else { "" };
        let width = if run.len() == 1 { "5" } else { "1.8" };
        let _ = write!(
            out,
            "<path {} stroke-width=\"{width}\" d=\"M{}{end}\"/>",
            stroke(number),
            path.join("L")
        );
    }
}

/// Unseen discs on some points of a curve that tell their values.
fn hits(plot: &LinePlot, series: &Series, (x, y): (&Axis, &Axis), out: &mut String) {
    let drawn: Vec<(f64, f64)> =
        series.points.iter().copied().filter(|p| plot.can_draw(*p)).collect();
    let stride = drawn.len().div_ceil(MOST_HITS).max(1);
    let last = drawn.len().saturating_sub(1);
    for (k, &(px, py)) in drawn.iter().enumerate() {
        if k % stride != 0 && k != last {
            continue;
        }
        let what = format!("{} {} {}: {}", series.name, plot.x_label, px, significant(py, 4));
        let _ = write!(
            out,
            "<circle class=\"hit\" fill=\"none\" pointer-events=\"all\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"7\"><title>{}</title></circle>",
            x.place(px),
            y.place(py),
            escape(what.trim())
        );
    }
}

/// The look of curve `number`; from the ninth on, colours come back dashed.
fn stroke(number: usize) -> String {
    let k = number % COLOURS.len();
    let dash = if number < COLOURS.len() { "" } else { " stroke-dasharray=\"5 3\"" };
    format!(
        "class=\"s{k}\" stroke=\"{}\"{dash} stroke-linecap=\"round\" stroke-linejoin=\"round\"",
        COLOURS[k]
    )
}

fn text(out: &mut String, (x, y): (f64, f64), look: &str, words: &str) {
    if !words.is_empty() {
        let words = escape(words);
        let _ = write!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"currentColor\" {look}>{words}</text>"
        );
    }
}

//! The frames of a run on its page: a table, the worst of them, curves over time.

use reelgan_run::picture::{HeatMap, Picture, Theme, shared_full_scale};
use reelgan_run::report::{
    Better, Block, Cell, Column, Figure, InlineImage, LinePlot, Section, Series, Table,
};

use super::super::results::Shown;
use super::super::table::FrameFacts;
use super::{Contents, JPEG, better};
use crate::Result;

/// Side of the pictures in the table of frames.
const THUMBNAIL: usize = 160;
/// Width of the scale under the difference maps.
const SCALE_WIDTH: usize = 560;
/// Rows of the table of frames: a page must open soon, and the rest is in a file.
const ROWS: usize = 1000;

/// Every frame with its numbers; pictures for some of them.
pub(super) fn table(c: &Contents<'_>) -> Result<Section> {
    let metrics = &c.rendered.measurements.metrics;
    let rendered = c.rendered;
    let small: Vec<HeatMap> =
        rendered.shown.iter().chain(&rendered.worst).map(|s| s.difference.clone()).collect();
    let scale = shared_full_scale(&small);
    let pictured = |k: usize| rendered.shown.iter().find(|s| s.frame == k);
    let mut rows = Vec::new();
    let all = c.manifest.frames <= ROWS;
    for k in (0..c.manifest.frames).filter(|k| all || pictured(*k).is_some()) {
        rows.push(row(c, k, pictured(k), scale)?);
    }
    let mut summary = vec![Cell::Text("mean".into())];
    summary.extend(std::iter::repeat_n(Cell::Missing, 6));
    summary.extend(metrics.values().map(|m| Cell::Number(m.mean)));
    let caption = match all {
        true => "The same numbers are in frames.csv.".into(),
        false => format!(
            "{} of {} frames; the others are in frames.csv.",
            rendered.shown.len(),
            c.manifest.frames
        ),
    };
    let table = Table { columns: columns(c), rows, summary, caption };
    let mut blocks = vec![Block::Table(table)];
    if !rendered.worst.is_empty() {
        let mut rows = Vec::new();
        for shown in &rendered.worst {
            rows.push(row(c, shown.frame, Some(shown), scale)?);
        }
        let caption = "The frames that came out worst, by LPIPS.".into();
        blocks.push(Block::Table(Table { columns: columns(c), rows, summary: vec![], caption }));
    }
    let bar = Picture::heat_scale(
        scale,
        "mean absolute difference of R, G, B",
        SCALE_WIDTH,
        Theme::LIGHT,
    )?;
    blocks.push(Block::Figure(Figure {
        image: InlineImage::png(&bar)?,
        dark: None,
        alt: format!("the colours of the difference maps, from 0 to {scale}"),
        caption: "The colours of the difference maps; 1 is black against white.".into(),
    }));
    Ok(Section::new("Frames", blocks))
}

fn columns(c: &Contents<'_>) -> Vec<Column> {
    let mut columns: Vec<Column> =
        ["frame", "source", "notes", "input", "reconstruction", "difference"]
            .map(Column::new)
            .into();
    columns.push(Column::metric("loss", "", Better::Lower));
    let metrics = &c.rendered.measurements.metrics;
    columns.extend(
        metrics.iter().map(|(name, m)| Column::metric(name, m.unit.clone(), better(m.better))),
    );
    columns
}

fn row(c: &Contents<'_>, k: usize, shown: Option<&Shown>, scale: f32) -> Result<Vec<Cell>> {
    let mut row = vec![Cell::Count(k as u64 + 1)];
    row.push(c.settings.frame_names.get(k).cloned().map_or(Cell::Missing, Cell::Text));
    row.push(Cell::Text(notes(c, k)));
    match shown {
        Some(shown) => row.extend(thumbnails(shown, scale)?),
        None => row.extend([Cell::Missing, Cell::Missing, Cell::Missing]),
    }
    let number = |v: f64| if v.is_nan() { Cell::Missing } else { Cell::Number(v) };
    row.push(c.frames.get(k).map_or(Cell::Missing, |facts| number(facts.loss)));
    let metrics = c.rendered.measurements.metrics.values();
    row.extend(metrics.map(|m| m.frames.get(k).map_or(Cell::Missing, |v| number(*v))));
    Ok(row)
}

/// What sets a frame apart from the others.
fn notes(c: &Contents<'_>, k: usize) -> String {
    let Some(facts) = c.frames.get(k) else { return String::new() };
    let before = k.checked_sub(1).and_then(|k| c.frames.get(k));
    let mut words = Vec::new();
    if !facts.face {
        words.push("no face".to_string());
    }
    match before {
        Some(before) if before.shot != facts.shot => words.push(format!("shot {}", facts.shot)),
        Some(before) if before.window != facts.window => {
            words.push(format!("window {}", facts.window));
        }
        _ => {}
    }
    words.join(", ")
}

/// Curves over the frames of a clip.
pub(super) fn timeline(c: &Contents<'_>) -> Section {
    let curve = |name: &str, of: &dyn Fn(usize) -> f64| {
        let points = (0..c.manifest.frames).map(|k| ((k + 1) as f64, of(k)));
        Series::new(name, points.collect())
    };
    let plot = |title: &str, log_y: bool, series: Vec<Series>| LinePlot {
        title: title.into(),
        x_label: "frame".into(),
        log_y,
        series,
        ..LinePlot::default()
    };
    // Two points are no line.
    if c.manifest.frames < 3 {
        return Section::new("", Vec::new());
    }
    let fact = |of: fn(&FrameFacts) -> f64| move |k: usize| c.frames.get(k).map_or(f64::NAN, of);
    let mut plots = vec![
        plot("loss of every frame", false, vec![curve("loss", &fact(|f| f.loss))]),
        plot(
            "mean square of the step from the frame before",
            true,
            vec![curve("step", &fact(|f| f.step))],
        ),
    ];
    for (name, metric) in &c.rendered.measurements.metrics {
        let value = |k: usize| metric.frames.get(k).copied().unwrap_or(f64::NAN);
        plots.push(plot(name, false, vec![curve(name, &value)]));
    }
    Section::new("Timelines", vec![Block::Plots(plots)])
}

fn thumbnails(shown: &Shown, scale: f32) -> Result<[Cell; 3]> {
    let number = shown.frame + 1;
    let cell = |picture: &Picture, what: &str| -> Result<Cell> {
        let image = InlineImage::jpeg(&picture.thumbnail(THUMBNAIL)?, JPEG)?;
        Ok(Cell::Image { image, alt: format!("{what} of frame {number}") })
    };
    Ok([
        cell(&shown.input, "input")?,
        cell(&shown.recon, "reconstruction")?,
        cell(&shown.difference.paint(scale), "difference map")?,
    ])
}

//! The numbers for people and for other programs.

use reelgan_run::manifest;
use reelgan_run::report::{
    Better, Block, Card, Cell, Column, LinePlot, Note, Report, Section, Series, Table, csv as text,
};

use super::result::{Evaluation, Measured, Scope};

/// The most frames whose values the page lists; the curves show all.
const LISTED: usize = 500;

/// One line a frame (a set: one line), one column a metric.
pub fn csv(evaluation: &Evaluation) -> String {
    text::from_table(&table(evaluation, usize::MAX))
}

/// One page without other files.
pub fn html(evaluation: &Evaluation) -> String {
    let cards = evaluation.metrics.iter().map(card).collect();
    let mut sections = vec![Section::new("Means", vec![Block::Cards(cards)])];
    if !evaluation.warnings.is_empty() {
        let notes = evaluation.warnings.iter().cloned().map(Note::Warning).collect();
        sections.insert(0, Section::new("", vec![Block::Notes(notes)]));
    }
    if evaluation.frames.len() > 1 {
        let plots = evaluation.metrics.iter().map(plot).collect();
        sections.push(Section::new("Over the frames", vec![Block::Plots(plots)]));
        let mut table = table(evaluation, LISTED);
        if evaluation.frames.len() > LISTED {
            table.caption = format!("The first {LISTED} of {} frames.", evaluation.frames.len());
        }
        sections.push(Section::new("Frame by frame", vec![Block::Table(table)]));
    }
    let Evaluation { reference, judged, .. } = evaluation;
    Report {
        title: format!("Measurements of {judged}"),
        subtitle: format!("against {reference}"),
        sections,
        footer: format!("reelgan {}", env!("CARGO_PKG_VERSION")),
        ..Report::default()
    }
    .to_html()
}

fn better(direction: manifest::Better) -> Better {
    match direction {
        manifest::Better::Lower => Better::Lower,
        manifest::Better::Higher => Better::Higher,
    }
}

fn card(measured: &Measured) -> Card {
    let manifest::Metric { unit, mean, .. } = &measured.metric;
    Card::metric(&measured.name, *mean, unit, better(measured.metric.better))
}

fn plot(measured: &Measured) -> LinePlot {
    // A step stands at its first frame.
    let points = measured.metric.frames.iter().enumerate();
    let points = points.map(|(k, v)| ((k + 1) as f64, *v)).collect();
    LinePlot {
        x_label: match measured.scope {
            Scope::Step => "from frame".into(),
            Scope::Frame | Scope::Set => "frame".into(),
        },
        series: vec![Series::new(&measured.name, points)],
        ..LinePlot::default()
    }
}

fn table(evaluation: &Evaluation, most: usize) -> Table {
    let mut columns = Vec::new();
    if !evaluation.frames.is_empty() {
        columns.push(Column::new("frame"));
    }
    columns.extend(
        evaluation
            .metrics
            .iter()
            .map(|m| Column::metric(&m.name, &m.metric.unit, better(m.metric.better))),
    );
    let count = evaluation.frames.len().max(1).min(most);
    let rows = (0..count).map(|k| {
        let name = evaluation.frames.get(k).map(|name| Cell::Text(name.clone()));
        let values = evaluation.metrics.iter().map(|m| match m.metric.frames.get(k) {
            Some(value) => Cell::Number(*value),
            // The last frame has no step.
            None => Cell::Missing,
        });
        name.into_iter().chain(values).collect()
    });
    Table { columns, rows: rows.collect(), ..Table::default() }
}

//! The report of a run as one page.

mod frames;

use reelgan_models::catalog;
use reelgan_run::RunFolder;
use reelgan_run::manifest::{self, Manifest, Timing};
use reelgan_run::picture::Picture;
use reelgan_run::report::{
    Bar, Bars, Better, Block, Card, Figure, Group, InlineImage, KeyValues, LinePlot, Note, Report,
    SYNTHETIC_NOTICE, Section, Series, significant,
};
use serde_json::Value;

use super::begun::Begun;
use super::pictures::{self, write_page};
use super::request::in_words;
use super::results::Rendered;
use super::table::FrameFacts;
use super::watch::{Halt, Teller};
use crate::invert::StepRecord;
use crate::{NOTICE, Result};

/// Quality of the photographs in the page.
const JPEG: u8 = 88;

/// What the page is about.
pub(super) struct Contents<'a> {
    pub manifest: &'a Manifest,
    pub settings: &'a Begun,
    pub history: &'a [StepRecord],
    pub passes: usize,
    pub frames: &'a [FrameFacts],
    pub rendered: &'a Rendered,
    pub strip: &'a pictures::Shown,
}

/// Writes `report.html`.
pub(super) fn write(
    contents: &Contents<'_>,
    folder: &RunFolder,
    teller: &mut Teller<'_>,
) -> Result<(), Halt> {
    teller.stage("report")?;
    let timing = teller.clock.timing();
    let report = report(contents, &timing, &teller.warnings)?;
    write_page(&folder.report(), &report.to_html(), teller)?;
    Ok(())
}

fn report(c: &Contents<'_>, timing: &Timing, warnings: &[String]) -> Result<Report> {
    let m = c.manifest;
    let source = match (m.inputs.as_slice(), m.frames) {
        ([one], 1) => one.path.clone(),
        ([one], n) => format!("{} ({n} frames)", one.path),
        (_, n) => format!("{n} frames"),
    };
    let mut notes = vec![Note::Info(SYNTHETIC_NOTICE.into())];
    notes.extend(warnings.iter().cloned().map(Note::Warning));
    Ok(Report {
        title: format!("Inversion of {source}"),
        subtitle: format!("reelgan {}, preset {}, {}", m.reelgan, m.preset, m.generator.name),
        summary: summary(c, timing),
        sections: vec![
            Section::new("", vec![Block::Cards(cards(c, timing)), Block::Notes(notes)]),
            Section::new("Pictures", vec![Block::Figure(strip(c.strip)?)]),
            frames::table(c)?,
            frames::timeline(c),
            losses(c),
            Section::new("Settings", vec![settings(c)]),
            times(timing),
            models(m),
        ],
        footer: NOTICE.into(),
    })
}

fn summary(c: &Contents<'_>, timing: &Timing) -> String {
    let m = c.manifest;
    let frames = if m.frames == 1 { "1 frame".into() } else { format!("{} frames", m.frames) };
    let last = c.frames.last().map_or((1, 1), |facts| (facts.window, facts.shot));
    let best = match (m.best_step, last) {
        (Some(step), _) => {
            format!("the codes are those of step {}, which had the lowest loss", step + 1)
        }
        (None, (1, _)) => "no step gave a finite loss, so the codes are those it began with".into(),
        (None, (windows, shots)) => format!(
            "{windows} windows over {shots} shot{}, each with the codes of its best step",
            if shots == 1 { "" } else { "s" }
        ),
    };
    let (time, unit) = duration(timing.seconds.values().sum());
    format!(
        "{frames}, {} steps in {time} {unit} ({}); {best}.",
        m.steps_done,
        m.stop_reason.as_deref().unwrap_or("not ended"),
    )
}

fn cards(c: &Contents<'_>, timing: &Timing) -> Vec<Card> {
    let mut cards: Vec<Card> = c
        .rendered
        .measurements
        .metrics
        .iter()
        .map(|(name, metric)| {
            Card::metric(name.clone(), metric.mean, &metric.unit, better(metric.better))
        })
        .collect();
    if let Some(loss) = c.manifest.losses.get("total") {
        cards.push(Card::metric("loss", *loss, "", Better::Lower));
    }
    let (time, unit) = duration(timing.seconds.values().sum());
    cards.push(Card {
        label: "generated pictures a frame".into(),
        value: significant(c.passes as f64 / c.manifest.frames.max(1) as f64, 3),
        ..Card::default()
    });
    let per_step = timing.seconds.get("invert").map(|s| s / c.history.len().max(1) as f64);
    cards.push(Card {
        label: "time".into(),
        value: time,
        unit: unit.into(),
        note: per_step.map(|s| format!("{} s a step", significant(s, 3))).unwrap_or_default(),
    });
    if let Some(bytes) = timing.peak_memory {
        cards.push(Card {
            label: "peak memory".into(),
            value: significant(bytes as f64 / 1e9, 3),
            unit: "GB".into(),
            ..Card::default()
        });
    }
    cards
}

fn strip(shown: &pictures::Shown) -> Result<Figure> {
    Ok(Figure {
        image: InlineImage::jpeg(&shown.picture, JPEG)?,
        dark: None,
        alt: "rows of face pictures: inputs, reconstructions and an edit, one column a frame"
            .into(),
        caption: shown.caption.clone(),
    })
}

fn losses(c: &Contents<'_>) -> Section {
    let names = crate::objective::Terms::default().named().map(|(name, _)| name);
    let weights = c.settings.invert.weights.named();
    let curve = |column: usize, weight: f32| {
        let point = |r: &StepRecord| {
            ((r.step + 1) as f64, f64::from(weight) * f64::from(r.terms.named()[column].1))
        };
        Series::new(names[column], c.history.iter().map(point).collect())
    };
    let mut series = vec![curve(0, 1.0)];
    // A term that is switched off has no curve.
    let active =
        |(k, (_, weight)): (usize, (&str, f32))| (weight > 0.0).then(|| curve(k + 1, weight));
    series.extend(weights.into_iter().enumerate().filter_map(active));
    let rate = c.history.iter().map(|r| ((r.step + 1) as f64, r.rate)).collect();
    let together = c.settings.invert.windows.size.min(c.manifest.frames);
    let lead = c.settings.invert.lead_steps(together);
    let alone = match lead {
        0 => String::new(),
        lead => format!("; up to step {lead} from the first frame alone"),
    };
    let in_turn = match c.settings.invert.looks_at(lead, 0..together).len() {
        seen if seen < together => format!("; then from {seen} of {together} frames in turn"),
        _ => String::new(),
    };
    let plots = vec![
        LinePlot {
            title: format!("loss terms, times their weights{alone}{in_turn}"),
            x_label: "step".into(),
            log_y: true,
            series,
            ..LinePlot::default()
        },
        LinePlot {
            title: "learning rate".into(),
            x_label: "step".into(),
            series: vec![Series::new("rate", rate)],
            ..LinePlot::default()
        },
    ];
    Section::new("Losses", vec![Block::Plots(plots)])
}

fn settings(c: &Contents<'_>) -> Block {
    let m = c.manifest;
    let mut plain = Vec::new();
    let mut groups = Vec::new();
    for (name, value) in
        m.config.pointer("/invert").and_then(Value::as_object).into_iter().flatten()
    {
        match value.as_object() {
            Some(inner) => groups.push(Group {
                name: name.clone(),
                entries: inner.iter().map(|(k, v)| (k.clone(), words(v))).collect(),
            }),
            None => plain.push((name.clone(), words(value))),
        }
    }
    let flow = m.config.get("flow").map(words).unwrap_or_default();
    let jitter = c.settings.jitter_px.map_or("not measured".into(), |[raw, smoothed]| {
        format!("{} px, averaged to {} px", significant(raw, 3), significant(smoothed, 3))
    });
    let run = vec![
        ("frames".into(), m.frames.to_string()),
        ("shots".into(), c.settings.shots(m.frames).len().to_string()),
        ("frames without the face".into(), c.settings.without_face.len().to_string()),
        ("jitter of the square".into(), jitter),
        ("crop x,y,size".into(), crops(&m.crops)),
        ("flow".into(), flow),
        ("device".into(), m.device.clone()),
        ("command".into(), m.command.join(" ")),
    ];
    groups.insert(0, Group { name: "inversion".into(), entries: plain });
    groups.insert(0, Group { name: "run".into(), entries: run });
    Block::KeyValues(KeyValues { groups })
}

/// The squares in words; those of a long clip are in their own file.
fn crops(crops: &[reelgan_run::images::Crop]) -> String {
    match crops.len() {
        0..=8 => in_words(crops),
        many => format!("{many} squares, in transforms.json"),
    }
}

fn times(timing: &Timing) -> Section {
    let bars = timing.seconds.iter().map(|(name, s)| Bar::new(name.clone(), *s)).collect();
    let bars = Bars {
        unit: "s".into(),
        bars,
        caption: format!("Wall-clock time by stage, {} threads.", timing.threads),
    };
    Section::new("Time", vec![Block::Bars(bars)])
}

fn models(m: &Manifest) -> Section {
    let generator = (m.generator.name.as_str(), m.generator.sha256.as_str());
    let others = m.perceptual.iter().chain(&m.flow).map(|n| (n.name.as_str(), n.sha256.as_str()));
    let group = |(name, sha256): (&str, &str)| {
        let mut entries = vec![("sha256".to_string(), sha256.to_string())];
        if let Some(entry) = catalog::find(name) {
            let package = format!("{} {}", entry.package.name, entry.package.version);
            entries.push(("package".into(), package));
            entries.push(("licence".into(), entry.licence.into()));
            entries.push(("terms".into(), entry.terms.into()));
        }
        Group { name: name.into(), entries }
    };
    let groups = std::iter::once(generator).chain(others).map(group).collect();
    Section::new("Models", vec![Block::KeyValues(KeyValues { groups })])
}

/// The page of an edit, a morph or a render.
pub(super) fn of_made(
    title: &str,
    request: &Value,
    strip: &Picture,
    warnings: &[String],
) -> Result<String> {
    let figure = Figure {
        image: InlineImage::jpeg(strip, JPEG)?,
        dark: None,
        alt: "rows of face pictures, one column a frame".into(),
        caption: String::new(),
    };
    let mut notes = vec![Note::Info(SYNTHETIC_NOTICE.into())];
    notes.extend(warnings.iter().cloned().map(Note::Warning));
    let entries = request.as_object().into_iter().flatten();
    let entries = entries.map(|(name, value)| (name.clone(), words(value))).collect();
    let asked = KeyValues { groups: vec![Group { name: "asked for".into(), entries }] };
    let report = Report {
        title: title.into(),
        subtitle: format!("reelgan {}", env!("CARGO_PKG_VERSION")),
        sections: vec![Section::new(
            "",
            vec![Block::Figure(figure), Block::Notes(notes), Block::KeyValues(asked)],
        )],
        footer: NOTICE.into(),
        ..Report::default()
    };
    Ok(report.to_html())
}

/// A setting as a person would write it.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".into(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(inner) => {
            let one = |(k, v): (&String, &Value)| format!("{k} {}", words(v));
            inner.iter().map(one).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn better(better: manifest::Better) -> Better {
    match better {
        manifest::Better::Lower => Better::Lower,
        manifest::Better::Higher => Better::Higher,
    }
}

/// Seconds as a person says them, with their unit.
fn duration(seconds: f64) -> (String, &'static str) {
    if seconds < 60.0 {
        return (significant(seconds, 3), "s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, m, s) => (format!("{m}:{s:02}"), "min"),
        (h, m, _) => (format!("{h}:{m:02}"), "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (seconds, text, unit) in [
            (0.0, "0", "s"),
            (9.5, "9.50", "s"),
            (61.2, "1:01", "min"),
            (3599.7, "1:00", "h"),
            (9000.0, "2:30", "h"),
        ] {
            assert_eq!(duration(seconds), (text.to_string(), unit));
        }
    }

    #[test]
    fn settings_read_well() {
        let value = serde_json::json!({"flo_folder": "a/b", "list": [1, 2], "none": null});
        assert_eq!(words(&value), "flo_folder a/b, list 1, 2, none none");
    }
}

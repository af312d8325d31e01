use super::super::well_formed::check;
use super::super::{Bar, Better, Cell, Column, Group, InlineImage, SYNTHETIC_NOTICE, Series};
use super::*;
use crate::picture::Picture;

const HOSTILE: &str = "\"><script>alert('x')</script>&amp;\0\u{1b}]\u{202e}--><![CDATA[";

fn image() -> InlineImage {
    InlineImage::png(&Picture::filled(4, 3, [10, 20, 30]).unwrap()).unwrap()
}

/// A report with every kind of block and `text` wherever text can stand.
fn full(text: &str) -> Report {
    let t = || text.to_owned();
    let plot = LinePlot {
        title: t(),
        x_label: t(),
        y_label: t(),
        log_y: true,
        series: vec![Series::new(t(), vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 0.1)])],
    };
    let table = Table {
        columns: vec![Column::new(t()), Column::metric(t(), t(), Better::Lower), Column::new(t())],
        rows: vec![vec![
            Cell::Text(t()),
            Cell::Number(f64::NAN),
            Cell::Image { image: image(), alt: t() },
        ]],
        summary: vec![Cell::Text(t()), Cell::Number(0.5), Cell::Missing],
        caption: t(),
    };
    let card = Card { label: t(), value: t(), unit: t(), note: t() };
    let figure = Figure { image: image(), dark: Some(image()), alt: t(), caption: t() };
    let values = KeyValues { groups: vec![Group { name: t(), entries: vec![(t(), t())] }] };
    let bars =
        Bars { unit: t(), bars: vec![Bar::new(t(), 1.0), Bar::new(t(), f64::NAN)], caption: t() };
    let notes = vec![Note::Info(SYNTHETIC_NOTICE.into()), Note::Warning(t())];
    let blocks = vec![
        Block::Cards(vec![card]),
        Block::Figure(figure),
        Block::Table(table),
        Block::Plots(vec![plot]),
        Block::KeyValues(values),
        Block::Bars(bars),
        Block::Notes(notes),
    ];
    Report {
        title: t(),
        subtitle: t(),
        summary: t(),
        sections: blocks
            .into_iter()
            .map(|block| Section { title: t(), about: t(), blocks: vec![block] })
            .collect(),
        footer: t(),
    }
}

#[test]
fn every_page_is_well_formed() {
    for report in [Report::default(), full(""), full("plain"), full(HOSTILE)] {
        check(&report.to_html());
    }
}

#[test]
fn hostile_text_stays_text() {
    let html = full(HOSTILE).to_html();
    assert!(!html.contains("<script") && !html.contains("<![CDATA["));
    assert!(!html.contains(['\0', '\u{1b}', '\u{202e}']));
    // The same elements in the same order as with harmless text.
    assert_eq!(check(&html), check(&full("plain").to_html()));
}

#[test]
fn the_page_asks_for_nothing_from_outside() {
    let html = full("plain").to_html();
    assert!(
        html.contains("content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"")
    );
    for attribute in ["src=\"", "srcset=\"", "href=\"", "url("] {
        for rest in html.split(attribute).skip(1) {
            assert!(rest.starts_with("data:image/") || rest.starts_with('#'), "{attribute}");
        }
    }
    let names = check(&html);
    assert!(!names.iter().any(|n| ["script", "link", "iframe", "object"].contains(&n.as_str())));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    assert_eq!(full("a").to_html(), full("a").to_html());
}

#[test]
fn links_lead_to_the_sections() {
    let html = full("part").to_html();
    for k in 0..7 {
        assert_eq!(html.matches(&format!("href=\"#part-{k}\"")).count(), 1);
        assert_eq!(html.matches(&format!("id=\"part-{k}\"")).count(), 1);
    }
}

//! The page around the blocks.

use std::fmt::Write;

use super::bars::{self, Bars};
use super::cards::{self, Card};
use super::escape::escape;
use super::figure::{self, Figure};
use super::key_values::{self, KeyValues};
use super::notes::{self, Note};
use super::plot::{self, LinePlot};
use super::table::{self, Table};

/// Forbids the page everything that it does not carry in itself.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

const STYLE: &str = include_str!("style.css");

/// One piece of content.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Headline figures, side by side.
    Cards(Vec<Card>),
    /// A picture over the whole width.
    Figure(Figure),
    /// Rows of values and thumbnails.
    Table(Table),
    /// Curves, two side by side where there is room.
    Plots(Vec<LinePlot>),
    /// Named values in groups.
    KeyValues(KeyValues),
    /// Amounts as bars.
    Bars(Bars),
    /// Notices and warnings.
    Notes(Vec<Note>),
}

/// Blocks under one heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The heading; empty for none (then the page's contents do not list it).
    pub title: String,
    /// A sentence or two below the heading; empty for none.
    pub about: String,
    /// In order.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section without an introduction.
    pub fn new(title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { title: title.into(), about: String::new(), blocks }
    }
}

/// A report as data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What was done to what.
    pub title: String,
    /// A line below the title, such as program, preset and date.
    pub subtitle: String,
    /// One paragraph: what came out.
    pub summary: String,
    /// In order.
    pub sections: Vec<Section>,
    /// The last line; empty for none.
    pub footer: String,
}

impl Report {
    /// The report as one file of HTML that is also well-formed XML; the same report
    /// gives the same bytes.
    pub fn to_html(&self) -> String {
        let mut out = String::from(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
        );
        let _ =
            writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>");
        out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
        let _ = writeln!(out, "<title>{}</title>", escape(&self.title));
        let _ = write!(out, "<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n");
        self.head(&mut out);
        for (k, section) in self.sections.iter().enumerate() {
            render_section(k, section, &mut out);
        }
        if !self.footer.is_empty() {
            let _ = writeln!(out, "<footer>{}</footer>", escape(&self.footer));
        }
        out.push_str("</main>\n</body>\n</html>\n");
        out
    }

    fn head(&self, out: &mut String) {
        let _ = writeln!(out, "<header>\n<h1>{}</h1>", escape(&self.title));
        for (class, text) in [("subtitle", &self.subtitle), ("summary", &self.summary)] {
            if !text.is_empty() {
                let _ = writeln!(out, "<p class=\"{class}\">{}</p>", escape(text));
            }
        }
        let listed: Vec<(usize, &Section)> =
            self.sections.iter().enumerate().filter(|(_, s)| !s.title.is_empty()).collect();
        if listed.len() > 2 {
            out.push_str("<nav>");
            for (k, section) in listed {
                let _ = write!(out, "<a href=\"#part-{k}\">{}</a> ", escape(&section.title));
            }
            out.push_str("</nav>\n");
        }
        out.push_str("</header>\n");
    }
}

fn render_section(number: usize, section: &Section, out: &mut String) {
    let _ = writeln!(out, "<section id=\"part-{number}\">");
    if !section.title.is_empty() {
        let _ = writeln!(out, "<h2>{}</h2>", escape(&section.title));
    }
    if !section.about.is_empty() {
        let _ = writeln!(out, "<p class=\"about\">{}</p>", escape(&section.about));
    }
    for block in &section.blocks {
        match block {
            Block::Cards(cards) => cards::render(cards, out),
            Block::Figure(figure) => figure::render(figure, out),
            Block::Table(table) => table::render(table, out),
            Block::Plots(plots) => plot::render(plots, out),
            Block::KeyValues(values) => key_values::render(values, out),
            Block::Bars(bars) => bars::render(bars, out),
            Block::Notes(notes) => notes::render(notes, out),
        }
    }
    out.push_str("</section>\n");
}

#[cfg(test)]
mod tests;

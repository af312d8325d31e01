//! Rows of values and thumbnails.

use std::fmt::Write;

use super::cards::Better;
use super::escape::escape;
use super::inline_image::InlineImage;
use super::number::significant;

/// The head of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// What stands below.
    pub name: String,
    /// The unit of the numbers; empty for none.
    pub unit: String,
    /// For metrics: which way is better; the best number is then set off.
    pub better: Option<Better>,
}

impl Column {
    /// A column of text or pictures.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// A column of one metric.
    pub fn metric(name: impl Into<String>, unit: impl Into<String>, better: Better) -> Self {
        Self { name: name.into(), unit: unit.into(), better: Some(better) }
    }
}

/// One value of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number, shown with four significant digits, in full where the pointer rests.
    Number(f64),
    /// A whole number, such as the number of a frame.
    Count(u64),
    /// A thumbnail.
    Image {
        /// The picture.
        image: InlineImage,
        /// What is to be seen.
        alt: String,
    },
    /// Nothing was measured.
    Missing,
}

/// Values under named columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// From left to right.
    pub columns: Vec<Column>,
    /// From top to bottom; a short row leaves its last cells empty, and cells beyond
    /// the last column are left out.
    pub rows: Vec<Vec<Cell>>,
    /// A last row that sums up, such as the mean; empty for none.
    pub summary: Vec<Cell>,
    /// Below the table; empty for none.
    pub caption: String,
}

pub(super) fn render(table: &Table, out: &mut String) {
    out.push_str("<figure><div class=\"scroll\"><table class=\"data\">\n<thead><tr>");
    for (k, column) in table.columns.iter().enumerate() {
        let class = if is_numeric(table, k) { " class=\"n\"" } else { "" };
        let _ = write!(out, "<th scope=\"col\"{class}>{}", escape(&column.name));
        let direction = column.better.map_or("", Better::words);
        for words in [column.unit.as_str(), direction] {
            if !words.is_empty() {
                let _ = write!(out, "<small>{}</small>", escape(words));
            }
        }
        out.push_str("</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    let best: Vec<Option<usize>> = (0..table.columns.len()).map(|k| best_row(table, k)).collect();
    for (row, cells) in table.rows.iter().enumerate() {
        render_row(cells, &|k| best[k] == Some(row), table.columns.len(), out);
    }
    out.push_str("</tbody>\n");
    if !table.summary.is_empty() {
        out.push_str("<tfoot>\n");
        render_row(&table.summary, &|_| false, table.columns.len(), out);
        out.push_str("</tfoot>\n");
    }
    out.push_str("</table></div>");
    if !table.caption.is_empty() {
        let _ = write!(out, "<figcaption>{}</figcaption>", escape(&table.caption));
    }
    out.push_str("</figure>\n");
}

fn render_row(cells: &[Cell], is_best: &dyn Fn(usize) -> bool, columns: usize, out: &mut String) {
    out.push_str("<tr>");
    for k in 0..columns {
        match cells.get(k).unwrap_or(&Cell::Missing) {
            Cell::Text(text) => {
                let _ = write!(out, "<td>{}</td>", escape(text));
            }
            Cell::Number(v) => {
                let class = if is_best(k) { "n best" } else { "n" };
                let shown = significant(*v, 4);
                let _ = write!(out, "<td class=\"{class}\" title=\"{v}\">{shown}</td>");
            }
            Cell::Count(v) => {
                let _ = write!(out, "<td>{v}</td>");
            }
            Cell::Image { image, alt } => {
                let _ = write!(out, "<td class=\"thumb\">{}</td>", image.tag(alt));
            }
            Cell::Missing => out.push_str("<td class=\"none\">–</td>"),
        }
    }
    out.push_str("</tr>\n");
}

fn is_numeric(table: &Table, column: usize) -> bool {
    let mut cells = table.rows.iter().filter_map(|row| row.get(column));
    cells.any(|cell| matches!(cell, Cell::Number(_)))
}

/// The row with the best number of a metric, if two or more can be compared.
fn best_row(table: &Table, column: usize) -> Option<usize> {
    let better = table.columns[column].better?;
    let numbers: Vec<(usize, f64)> = table
        .rows
        .iter()
        .enumerate()
        .filter_map(|(row, cells)| match cells.get(column) {
            Some(Cell::Number(v)) if !v.is_nan() => Some((row, *v)),
            _ => None,
        })
        .collect();
    let order = |a: &(usize, f64), b: &(usize, f64)| match better {
        Better::Lower => a.1.total_cmp(&b.1),
        Better::Higher => b.1.total_cmp(&a.1),
    };
    let best = numbers.iter().copied().min_by(order)?;
    (numbers.len() > 1).then_some(best.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(better: Better, values: &[f64]) -> Table {
        Table {
            columns: vec![Column::new("frame"), Column::metric("psnr", "dB", better)],
            rows: values
                .iter()
                .enumerate()
                .map(|(k, &v)| vec![Cell::Count(k as u64 + 1), Cell::Number(v)])
                .collect(),
            ..Table::default()
        }
    }

    #[test]
    fn the_best_of_several_is_found_in_its_direction() {
        let values = [20.0, f64::NAN, 25.5, 19.0];
        assert_eq!(best_row(&table(Better::Higher, &values), 1), Some(2));
        assert_eq!(best_row(&table(Better::Lower, &values), 1), Some(3));
        assert_eq!(best_row(&table(Better::Lower, &[1.0, f64::NAN]), 1), None);
        assert_eq!(best_row(&table(Better::Lower, &values), 0), None);
    }

    #[test]
    fn unit_direction_and_full_value_are_shown() {
        let mut html = String::new();
        render(&table(Better::Higher, &[20.123456, 19.0]), &mut html);
        assert!(html.contains("psnr<small>dB</small><small>higher is better ↑</small>"));
        assert!(html.contains("<td class=\"n best\" title=\"20.123456\">20.12</td>"), "{html}");
    }

    #[test]
    fn short_and_long_rows_have_as_many_cells_as_there_are_columns() {
        let mut table = table(Better::Lower, &[]);
        table.rows = vec![vec![], vec![Cell::Missing; 5]];
        let mut html = String::new();
        render(&table, &mut html);
        assert_eq!(html.matches("<td").count(), 4);
    }
}

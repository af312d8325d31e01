//! Tables as CSV, for other programs to read.
//!
//! RFC 4180 with `\n` as line end; numbers in the shortest form that reads back to
//! the same value, `nan`, `inf` and `-inf` where they are none. Text is written as
//! it is: a spreadsheet may take a text that starts with `=` for a formula.

use super::plot::Series;
use super::table::{Cell, Table};

/// The values of a table under its column names (`name [unit]`); thumbnails are
/// left out, missing values are empty.
pub fn from_table(table: &Table) -> String {
    let shown: Vec<usize> = (0..table.columns.len()).filter(|&k| !holds_images(table, k)).collect();
    let names = shown.iter().map(|&k| {
        let column = &table.columns[k];
        match column.unit.as_str() {
            "" => column.name.clone(),
            unit => format!("{} [{unit}]", column.name),
        }
    });
    let mut out = line(names);
    for row in &table.rows {
        out.push_str(&line(shown.iter().map(|&k| match row.get(k) {
            Some(Cell::Text(text)) => text.clone(),
            Some(Cell::Number(v)) => number(*v),
            Some(Cell::Count(v)) => v.to_string(),
            Some(Cell::Image { .. } | Cell::Missing) | None => String::new(),
        })));
    }
    out
}

/// Records of numbers, such as the loss terms of every step, under `columns`.
pub fn from_records<'a>(columns: &[&str], records: impl IntoIterator<Item = &'a [f64]>) -> String {
    let mut out = line(columns.iter().map(|&name| name.to_owned()));
    for record in records {
        out.push_str(&line(record.iter().map(|&v| number(v))));
    }
    out
}

/// Curves in long form: `series`, `x`, `y`, one line a point.
pub fn from_series(series: &[Series]) -> String {
    let mut out = line(["series", "x", "y"].map(String::from));
    for one in series {
        for &(x, y) in &one.points {
            out.push_str(&line([one.name.clone(), number(x), number(y)]));
        }
    }
    out
}

fn line(fields: impl IntoIterator<Item = String>) -> String {
    let fields: Vec<String> = fields.into_iter().map(quoted).collect();
    // A line of one empty field would read as no line at all.
    if fields.len() == 1 && fields[0].is_empty() {
        "\"\"\n".into()
    } else {
        fields.join(",") + "\n"
    }
}

fn quoted(field: String) -> String {
    let plain = !field.contains([',', '"', '\n', '\r']) && field.trim() == field;
    if plain { field } else { format!("\"{}\"", field.replace('"', "\"\"")) }
}

fn number(v: f64) -> String {
    if v.is_nan() { "nan".into() } else { v.to_string() }
}

fn holds_images(table: &Table, column: usize) -> bool {
    let mut cells = table.rows.iter().filter_map(|row| row.get(column));
    cells.any(|cell| matches!(cell, Cell::Image { .. }))
}

#[cfg(test)]
mod tests {
    use super::super::{Better, Column};
    use super::*;

    #[test]
    fn text_is_quoted_where_it_must_be() {
        let table = Table {
            columns: vec![Column::new("file"), Column::metric("psnr", "dB", Better::Higher)],
            rows: vec![
                vec![Cell::Text("a,b \"c\"\n.png".into()), Cell::Number(20.5)],
                vec![Cell::Text(" x".into()), Cell::Missing],
                vec![Cell::Text("plain".into()), Cell::Number(f64::NAN)],
            ],
            ..Table::default()
        };
        let wanted = "file,psnr [dB]\n\"a,b \"\"c\"\"\n.png\",20.5\n\" x\",\nplain,nan\n";
        assert_eq!(from_table(&table), wanted);
    }

    #[test]
    fn numbers_read_back_to_the_bit() {
        let values = [0.1, 1.0 / 3.0, 5e-324, f64::MAX, -0.0, f64::INFINITY, f64::NEG_INFINITY];
        let text = from_records(&["v"], values.iter().map(std::slice::from_ref));
        let back: Vec<f64> = text.lines().skip(1).map(|l| l.parse().unwrap()).collect();
        let bits = |all: &[f64]| all.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&values));
    }

    #[test]
    fn curves_come_in_long_form() {
        let series = [Series::new("pixel", vec![(0.0, 1.5)]), Series::new("a,b", vec![(2.0, 3.0)])];
        assert_eq!(from_series(&series), "series,x,y\npixel,0,1.5\n\"a,b\",2,3\n");
    }
}

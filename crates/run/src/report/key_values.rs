//! Named values in groups: settings, models, machine.

use std::fmt::Write;

use super::escape::escape;

/// Names and values under one heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The heading; empty for none.
    pub name: String,
    /// Names and values, in order.
    pub entries: Vec<(String, String)>,
}

/// Groups of named values, side by side where there is room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyValues {
    /// In order.
    pub groups: Vec<Group>,
}

pub(super) fn render(values: &KeyValues, out: &mut String) {
    out.push_str("<div class=\"groups\">\n");
    for group in &values.groups {
        out.push_str("<div class=\"group\">");
        if !group.name.is_empty() {
            let _ = write!(out, "<h3>{}</h3>", escape(&group.name));
        }
        out.push_str("<dl>\n");
        for (name, value) in &group.entries {
            let (name, value) = (escape(name), escape(value));
            let _ = writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
        }
        out.push_str("</dl></div>\n");
    }
    out.push_str("</div>\n");
}

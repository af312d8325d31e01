//! Things the reader must know.

use std::fmt::Write;

use super::escape::escape;

/// Belongs into every report with made pictures.
pub const SYNTHETIC_NOTICE: &str = "Reconstructions, edits and morphs on this page are synthetic: \
     a generator drew them; they are no photographs and no evidence of anything. Show them only \
     with this said, and pictures of a person only with that person's consent.";

/// A paragraph that stands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Good to know.
    Info(String),
    /// Something that may have spoiled the result.
    Warning(String),
}

pub(super) fn render(notes: &[Note], out: &mut String) {
    for note in notes {
        let (class, lead, text) = match note {
            Note::Info(text) => ("info", "Note", text),
            Note::Warning(text) => ("warning", "Warning", text),
        };
        let text = escape(text);
        let _ = writeln!(out, "<p class=\"note {class}\"><strong>{lead}</strong> {text}</p>");
    }
}

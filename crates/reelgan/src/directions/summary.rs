//! What directions do, as tables.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Responses;
use crate::face::Attribute;

/// Attributes in the tables: those that change on most faces.
const SHOWN: [Attribute; 8] = [
    Attribute::Age,
    Attribute::Gender,
    Attribute::Expression(1),
    Attribute::Yaw,
    Attribute::Pitch,
    Attribute::Roll,
    Attribute::MouthOpen,
    Attribute::EyesOpen,
];

impl Responses {
    /// The attribute that direction `d` is named after.
    fn own(&self, d: usize) -> Option<Attribute> {
        self.names[d].split('~').next()?.parse().ok()
    }

    /// Everything as data.
    pub fn summary(&self) -> Value {
        let of = |d: usize| {
            let slopes: serde_json::Map<String, Value> = Attribute::ALL
                .iter()
                .map(|&a| (a.name().to_string(), json!(self.slope(d, a))))
                .collect();
            json!({
                "name": self.names[d],
                "per_strength": slopes,
                "own_curve": self.own(d).map(|a| self.curve(d, a)),
                "own_steps_rising": self.own(d).map(|a| self.rising(d, a)),
                "own_monotone": self.own(d).map(|a| self.monotone(d, a)),
                "identity_distance": self.identity(d),
                "identity_distance_at_own_deviation":
                    self.own(d).map(|a| self.identity_at(d, a, self.spread(a))),
                "face_found": self.found(d),
            })
        };
        let spreads: serde_json::Map<String, Value> =
            Attribute::ALL.iter().map(|&a| (a.name().to_string(), json!(self.spread(a)))).collect();
        json!({
            "faces": self.faces(),
            "seed": self.config.seed,
            "truncation": self.config.truncation,
            "strengths": self.strengths(),
            "spread": spreads,
            "directions": (0..self.names.len()).map(of).collect::<Vec<_>>(),
        })
    }

    /// Two tables: what each direction does to its own attribute, and to the others.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let strengths: Vec<String> = self.strengths().iter().map(f32::to_string).collect();
        let _ = writeln!(
            text,
            "| direction | mean at {} | per strength | steps that rise | faces monotone | identity distance | at one deviation | face found |\n|---|---|---|---|---|---|---|---|",
            strengths.join(", ")
        );
        for (d, name) in self.names.iter().enumerate() {
            let listed = |values: &[f64], digits: usize| {
                let words: Vec<_> = values.iter().map(|v| format!("{v:.digits$}")).collect();
                words.join(", ")
            };
            let own = self.own(d).map_or_else(
                || "| | | |".to_string(),
                |a| {
                    format!(
                        "{} {} | {:+.3} | {:.1} % | {:.1} %",
                        listed(&self.curve(d, a), 2),
                        a.unit().symbol(),
                        self.slope(d, a),
                        100.0 * self.rising(d, a),
                        100.0 * self.monotone(d, a)
                    )
                },
            );
            let _ = writeln!(
                text,
                "| {name} | {own} | {} | {} | {:.1} % |",
                listed(&self.identity(d), 2),
                self.own(d)
                    .and_then(|a| self.identity_at(d, a, self.spread(a)))
                    .map_or_else(|| "not reached".into(), |i| format!("{i:.2}")),
                100.0 * self.found(d)
            );
        }
        let names: Vec<_> = SHOWN.iter().map(|a| a.name()).collect();
        let _ = writeln!(
            text,
            "\nStandard deviations of the faces that a strength of 1 brings:\n\n| direction | {} |\n|---|{}",
            names.join(" | "),
            "---|".repeat(SHOWN.len())
        );
        for (d, name) in self.names.iter().enumerate() {
            let cells: Vec<String> = SHOWN
                .iter()
                .map(|&a| {
                    let cell = format!("{:+.2}", self.slope(d, a) / self.spread(a));
                    if self.own(d) == Some(a) { format!("**{cell}**") } else { cell }
                })
                .collect();
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
        text
    }
}

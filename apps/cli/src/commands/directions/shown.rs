//! What is known of directions that ship.

use anyhow::Result;
use clap::Args;
use reelgan::codes::Direction;
use reelgan::directions;
use reelgan::edit::EditSource;
use serde_json::{Value, json};

use crate::console::Console;
use crate::failure::Ending;

/// Name, accuracy, unit and origin of every direction that ships
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reelgan directions list --json")]
pub(super) struct List {}

/// Everything known of one direction
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reelgan directions info age\n  reelgan directions info mine.npy"
)]
pub(super) struct Info {
    /// Name of one that ships, or a file
    direction: EditSource,
}

pub(super) fn list(console: &Console) -> Result<Ending> {
    let all = directions::shipped();
    let data: Vec<Value> = all.iter().map(data).collect();
    console.answer(&data, || table(&all))?;
    Ok(Ending::Complete)
}

pub(super) fn about(info: &Info, console: &Console) -> Result<Ending> {
    let direction = match &info.direction {
        EditSource::Shipped(name) => directions::named(name)?,
        EditSource::File(path) => Direction::open(path)?,
        EditSource::Motion(_) => anyhow::bail!("a motion belongs to a run: see `reelgan show`"),
    };
    console.answer(&data(&direction), || words(&direction))?;
    Ok(Ending::Complete)
}

/// A direction as data.
pub(super) fn data(direction: &Direction) -> Value {
    json!({
        "name": direction.name,
        "space": direction.space().to_string(),
        "rows": direction.rows(),
        "dim": direction.dim(),
        "length": direction.length(),
        "generator": direction.generator,
        "provenance": direction.provenance,
        "learned": direction.learned,
    })
}

/// One line a direction.
pub(super) fn table(all: &[Direction]) -> String {
    let mut text = format!("{:<12} {:>9} {:>20}  faces", "name", "accuracy", "strength 1 brings");
    for direction in all {
        let name = &direction.name;
        text = match &direction.learned {
            None => format!("{text}\n{name:<12}"),
            Some(l) => {
                let brings = format!("{:+.3} {}", l.per_strength, l.unit.symbol());
                let accuracy = format!("{:.1} %", 100.0 * l.accuracy);
                format!("{text}\n{name:<12} {accuracy:>9} {brings:>20}  {}", l.faces)
            }
        };
    }
    text
}

fn words(direction: &Direction) -> String {
    let mut lines = vec![
        format!("{}: {} in {}", direction.name, direction.provenance, direction.space()),
        format!("  {} x {}, length {:.4}", direction.rows(), direction.dim(), direction.length()),
        match &direction.generator {
            Some(generator) => format!("  generator {generator}"),
            None => "  the file names no generator".into(),
        },
    ];
    if let Some(l) = &direction.learned {
        lines.push(format!(
            "  {}: a strength of 1 brings {:+.4} {}",
            l.attribute,
            l.per_strength,
            l.unit.symbol()
        ));
        lines.push(format!(
            "  {:.1} % of {} held-out faces on the right side; fitted to {} of {} (ends of {} %)",
            100.0 * l.accuracy,
            l.held_out,
            l.fitted,
            l.faces,
            100.0 * l.tail
        ));
        lines.push(format!(
            "  read by {}; seed {}, truncation {}",
            l.networks, l.seed, l.truncation
        ));
        lines.push(format!("  {}", l.command));
    }
    lines.join("\n")
}

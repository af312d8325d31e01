//! What edits, morphs and renders say when they are done.

use reelgan::job::Made;
use serde_json::{Value, json};

use crate::console::Console;
use crate::failure::Ending;
use crate::quantity::counted;

/// Shows what was made.
///
/// # Errors
/// Standard output that cannot be written.
pub fn show(made: &Made, console: &mut Console) -> anyhow::Result<Ending> {
    console.outcome(&data(made), || words(made))?;
    if made.finished {
        return Ok(Ending::Complete);
    }
    console.tell("interrupted: the same command does it again");
    Ok(Ending::Interrupted)
}

/// As data.
pub fn data(made: &Made) -> Value {
    json!({
        "folder": made.folder,
        "frames": made.frames,
        "finished": made.finished,
        "warnings": made.warnings,
        "files": made.written,
    })
}

fn words(made: &Made) -> String {
    if !made.finished {
        return format!("{}: unfinished", made.folder.display());
    }
    let mut text = format!("{}: {}", made.folder.display(), counted(made.frames, "frame"));
    for name in ["report.html", "strip.png", "video.mp4"] {
        let file = made.folder.join(name);
        if made.written.contains(&file) {
            text = format!("{text}\n  {}", file.display());
        }
    }
    text
}

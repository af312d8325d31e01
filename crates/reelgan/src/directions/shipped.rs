//! Directions that come with the program.

use crate::codes::Direction;
use crate::generator::Identity;
use crate::spelling::nearest;
use crate::{Error, Result};

/// Name and file of each, in the order they are listed in; `docs/EDITING.md` says how they
/// were learned.
const FILES: &[(&str, &[u8])] = &[
    ("age", include_bytes!("shipped/age.safetensors")),
    ("gender", include_bytes!("shipped/gender.safetensors")),
    ("smile", include_bytes!("shipped/smile.safetensors")),
    ("yaw", include_bytes!("shipped/yaw.safetensors")),
    ("pitch", include_bytes!("shipped/pitch.safetensors")),
    ("mouth-open", include_bytes!("shipped/mouth-open.safetensors")),
    ("eyes-open", include_bytes!("shipped/eyes-open.safetensors")),
];

/// All of them.
///
/// # Panics
/// If a file of this program is damaged.
pub fn shipped() -> Vec<Direction> {
    let read = |(name, bytes): &(&str, &[u8])| {
        Direction::from_bytes(bytes, name).expect("files of the program itself are whole")
    };
    FILES.iter().map(read).collect()
}

/// The one of that name.
///
/// # Errors
/// [`Error::Setting`] that names the nearest.
pub fn named(name: &str) -> Result<Direction> {
    let names = || FILES.iter().map(|(name, _)| *name);
    let Some((_, bytes)) = FILES.iter().find(|(known, _)| *known == name) else {
        let advice = match nearest(name, names()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        return Err(Error::setting(
            format!("direction `{name}`"),
            format!("none of that name ships; {advice} (or give a file)"),
        ));
    };
    Direction::from_bytes(bytes, name)
}

/// The one of that name for codes of `generator`.
///
/// # Errors
/// As [`named`]; [`Error::OtherGenerator`].
pub fn find(name: &str, generator: &Identity) -> Result<Direction> {
    let direction = named(name)?;
    match &direction.generator {
        Some(theirs) if theirs != generator => Err(Error::OtherGenerator {
            what: format!("direction `{name}`"),
            theirs: theirs.to_string(),
            ours: generator.to_string(),
        }),
        _ => Ok(direction),
    }
}
